import { Failed, fail, type Failure } from '../../domain/failure.ts';
import type { Result } from '../../domain/result.ts';
import { describeKey } from '../../manager/choose-manager.ts';
import { choosePayer, chooseManagerPayer, type Payer } from '../../domain/billing.ts';
import type { LoadedConfig } from '../config/load-config.ts';
import type { Project } from '../project/project.ts';
import type { Services } from '../services.ts';
import {
  inspectClaude,
  isRecognised,
  recogniseClaude,
  rememberRecognised,
  type ClaudeProgram,
} from './claude-cli.ts';
import { checkModelName } from './model-name.ts';
import { explainMissingProgram, findProgram } from './program.ts';

const PROBE_TIMEOUT_MS = 30_000;

/** Who pays for the workers. */
export interface WorkerPayer {
  readonly payer: Payer;
  /** Resolves when the program is known to be the Claude CLI; rejects with `Failed` where it is not. */
  readonly recognised: Promise<void>;
}

/** Finds out who pays for the workers; throws `Failed` where nobody would, or where there is no Claude CLI. */
export async function findWorkerPayer(
  services: Services,
  project: Project,
  settings: LoadedConfig,
  signal: AbortSignal,
): Promise<WorkerPayer> {
  const { config, secrets } = settings;
  const { auth, command } = config.claude_cli;
  const env = { ...settings.environment, ...config.claude_cli.environment };
  const impossible = checkModelName(settings, 'worker');
  if (impossible !== undefined) throw new Failed(impossible);
  const place = { cwd: project.root, path: env['PATH'] };
  const program = findProgram(command, place);
  if (program === undefined)
    return failWithoutCli(command, explainMissingProgram(command, place) ?? 'was not found');
  const hasApiKey = secrets.apiKey !== null;
  const options = { cwd: project.root, env, timeoutMs: PROBE_TIMEOUT_MS, signal, kill: services.kill };
  const accept = (claude: ClaudeProgram): void => {
    if (signal.aborted) fail('interrupted', 'Interrupted. Nothing was started.');
    if (claude.kind !== 'found') failWithoutCli(command, claude.message);
    rememberRecognised(services, program);
  };
  // The CLI takes up to a second to tell its login, which is not needed where the configuration decides.
  if (auth === 'api_key') {
    const payer = payerOf(choosePayer({ auth, hasApiKey, loggedIn: undefined }));
    if (isRecognised(services, program)) return { payer, recognised: Promise.resolve() };
    const recognised = recogniseClaude(command, options).then(accept);
    // It is awaited later, or not at all.
    recognised.catch(() => undefined);
    return { payer, recognised };
  }
  const claude = await inspectClaude(command, options);
  accept(claude);
  const loggedIn = claude.kind === 'found' ? claude.login?.loggedIn : undefined;
  const payer = payerOf(choosePayer({ auth, hasApiKey, loggedIn }));
  return { payer, recognised: Promise.resolve() };
}

function failWithoutCli(command: string, why: string): never {
  return fail(
    'cli-missing',
    `The Claude CLI of claude_cli.command: "${command}" ${why}.`,
    'Install it with `npm install -g @anthropic-ai/claude-code`, or name it in claude_cli.command.',
  );
}

function payerOf(payer: Result<Payer, Failure>): Payer {
  if (!payer.ok) throw new Failed(payer.error);
  return payer.value;
}

/** Who pays for what, as it is printed before the first process starts. */
export function describeBilling(payer: Payer, { config, secrets }: LoadedConfig): string {
  const key = secrets.apiKey === null ? 'an API key' : describeKey(secrets.apiKey);
  const workers = payer === 'subscription' ? 'Claude subscription' : key;
  const { via } = config.models.manager;
  const byKey = chooseManagerPayer(payer, { hasApiKey: secrets.apiKey !== null, via }) === 'api_key';
  const manager = byKey ? key : 'Claude subscription';
  const { manager: managing, worker: working } = config.models;
  return `workers: ${workers} (${working.model}) · manager: ${manager} (${managing.model})`;
}
