import { existsSync, statSync } from 'node:fs';
import { findProgram } from '../claude/program.ts';
import type { Config, ConfigProblem, LoadedConfig } from '../config/load-config.ts';
import { formatProblem } from '../config/problem.ts';
import type { Project } from '../project/project.ts';
import type { Services } from '../services.ts';
import type { Finding } from '../contract/check.ts';
import type { Findings } from './finding.ts';

/** Every problem and every warning of the configuration. */
export function checkConfiguration(
  { configFile }: Project,
  problems: readonly ConfigProblem[],
  warnings: readonly string[],
  findings: Findings,
): Finding[] {
  if (problems.length > 0)
    return problems.map((problem) => {
      const { fix, ...rest } = problem;
      return findings.failure(
        formatProblem(rest),
        fix ?? 'Fix it; `claude-orchestrator config schema` shows every key.',
      );
    });
  const found =
    configFile === undefined
      ? findings.warning(
          'there is no orchestrator_config.json, so defaults apply',
          'Run `claude-orchestrator init`.',
        )
      : findings.ok(configFile);
  return [found, ...warnings.map((warning) => findings.warning(warning))];
}

/** Whether others can read `.env`. */
export function checkEnvFile(services: Services, { envFile }: Project, findings: Findings): Finding[] {
  if (!existsSync(envFile)) return [findings.ok('no .env; the environment is used')];
  const mode = statSync(envFile).mode & 0o777;
  // Windows has no such modes.
  if (services.platform !== 'win32' && (mode & 0o077) !== 0)
    return [
      findings.warning(
        `other users can read ${envFile} (mode ${mode.toString(8)})`,
        `Run \`chmod 600 ${envFile}\`.`,
      ),
    ];
  return [findings.ok(envFile)];
}

/** Whether a change is proven by more than the worker's word. */
export function checkVerify({ verify }: Config, findings: Findings): Finding[] {
  if (verify.commands.length > 0) return [findings.ok(verify.commands.join(' · '))];
  return [
    findings.warning(
      "no verify command is set, so nothing but a worker's word proves its change",
      'Put the commands that test your project into verify.commands, such as ["npm test"].',
    ),
  ];
}

/** Whether the address of the webhook has the right form. Nothing is sent. */
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

/** Whether notices would go to the webhook unencrypted. Nothing is sent. */
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

/** Whether the program that gets each event exists. It is not started. */
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
