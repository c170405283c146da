import type { Config, LoadedConfig } from '../config/load-config.ts';
import { findProgram } from '../claude/find-program.ts';
import type { Project } from '../project/project.ts';
import type { Finding, Findings } from './finding.ts';

/** The form of the webhook address; nothing is sent. */
export function checkSlack({ notifications }: Config, findings: Findings): Finding[] {
  const address = notifications.slack_webhook_url;
  if (address === null) return [findings.ok('no Slack webhook is set')];
  const fix = 'Copy the address of an incoming webhook: https://api.slack.com/messaging/webhooks';
  if (/YOUR|WEBHOOK|XXXX|\.\.\./.test(new URL(address).pathname))
    return [findings.warning('the Slack webhook is still a placeholder', fix)];
  if (!/^https:\/\/hooks\.slack(?:-gov)?\.com\/(?:services|workflows|triggers)\/\S+$/.test(address))
    return [findings.warning('the Slack webhook does not look like https://hooks.slack.com/services/…', fix)];
  return [findings.ok('the Slack webhook has the right form (nothing was sent)')];
}

/** Whether notices go to the webhook in the clear; nothing is sent. */
export function checkWebhook({ notifications }: Config, findings: Findings): Finding[] {
  const address = notifications.webhook_url;
  if (address === null) return [findings.ok('no webhook is set')];
  const { protocol, hostname } = new URL(address);
  if (protocol === 'http:' && !LOOPBACK.test(hostname))
    return [
      findings.warning(
        `notices would go unencrypted to ${hostname}`,
        'Use an https address in notifications.webhook_url or NOTIFY_WEBHOOK_URL.',
      ),
    ];
  return [findings.ok(`notices go to ${hostname} (nothing was sent)`)];
}

/** Whether the program that gets each event is there; it is not started. */
export function checkHook(
  { config, environment }: LoadedConfig,
  { root }: Project,
  findings: Findings,
): Finding[] {
  const [program] = config.hooks.on_event;
  if (program === undefined) return [findings.ok('no program gets events')];
  const found = findProgram(program, { cwd: root, path: environment['PATH'] });
  if (found === undefined)
    return [
      findings.warning(
        `hooks.on_event names "${program}", which is not on PATH or not executable`,
        'Name a program on PATH, or one relative to the project such as ./notify.sh, and make it executable.',
      ),
    ];
  return [findings.ok(`each event goes to ${found}`)];
}

const LOOPBACK = /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/;
