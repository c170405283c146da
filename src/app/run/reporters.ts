import { basename, join } from 'node:path';
import type { ProcessIdentity } from '../../domain/attempt.ts';
import type { Redact } from '../../domain/redact.ts';
import { fanOut } from '../../reporting/fan-out.ts';
import { createLogReporter } from '../../reporting/log/log-reporter.ts';
import { channelReceiver, type ChannelOptions } from '../../reporting/notify/channel.ts';
import { commandReporter } from '../../reporting/notify/command.ts';
import { desktopReceiver } from '../../reporting/notify/desktop.ts';
import { notifier } from '../../reporting/notify/notifier.ts';
import { slackChannel } from '../../reporting/notify/slack.ts';
import { webhookChannel } from '../../reporting/notify/webhook.ts';
import type { Reporter } from '../../reporting/reporter.ts';
import type { UsageLedger } from '../../usage/ledger.ts';
import { createManagerMarker, computeProjectKey } from '../../worker/process/markers.ts';
import type { ProcessTable } from '../../worker/process/process-table.ts';
import type { RunJob } from './job.ts';

/** What reporters need of a run. */
export interface ReporterParts {
  readonly runId: string;
  /** This process. */
  readonly self: ProcessIdentity;
  readonly processes: ProcessTable;
  readonly ledger: UsageLedger;
  /** Takes secrets out of a text; the events come without any. */
  readonly redact: Redact;
  /** Records a warning, which all of them get. */
  readonly warn: (message: string) => void;
}

/** Everyone who gets the events of a run: who asked for it, the log, and by configuration others elsewhere. */
export async function openReporters(job: RunJob, parts: ReporterParts): Promise<Reporter> {
  const { request, services, project, settings, view } = job;
  const { monitoring } = settings.config;
  const display = await view.open({ windows: () => parts.ledger.windows(), monitoring });
  const log = createLogReporter({
    folder: join(project.stateFolder, 'logs'),
    level: request.verbose === true || monitoring.verbose_logging ? 'debug' : 'info',
    pid: services.pid,
    now: Date.now,
    warn: parts.warn,
  });
  return fanOut([display, log, ...notifiers(job, parts), ...hooks(job, parts)], { redact: parts.redact });
}

/** Whoever gets notices: a new kind of them is one line here. */
function notifiers(
  { project, settings, services, view }: RunJob,
  { runId, warn }: ReporterParts,
): Reporter[] {
  const { notifications } = settings.config;
  const name = basename(project.root);
  const options: ChannelOptions = { project: name, runId, warn, random: Math.random };
  const channels = [
    ...(notifications.slack_webhook_url === null ? [] : [slackChannel(notifications.slack_webhook_url)]),
    ...(notifications.webhook_url === null ? [] : [webhookChannel(notifications.webhook_url)]),
  ];
  const desktop =
    notifications.desktop && view.terminal !== undefined
      ? desktopReceiver({ stream: view.terminal, env: services.env, project: name })
      : undefined;
  const receivers = [
    ...channels.map((channel) => channelReceiver(channel, options)),
    ...(desktop === undefined ? [] : [desktop]),
  ];
  const wanted = {
    taskComplete: notifications.notify_on_task_complete,
    taskFailed: notifications.notify_on_task_failed,
    runEnded: notifications.notify_on_all_complete,
  };
  return receivers.length === 0 ? [] : [notifier({ wanted }, receivers)];
}

/** The user's own program, which gets each event. */
function hooks(
  { project, settings, services }: RunJob,
  { self, processes, redact, warn }: ReporterParts,
): Reporter[] {
  const [program, ...rest] = settings.config.hooks.on_event;
  if (program === undefined) return [];
  const owner = createManagerMarker(computeProjectKey(project.root), self);
  return [
    commandReporter({
      argv: [program, ...rest],
      directory: project.root,
      // As it was given: what .env adds to it is for the run alone.
      environment: services.env,
      processes,
      marker: { ...owner, value: `${owner.value}/hook` },
      redact,
      warn,
    }),
  ];
}
