import { mkdir, writeFile } from 'node:fs/promises';
import {
  bareEnd,
  sumUsage,
  type Attempt,
  type AttemptEnd,
  type ProcessIdentity,
  type WorkerReport,
} from '../attempt.ts';
import type { Task } from '../task.ts';
import type { Workspace, Workspaces } from '../workspace/workspace.ts';
import { readAssignment, writeAssignment } from './assignment-file.ts';
import { claudeArguments, claudeEnvironment, type ClaudeSettings } from './claude-command.ts';
import { attemptFiles, spawnClaude, type ProcessExit } from './claude-process.ts';
import { classify, type Verdict } from './classify.ts';
import { exists, readEnd } from './attempt-file.ts';
import { attemptMarker, endOrphans } from './marks.ts';
import type { Marker, ProcessTable } from './process-table.ts';
import { actionOf, progressOf } from './progress.ts';
import { firstPrompt, resumePrompt } from './prompt.ts';
import { supervise, type Patience } from './supervise.ts';
import { Transcript } from './transcript.ts';
import { verify } from './verify.ts';
import type { Assignment, Worker, WorkerHooks } from './worker.ts';

/** What a worker on this machine is made of. */
export interface LocalWorkerOptions {
  readonly claude: ClaudeSettings;
  readonly workspaces: Workspaces;
  readonly processes: ProcessTable;
  /** Tells this project's processes from those of others on the machine; without white space or slash. */
  readonly project: string;
  readonly patience: Patience;
  readonly verifyCommands: readonly string[];
  readonly verifyTimeoutMs: number;
  /** Runs verify commands, one after the other where workers share a directory. */
  readonly verifyQueue: { run<T>(job: () => Promise<T>): Promise<T> };
  /** Unix milliseconds. */
  readonly now: () => number;
  /** Ends processes without patience once it aborts. */
  readonly hurry?: AbortSignal;
}

const STDERR_BYTES = 8 * 1024;
const RECORD_LOST =
  'What its orchestrator had written down of it cannot be read, so its change could not be verified and landed.';

/** A worker that does its tasks with Claude CLI processes on this machine. */
export function createLocalWorker(options: LocalWorkerOptions): Worker {
  return {
    async run(assignment, hooks, signal) {
      const { attempt, task } = assignment;
      const acquired = await options.workspaces.acquire(task, attempt);
      if (!acquired.ok) return bareEnd('infrastructure', acquired.error);
      const workspace = acquired.value;
      try {
        if (signal.aborted) return bareEnd('cancelled', 'Stopped before it was started.');
        hooks.onPhase('working');
        const verdict = await work(options, assignment, workspace, hooks, signal);
        if (verdict.kind !== 'reported') return verdict.end;
        return await finish(options, { attempt, task, workspace }, verdict, hooks, signal);
      } finally {
        await options.workspaces.release(workspace);
      }
    },

    endOrphans: (unfinished) => endOrphans(options.processes, options.project, unfinished),

    async recover(attempt, hooks, signal) {
      const record = await readAssignment(attemptFiles(attempt.files).assignment);
      const verdict = await adopt(options, attempt, record?.resumed ?? attempt.resumed, hooks, signal);
      if (verdict?.kind !== 'reported') return verdict?.end;
      if (record === undefined) return { ...verdict.end, outcome: 'infrastructure', message: RECORD_LOST };
      const workspace = { directory: attempt.directory };
      return await finish(options, { attempt, task: record.task, workspace }, verdict, hooks, signal);
    },
  };
}

type Reported = Extract<Verdict, { kind: 'reported' }>;

/** Lets Claude work. A session that turns out to be gone, or to be there already, is worked in the other way. */
async function work(
  options: LocalWorkerOptions,
  assignment: Assignment,
  workspace: Workspace,
  hooks: WorkerHooks,
  signal: AbortSignal,
): Promise<Verdict> {
  const { resumed } = assignment.attempt;
  const first = await runClaude(options, assignment, workspace, resumed, hooks, signal);
  const otherWay = first.kind === (resumed ? 'session-unknown' : 'session-exists');
  if (!otherWay || signal.aborted) return first;
  const second = await runClaude(options, assignment, workspace, !resumed, hooks, signal);
  // Normally nothing; but whatever was spent is counted.
  const usage = sumUsage([...first.end.usage, ...second.end.usage]);
  return { ...second, end: { ...second.end, usage } };
}

async function runClaude(
  options: LocalWorkerOptions,
  assignment: Assignment,
  { directory }: Workspace,
  resume: boolean,
  hooks: WorkerHooks,
  signal: AbortSignal,
): Promise<Verdict> {
  const { claude, processes, verifyCommands } = options;
  const { attempt, task, maxCostUsd } = assignment;
  const files = attemptFiles(attempt.files);
  await mkdir(attempt.files, { recursive: true, mode: 0o700 });
  await writeAssignment(files.assignment, { task, resumed: resume });
  const prompt = resume ? resumePrompt : firstPrompt;
  await writeFile(files.prompt, prompt(assignment, verifyCommands), { mode: 0o600 });
  const marker = markerOf(options, attempt);
  const spawned = await spawnClaude(processes, {
    command: claude.command,
    args: claudeArguments(claude, attempt, { resume, maxCostUsd }),
    environment: claudeEnvironment(claude, marker),
    directory,
    files,
  });
  if (!spawned.ok) return { kind: 'ended', end: bareEnd('infrastructure', spawned.error) };
  try {
    hooks.onSpawn(spawned.value.identity);
    return await follow(options, attempt, { ...spawned.value, resume, elapsedMs: 0 }, hooks, signal);
  } catch (error) {
    // Nobody would follow it any more, and it costs money.
    await processes.endTree(spawned.value.identity, { graceMs: 0 });
    await processes.endMarked(marker, { graceMs: 0 });
    throw error;
  }
}

/** Takes over what a killed orchestrator left: a process that works, one that has ended, or nothing. */
async function adopt(
  options: LocalWorkerOptions,
  attempt: Attempt,
  resume: boolean,
  hooks: WorkerHooks,
  signal: AbortSignal,
): Promise<Verdict | undefined> {
  const { processes, patience, hurry } = options;
  const identity = attempt.process;
  const alive = identity !== null && processes.isAlive(identity);
  if (!alive) {
    // Without its CLI nothing that carries the marker has anyone to work for.
    await processes.endMarked(markerOf(options, attempt), { graceMs: patience.graceMs, hurry });
  }
  if (!alive && !(await exists(attemptFiles(attempt.files).transcript))) return undefined;
  const elapsedMs = Math.max(0, options.now() - Date.parse(attempt.startedAt));
  const process = { identity: identity ?? NOBODY, exited: null, resume, elapsedMs };
  const verdict = await follow(options, attempt, process, hooks, signal);
  const leftNothing = verdict.end.turns === null && verdict.end.usage.length === 0;
  return leftNothing && !alive ? undefined : verdict;
}

const NOBODY: ProcessIdentity = { pid: 0, startTime: 'never started' };

/** Follows a process to its end and says what it came to. */
async function follow(
  options: LocalWorkerOptions,
  attempt: Attempt,
  process: {
    readonly identity: ProcessIdentity;
    readonly exited: Promise<ProcessExit> | null;
    readonly resume: boolean;
    readonly elapsedMs: number;
  },
  hooks: WorkerHooks,
  signal: AbortSignal,
): Promise<Verdict> {
  const { processes, patience, hurry } = options;
  const files = attemptFiles(attempt.files);
  const transcript = new Transcript(process.resume);
  let action = 'starting';
  const {
    endedBy,
    exitCode,
    signal: killedBy,
  } = await supervise({
    ...process,
    table: processes,
    marker: markerOf(options, attempt),
    transcriptFile: files.transcript,
    transcript,
    patience,
    signal,
    hurry,
    onLine: (line) => {
      action = actionOf(line) ?? action;
      if (line.kind !== 'other' && line.kind !== 'garbage')
        hooks.onProgress(progressOf(action, transcript.usage()));
    },
  });
  return classify({
    transcript: transcript.facts(),
    stderr: await readEnd(files.stderr, STDERR_BYTES),
    exitCode,
    signal: killedBy,
    endedBy,
    timeoutMs: patience.totalMs,
    stallMs: patience.stallMs,
  });
}

/** From a report to its end: the change must pass the verify commands, and land. What it cost is kept whatever fails. */
async function finish(
  options: LocalWorkerOptions,
  done: { readonly attempt: Attempt; readonly task: Task; readonly workspace: Workspace },
  reported: Reported,
  hooks: WorkerHooks,
  signal: AbortSignal,
): Promise<AttemptEnd> {
  try {
    return await verifyAndLand(options, done, reported, hooks, signal);
  } catch (error) {
    const message = `Its change could not be verified and landed: ${error instanceof Error ? error.message : String(error)}`;
    return { ...reported.end, outcome: 'infrastructure', message };
  }
}

async function verifyAndLand(
  options: LocalWorkerOptions,
  { attempt, task, workspace }: { attempt: Attempt; task: Task; workspace: Workspace },
  { report, end }: Reported,
  hooks: WorkerHooks,
  signal: AbortSignal,
): Promise<AttemptEnd> {
  const cancelled = { ...end, outcome: 'cancelled', message: 'Stopped before its change landed.' } as const;
  if (signal.aborted) return cancelled;
  if (options.verifyCommands.length > 0) {
    hooks.onPhase('verifying');
    const result = await verifyChange(options, attempt, workspace, signal);
    if (result.kind === 'aborted') return cancelled;
    if (result.kind === 'failed') {
      const message = `\`${result.command}\` failed (${result.how}).\n\n${result.output}`;
      return { ...end, outcome: 'verify-failed', message: message.trim() };
    }
  }
  hooks.onPhase('landing');
  return await land(options, workspace, task, report, end);
}

async function verifyChange(
  options: LocalWorkerOptions,
  attempt: Attempt,
  { directory }: Workspace,
  signal: AbortSignal,
): ReturnType<typeof verify> {
  const marker = markerOf(options, attempt);
  const { processes: table, verifyCommands: commands, verifyTimeoutMs: timeoutMs, hurry } = options;
  const { graceMs } = options.patience;
  const environment = claudeEnvironment(options.claude, marker);
  return await options.verifyQueue.run(() =>
    verify({ table, commands, directory, environment, marker, timeoutMs, graceMs, hurry }, signal),
  );
}

async function land(
  { workspaces }: LocalWorkerOptions,
  workspace: Workspace,
  task: Task,
  report: WorkerReport,
  end: AttemptEnd,
): Promise<AttemptEnd> {
  const landing = await workspaces.land(workspace, task, report);
  if (landing.kind === 'conflict') return { ...end, outcome: 'conflict', message: landing.message };
  return { ...end, outcome: landing.kind, message: '' };
}

function markerOf({ project }: LocalWorkerOptions, { id }: Attempt): Marker {
  return attemptMarker(project, id);
}
