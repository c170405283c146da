import type { TaskStore } from '../../store/store.ts';
import type { Reviewer } from '../../manager/manager.ts';
import type { Payer } from '../../domain/billing.ts';
import { Gates } from '../../worker/gates/gates.ts';
import { createLocalWorker } from '../../worker/local-worker.ts';
import { createManagerMarker } from '../../worker/process/markers.ts';
import type { ProcessTable } from '../../worker/process/process-table.ts';
import { createCommandRunner, type RunCommand } from '../../worker/gates/run-command.ts';
import type { Worker } from '../../worker/worker.ts';
import { WorkerPool } from '../../domain/worker-pool.ts';
import type { RunSetup } from '../../workspace/slots/slot-setup.ts';
import type { Workspaces } from '../../workspace/workspace.ts';
import type { ProcessIdentity } from '../../domain/attempt.ts';
import type { LoadedConfig } from '../config/load-config.ts';

/** Between SIGTERM and SIGKILL: the Claude CLI ends its tools within 1.6 s, a loaded machine is slower. */
const GRACE_MS = 8000;
/** A Claude CLI that has given its result and stays is ended after this. */
const AFTER_RESULT_MS = 15_000;
/** How often the CLI itself repeats a failed request, about 15 s in all; waiting longer is for the run to decide. */
const API_RETRIES = 5;
/** How often what a worker has written so far is kept. */
const SNAPSHOT_MS = 180_000;

/** What everything that starts processes for a run needs. */
export interface ProcessParts {
  readonly processes: ProcessTable;
  /** This project, as processes are marked with it. */
  readonly project: string;
  /** This process. */
  readonly self: ProcessIdentity;
  /** Aborts to end processes at once. */
  readonly hurry: AbortSignal;
}

/** What the worker of one run is made of, besides the configuration. */
export interface WorkerParts extends ProcessParts {
  readonly store: TaskStore;
  readonly runId: string;
  readonly workspaces: Workspaces;
  readonly reviewer: Reviewer | null;
  readonly warn: (message: string) => void;
}

/** Runs the commands that prepare a worktree; a later run ends what a killed one of this process leaves. */
export function setUpRunner(settings: LoadedConfig, parts: ProcessParts): RunSetup {
  const run = commandRunner(settings, parts, settings.config.execution.worker_timeout);
  const owner = createManagerMarker(parts.project, parts.self);
  let count = 0;
  return async (command, directory, environment, signal) => {
    // A marker of its own for each: those of another worktree must not end with it.
    const marker = { ...owner, value: `${owner.value}/setup-${++count}` };
    const result = await run(command, { directory, environment, marker }, signal);
    switch (result.kind) {
      case 'passed':
        return { ok: true, output: '' };
      case 'failed':
        return { ok: false, output: `${result.how}\n${result.output}` };
      case 'infrastructure':
        return { ok: false, output: result.message };
      case 'aborted':
        return { ok: false, output: 'It was stopped.' };
    }
  };
}

/** Runs verify and set-up commands; each gets at most `timeoutSeconds`. */
function commandRunner(
  { config, environment }: LoadedConfig,
  { processes, hurry }: ProcessParts,
  timeoutSeconds: number,
): RunCommand {
  return createCommandRunner({
    table: processes,
    environment: { ...environment, ...config.claude_cli.environment },
    timeoutMs: timeoutSeconds * 1000,
    graceMs: GRACE_MS,
    hurry,
  });
}

/** The worker of this machine, by configuration. */
export function createWorker(settings: LoadedConfig, payer: Payer, parts: WorkerParts): Worker {
  const { store, runId, workspaces, processes, project, reviewer, warn, hurry } = parts;
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
    project,
    timeouts: {
      totalMs: execution.worker_timeout * 1000,
      stallMs: execution.stall_timeout * 1000,
      graceMs: GRACE_MS,
      afterResultMs: AFTER_RESULT_MS,
    },
    verifyCommands: verify.commands,
    gates: new Gates({
      commands: verify.commands,
      run: commandRunner(settings, parts, verify.timeout),
      verdicts: {
        get: (tree, command) => store.gateVerdict(runId, tree, command),
        put: (tree, command, verdict) => store.saveGateVerdict(runId, tree, command, verdict),
      },
      withCheckout: changes === null ? null : changes.withCheckout.bind(changes),
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
