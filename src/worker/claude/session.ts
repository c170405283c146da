import { mkdir, writeFile } from 'node:fs/promises';
import { emptyEnd, sumUsage, type Attempt, type ProcessIdentity } from '../../domain/attempt.ts';
import { isStillInForce } from '../../domain/usage-limit.ts';
import type { Workspace } from '../../workspace/workspace.ts';
import { createAttemptMarker } from '../process/markers.ts';
import type { ProcessTable } from '../process/process-table.ts';
import type { Assignment, WorkerHooks } from '../worker.ts';
import { readAssignment, writeAssignment } from './assignment-record.ts';
import { locateAttemptFiles, fileExists, readTail } from './attempt-files.ts';
import { classifyEnd, type SessionResult } from './classify-end.ts';
import { buildArguments, buildEnvironment, type ClaudeSettings } from './command.ts';
import { readLimitObservation } from './limit-observation.ts';
import { spawnClaude } from './process.ts';
import { describeAction, toProgress } from './progress.ts';
import { buildFirstPrompt, buildResumePrompt, buildRules } from './prompt.ts';
import { supervise, type Supervision, type Timeouts } from './supervise.ts';
import { Transcript } from './transcript.ts';

/** What a session of Claude needs. */
export interface SessionOptions {
  readonly claude: ClaudeSettings;
  readonly processes: ProcessTable;
  /** The project's key, which identifies its processes on the machine. It has no white space or slash. */
  readonly project: string;
  readonly timeouts: Timeouts;
  readonly verifyCommands: readonly string[];
  /** Unix milliseconds. */
  readonly now: () => number;
  /** Ends processes at once when it aborts. */
  readonly hurry?: AbortSignal;
}

const STDERR_BYTES = 8 * 1024;

/** Lets Claude work. A session that cannot be resumed is started instead, and one that exists already is resumed. */
export async function runSession(
  options: SessionOptions,
  assignment: Assignment,
  workspace: Workspace,
  hooks: WorkerHooks,
  signal: AbortSignal,
): Promise<SessionResult> {
  const { resumed } = assignment.attempt;
  const first = await runClaude(options, assignment, workspace, resumed, hooks, signal);
  const isOther = first.kind === (resumed ? 'session-unknown' : 'session-exists');
  if (!isOther || signal.aborted) return first;
  const second = await runClaude(options, assignment, workspace, !resumed, hooks, signal);
  // The first call normally used nothing, but whatever it used is counted.
  const usage = sumUsage([...first.end.usage, ...second.end.usage]);
  return { ...second, end: { ...second.end, usage } };
}

/**
 * Takes over what a killed orchestrator left: a process that still works or one that has ended. Undefined if it left
 * nothing; then everything that the attempt started has been ended.
 */
export async function adoptSession(
  options: SessionOptions,
  attempt: Attempt,
  hooks: WorkerHooks,
  signal: AbortSignal,
): Promise<SessionResult | undefined> {
  const { processes, timeouts, hurry } = options;
  const files = locateAttemptFiles(attempt.files);
  const identity = attempt.process;
  const alive = identity !== null && processes.isAlive(identity);
  if (!alive) {
    // Without its CLI, other processes with the marker have no purpose left.
    await processes.endMarked(createAttemptMarker(options.project, attempt.id), {
      graceMs: timeouts.graceMs,
      hurry,
    });
  }
  if (!alive && !(await fileExists(files.transcript))) return undefined;
  const resume = (await readAssignment(files.assignment))?.resumed ?? attempt.resumed;
  const elapsedMs = Math.max(0, options.now() - Date.parse(attempt.startedAt));
  const { directory } = attempt;
  const process = { identity: identity ?? NOBODY, exited: null, resume, elapsedMs, directory };
  const result = await follow(options, attempt, process, hooks, signal);
  const leftNothing = result.end.turns === null && result.end.usage.length === 0;
  return leftNothing && !alive ? undefined : result;
}

async function runClaude(
  options: SessionOptions,
  assignment: Assignment,
  workspace: Workspace,
  resume: boolean,
  hooks: WorkerHooks,
  signal: AbortSignal,
): Promise<SessionResult> {
  const { claude, processes, verifyCommands } = options;
  const { attempt, task, parent, review, earlierFiles, maxCostUsd } = assignment;
  const files = locateAttemptFiles(attempt.files);
  await mkdir(attempt.files, { recursive: true, mode: 0o700 });
  await writeAssignment(files.assignment, { task, parent, review, earlierFiles, resumed: resume });
  const prompt = resume
    ? buildResumePrompt(assignment, workspace, verifyCommands)
    : buildFirstPrompt(assignment, workspace);
  await writeFile(files.prompt, prompt, { mode: 0o600 });
  const marker = createAttemptMarker(options.project, attempt.id);
  const spawned = await spawnClaude(processes, {
    command: claude.command,
    args: buildArguments(claude, attempt, {
      resume,
      maxCostUsd,
      rules: buildRules(workspace, verifyCommands),
    }),
    environment: { ...buildEnvironment(claude, marker), ...workspace.environment },
    directory: workspace.directory,
    files,
  });
  if (!spawned.ok) return { kind: 'ended', end: emptyEnd('infrastructure', spawned.error) };
  try {
    hooks.onSpawn(spawned.value.identity);
    const process = { ...spawned.value, resume, elapsedMs: 0, directory: workspace.directory };
    return await follow(options, attempt, process, hooks, signal);
  } catch (error) {
    // Nobody would follow the process any more, and it costs money.
    await processes.endTree(spawned.value.identity, { graceMs: 0 });
    await processes.endMarked(marker, { graceMs: 0 });
    throw error;
  }
}

const NOBODY: ProcessIdentity = { pid: 0, startTime: 'never started' };

/** Follows a process to its end and returns its result. */
async function follow(
  options: SessionOptions,
  attempt: Attempt,
  process: Pick<Supervision, 'identity' | 'exited' | 'elapsedMs'> & {
    readonly resume: boolean;
    /** Where it works. */
    readonly directory: string;
  },
  hooks: WorkerHooks,
  signal: AbortSignal,
): Promise<SessionResult> {
  const { processes, timeouts, hurry } = options;
  const files = locateAttemptFiles(attempt.files);
  const transcript = new Transcript(process.resume);
  let action = 'starting';
  const {
    endedBy,
    exitCode,
    signal: killedBy,
  } = await supervise({
    ...process,
    table: processes,
    marker: createAttemptMarker(options.project, attempt.id),
    transcriptFile: files.transcript,
    transcript,
    timeouts,
    signal,
    hurry,
    onLine: (line) => {
      const observation = readLimitObservation(line);
      // A transcript that is read afterwards may report limits that have already been reset.
      const isOld = process.exited === null;
      if (observation !== undefined && (!isOld || isStillInForce(observation, options.now())))
        hooks.onLimits(observation);
      action = describeAction(line, process.directory) ?? action;
      if (line.kind === 'other' || line.kind === 'garbage') return;
      const usage = transcript.usage();
      hooks.onProgress(toProgress(action, usage), usage);
    },
  });
  return classifyEnd({
    transcript: transcript.facts(),
    stderr: await readTail(files.stderr, STDERR_BYTES),
    exitCode,
    signal: killedBy,
    endedBy,
    model: attempt.model,
    timeoutMs: timeouts.totalMs,
    stallMs: timeouts.stallMs,
  });
}
