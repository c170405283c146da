import { resolve } from 'node:path';
import type { LoadedConfig } from '../config/load-config.ts';
import { Failed, fail, type Failure } from '../../domain/failure.ts';
import { describeKey } from '../../manager/choose-manager.ts';
import type { Reviewer } from '../../manager/manager.ts';
import type { Result } from '../../domain/result.ts';
import type { TaskStore } from '../../store/store.ts';
import { choosePayer, chooseManagerPayer, type Payer } from '../../domain/billing.ts';
import { Gates } from '../../worker/gates/gates.ts';
import { createLocalWorker } from '../../worker/local-worker.ts';
import { projectKey } from '../../worker/process/markers.ts';
import type { ProcessTable } from '../../worker/process/process-table.ts';
import { createCommandRunner, type RunCommand } from '../../worker/gates/run-command.ts';
import type { Worker } from '../../worker/worker.ts';
import { WorkerPool } from '../../domain/worker-pool.ts';
import type { Workspaces } from '../../workspace/workspace.ts';
import { inspectClaude, recogniseClaude, type ClaudeProgram } from '../claude/claude-cli.ts';
import type { Services } from '../services.ts';
import { findProgram, whyNoProgram } from '../claude/find-program.ts';
import { impossibleModel } from '../claude/model-name.ts';
import type { Project } from '../project/project.ts';
import { isRecognised, rememberRecognised } from '../claude/recognised-claude.ts';

/** Between SIGTERM and SIGKILL: the Claude CLI ends its tools within 1.6 s, a loaded machine is slower. */
const GRACE_MS = 8000;
/** A Claude CLI that has given its result and stays is ended after this. */
const AFTER_RESULT_MS = 15_000;
/** How often the CLI itself repeats a failed request, about 15 s in all; waiting longer is for the run to decide. */
const API_RETRIES = 5;
const PROBE_TIMEOUT_MS = 30_000;
/** How often what a worker has written so far is kept. */
const SNAPSHOT_MS = 180_000;

/** Where workers work: `execution.default_working_dir`, else the project. */
export function workingDirectory(project: Project, { config }: Pick<LoadedConfig, 'config'>): string {
  return resolve(project.root, config.execution.default_working_dir ?? '.');
}

/** Who pays for the workers. */
export interface WorkerPayer {
  readonly payer: Payer;
  /** Resolves once the program is known to be the Claude CLI; rejects with `Failed` where it is not. */
  readonly recognised: Promise<void>;
}

/** Who pays for the workers; throws `Failed` where nobody would, or where there is no Claude CLI to pay for. */
export async function findWorkerPayer(
  services: Services,
  project: Project,
  settings: LoadedConfig,
  signal: AbortSignal,
): Promise<WorkerPayer> {
  const { config, secrets } = settings;
  const { auth, command } = config.claude_cli;
  const env = { ...settings.environment, ...config.claude_cli.environment };
  const impossible = impossibleModel(settings, 'worker');
  if (impossible !== undefined) throw new Failed(impossible);
  const place = { cwd: project.root, path: env['PATH'] };
  const program = findProgram(command, place);
  if (program === undefined) return failWithoutCli(command, whyNoProgram(command, place) ?? 'was not found');
  const hasApiKey = secrets.apiKey !== null;
  const options = { cwd: project.root, env, timeoutMs: PROBE_TIMEOUT_MS, signal, kill: services.kill };
  const accept = (claude: ClaudeProgram): void => {
    if (signal.aborted) fail('interrupted', 'Interrupted. Nothing was started.');
    if (claude.kind !== 'found') failWithoutCli(command, claude.message);
    rememberRecognised(services, program);
  };
  // The CLI's word on its login takes up to a second, and is not needed where the answer is clear without it.
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

/** What the worker of one run is made of, besides the configuration. */
export interface WorkerParts {
  readonly store: TaskStore;
  readonly runId: string;
  readonly workspaces: Workspaces;
  readonly processes: ProcessTable;
  readonly reviewer: Reviewer | null;
  readonly runCommand: RunCommand;
  readonly warn: (message: string) => void;
  /** Aborts to end processes at once. */
  readonly hurry: AbortSignal;
}

/** Runs verify and set-up commands; each gets at most `timeoutSeconds`. */
export function commandRunner(
  { config, environment }: LoadedConfig,
  table: ProcessTable,
  timeoutSeconds: number,
  hurry: AbortSignal,
): RunCommand {
  return createCommandRunner({
    table,
    environment: { ...environment, ...config.claude_cli.environment },
    timeoutMs: timeoutSeconds * 1000,
    graceMs: GRACE_MS,
    hurry,
  });
}

/** The worker of this machine, by configuration. */
export function createWorker(
  project: Project,
  settings: LoadedConfig,
  payer: Payer,
  { store, runId, workspaces, processes, reviewer, runCommand, warn, hurry }: WorkerParts,
): Worker {
  const { config, environment } = settings;
  const { execution, verify, review, claude_cli: claude } = config;
  const { changes } = workspaces;
  const whole = { ...environment, ...claude.environment };
  const { [APPENDED]: systemPrompt, ...flags } = claude.flags;
  return createLocalWorker({
    claude: {
      command: claude.command,
      environment: whole,
      billing: payer,
      tools: claude.tools,
      permissionMode: claude.permission_mode,
      // A worker may run the commands that its change has to pass.
      allowedTools: [...claude.allowed_tools, ...verify.commands.map((command) => `Bash(${command})`)],
      disallowedTools: claude.disallowed_tools,
      settingSources: claude.setting_sources.join(','),
      settings: Object.keys(claude.settings).length === 0 ? null : JSON.stringify(claude.settings),
      maxTurns: execution.max_turns,
      maxApiRetries: API_RETRIES,
      bashDefaultTimeoutMs: execution.bash_default_timeout_ms,
      bashMaxTimeoutMs: execution.bash_max_timeout_ms,
      bashMaxOutputLength: execution.bash_max_output_length,
      systemPrompt: typeof systemPrompt === 'string' ? systemPrompt : '',
      extraFlags: flagArguments(flags),
    },
    workspaces,
    processes,
    project: projectKey(project.root),
    timeouts: {
      totalMs: execution.worker_timeout * 1000,
      stallMs: execution.stall_timeout * 1000,
      graceMs: GRACE_MS,
      afterResultMs: AFTER_RESULT_MS,
    },
    verifyCommands: verify.commands,
    gates: new Gates({
      commands: verify.commands,
      run: runCommand,
      book: {
        get: (tree, command) => store.gateVerdict(runId, tree, command),
        put: (tree, command, verdict) => store.saveGateVerdict(runId, tree, command, verdict),
      },
      visit: changes === null ? null : changes.visit.bind(changes),
      reset: changes === null ? undefined : changes.reset.bind(changes),
      warn,
    }),
    reviewer,
    maxReviewRounds: review.max_rounds,
    onReviewLimit: review.on_limit,
    landing: new WorkerPool(1),
    snapshotMs: SNAPSHOT_MS,
    now: Date.now,
    hurry,
  });
}

/** The option by which our own rules go to the CLI, which takes it once. */
const APPENDED = 'append-system-prompt';

/** `claude_cli.flags` as arguments: true for an option without a value, a list for one that is repeated. */
function flagArguments(flags: LoadedConfig['config']['claude_cli']['flags']): string[] {
  return Object.entries(flags).flatMap(([name, value]) => {
    if (value === null || value === false) return [];
    if (value === true) return [`--${name}`];
    return (Array.isArray(value) ? value : [value]).map((each) => `--${name}=${each}`);
  });
}
