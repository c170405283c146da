import { basename } from 'node:path';
import type { LoadedConfig } from '../config/load-config.ts';
import { channelReceiver, type ChannelOptions } from '../../reporting/notify/channel.ts';
import { commandReporter } from '../../reporting/notify/command.ts';
import { desktopReceiver } from '../../reporting/notify/desktop.ts';
import { notifier } from '../../reporting/notify/notifier.ts';
import { slackChannel } from '../../reporting/notify/slack.ts';
import { webhookChannel } from '../../reporting/notify/webhook.ts';
import type { OutputStream } from '../../reporting/terminal/output.ts';
import type { Reporter } from '../../reporting/reporter.ts';
import { managerMarker, projectKey } from '../../worker/process/markers.ts';
import type { Marker, ProcessTable } from '../../worker/process/process-table.ts';
import type { Services } from '../services.ts';
import type { Project } from '../project/project.ts';

/** What telling people needs of a run. */
export interface NotificationParts {
  readonly project: Project;
  readonly settings: LoadedConfig;
  readonly runId: string;
  readonly processes: ProcessTable;
  /**
   * The terminal that the display is on: the very stream that the display writes to, so that no sequence begins within
   * another. Undefined where stdout is no terminal, or holds JSON.
   */
  readonly terminal: OutputStream | undefined;
  /** Takes secrets out of a text; the events come without any. */
  readonly redact: (text: string) => string;
  readonly warn: (message: string) => void;
}

/** Everyone who is told of a run beside its display, by configuration. */
export function notificationReporters(services: Services, parts: NotificationParts): Reporter[] {
  const { project, settings, runId, terminal, warn } = parts;
  const { notifications, hooks } = settings.config;
  const name = basename(project.root);
  const options: ChannelOptions = { project: name, runId, warn, random: Math.random };
  const channels = [
    ...(notifications.slack_webhook_url === null ? [] : [slackChannel(notifications.slack_webhook_url)]),
    ...(notifications.webhook_url === null ? [] : [webhookChannel(notifications.webhook_url)]),
  ];
  const desktop =
    notifications.desktop && terminal !== undefined
      ? desktopReceiver({ stream: terminal, env: services.env, project: name })
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
  const [program, ...rest] = hooks.on_event;
  return [
    ...(receivers.length === 0 ? [] : [notifier({ wanted }, receivers)]),
    ...(program === undefined ? [] : [hookReporter(services, parts, [program, ...rest])]),
  ];
}

function hookReporter(
  services: Services,
  { project, processes, redact, warn }: NotificationParts,
  argv: readonly [string, ...string[]],
): Reporter {
  const self = processes.identify(services.pid) ?? { pid: services.pid, startTime: 'unknown' };
  const owner = managerMarker(projectKey(project.root), self);
  const marker: Marker = { ...owner, value: `${owner.value}/hook` };
  return commandReporter({
    argv,
    directory: project.root,
    // As it was given: what .env adds to it is for the run alone.
    environment: services.env,
    processes,
    marker,
    redact,
    warn,
  });
}
