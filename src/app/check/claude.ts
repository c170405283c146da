import { choosePayer } from '../../domain/billing.ts';
import { describeKey } from '../../manager/choose-manager.ts';
import type { ClaudeCli } from '../claude/claude-cli.ts';
import { couldBeClaude, checkModelName, modelFailure } from '../claude/model-name.ts';
import type { Config, LoadedConfig, Secrets } from '../config/load-config.ts';
import type { Finding } from '../contract/check.ts';
import type { Findings } from './finding.ts';

/** The version that the tool was tested with. Older versions lack options that the tool uses. */
const TESTED = '2.1.330';
const OLDEST = [2, 1] as const;

const INSTALL =
  'Install it with `npm install -g @anthropic-ai/claude-code`, or set claude_cli.command to where it is.';

/** The Claude CLI itself, which every worker runs. */
export function checkClaude(command: string, claude: ClaudeCli, findings: Findings): Finding[] {
  if (claude.kind === 'missing')
    return [findings.failure(`the Claude CLI: "${command}" ${claude.message}`, INSTALL)];
  if (claude.kind === 'broken')
    return [
      findings.failure(
        `the Claude CLI "${command}" ${claude.message}`,
        `Run \`${command} doctor\`. ${INSTALL}`,
      ),
    ];
  const { version } = claude;
  if (version === undefined)
    return [findings.warning(`"${command}" reports no version; is it the Claude CLI?`, INSTALL)];
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1]))
    return [
      findings.warning(
        `Claude CLI ${version} is older than what was tested (${TESTED})`,
        `Run \`${command} update\`.`,
      ),
    ];
  return [findings.ok(`Claude CLI ${version}`)];
}

/** Who will pay for the workers. A run makes the same choice. */
export function checkLogin(
  config: Config,
  secrets: Secrets,
  claude: ClaudeCli,
  findings: Findings,
): Finding[] {
  const { auth } = config.claude_cli;
  const { apiKey } = secrets;
  const login = claude.kind === 'found' ? claude.login : undefined;
  const payer = choosePayer({ auth, hasApiKey: apiKey !== null, loggedIn: login?.loggedIn });
  if (payer.ok) {
    const plan = login?.subscription === undefined ? '' : ` (${login.subscription})`;
    const byKey = payer.value === 'api_key' && apiKey !== null;
    return [findings.ok(`workers: ${byKey ? describeKey(apiKey) : `Claude subscription${plan}`}`)];
  }
  if (claude.kind !== 'found' && auth !== 'api_key')
    return [findings.skipped('not checked: the Claude CLI knows whether there is a login')];
  return [findings.failure(payer.error.message, payer.error.fix)];
}

/** Whether there is an API key, and whether it looks like one. The key is never shown. */
export function checkKey(
  config: Config,
  secrets: Secrets,
  baseUrl: string | undefined,
  findings: Findings,
): Finding[] {
  const { apiKey } = secrets;
  const { via } = config.models.manager;
  if (apiKey === null) {
    const fix =
      'Set ANTHROPIC_API_KEY in .env or in the environment; keys are at https://platform.claude.com.';
    return via === 'api'
      ? [findings.failure('models.manager.via is "api", but there is no API key', fix)]
      : [findings.skipped('no API key is set, so the manager needs the login of the Claude CLI')];
  }
  const what = `${describeKey(apiKey)}${baseUrl === undefined ? '' : ` for ${originOf(baseUrl)}`}`;
  if (baseUrl !== undefined && !URL.canParse(baseUrl))
    return [
      findings.failure('ANTHROPIC_BASE_URL is not an address', 'Remove it, or write it as https://host.'),
    ];
  if (/\s/.test(apiKey))
    return [findings.failure(`${what} contains white space`, 'Copy it again, as one line without quotes.')];
  if (baseUrl === undefined && !/^sk-ant-[\w-]{20,}$/.test(apiKey))
    return [
      findings.warning(
        `${what} does not look like a whole key of Anthropic, which begins with sk-ant-`,
        'Copy it again from https://platform.claude.com.',
      ),
    ];
  return [findings.ok(what)];
}

function originOf(address: string): string {
  return URL.canParse(address) ? new URL(address).host : 'another server';
}

const TIMEOUT_MS = 8000;

const REACH =
  'Check that this machine reaches the API: network, proxy, ANTHROPIC_BASE_URL; then run `check` again.';

/** Whether the configured models exist. The models list says so, and asking for it costs nothing. */
export async function checkModels(
  settings: LoadedConfig,
  signal: AbortSignal,
  findings: Findings,
): Promise<Finding[]> {
  const { config, secrets, environment } = settings;
  const { apiKey } = secrets;
  const roles = ['manager', 'worker'] as const;
  const impossible = roles.flatMap((role) => checkModelName(settings, role) ?? []);
  if (impossible.length > 0) return impossible.map(({ message, fix }) => findings.failure(message, fix));
  if (apiKey === null) return [findings.skipped('not checked: the models list needs an API key')];
  const { resolveModel } = await import('../../manager/sdk/models.ts');
  const connection = {
    apiKey,
    baseUrl: environment['ANTHROPIC_BASE_URL'],
    timeoutMs: TIMEOUT_MS,
    silenceMs: TIMEOUT_MS,
    maxRetries: 0,
    baseMs: 0,
    maxMs: 0,
    random: Math.random,
  };
  const at = performance.now() + TIMEOUT_MS;
  const results = await Promise.all(
    roles.map((role) => resolveModel(connection, config.models[role].model, { at, signal })),
  );
  const found: string[] = [];
  const problems = new Map<string, Finding>();
  for (const [index, role] of roles.entries()) {
    const result = results[index];
    if (result?.ok === true) {
      const { id, note, isListed } = result.value;
      if (!isListed) {
        const { message, fix } = modelFailure(role, id, "it is not in the server's models list");
        const told = `models.${role}.model is "${id}", which is not in the server's models list`;
        problems.set(
          role,
          couldBeClaude(id)
            ? findings.warning(told, 'Check the spelling; not every id is on the list.')
            : findings.failure(message, fix),
        );
        continue;
      }
      found.push(
        `${role} ${config.models[role].model}${id === config.models[role].model ? '' : ` = ${id}`}${note === '' ? '' : ` (${note})`}`,
      );
    } else if (result !== undefined) {
      const { reason, message, fix } = result.error;
      const text = message.replaceAll('models.manager.model', `models.${role}.model`);
      // The network may be up again when the run starts, so this is only a warning. It is the same for both models: the
      // one about the manager is kept, because its name is in the message.
      if (reason === 'manager-unavailable' || reason === 'usage-limited') {
        if (!problems.has(reason)) problems.set(reason, findings.warning(`not checked: ${text}`, REACH));
      } else
        problems.set(
          text,
          findings.failure(text, fix?.replaceAll('models.manager.model', `models.${role}.model`)),
        );
    }
  }
  return [...(found.length === 0 ? [] : [findings.ok(found.join(', '))]), ...problems.values()];
}
