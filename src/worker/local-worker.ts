import { emptyEnd, type Attempt, type AttemptEnd } from '../domain/attempt.ts';
import { messageOf } from '../domain/failure.ts';
import type { AttemptOutcome } from '../domain/outcome.ts';
import { err, type Result } from '../domain/result.ts';
import type { TaskId } from '../domain/task.ts';
import type { Workspace, Workspaces } from '../workspace/workspace.ts';
import { accept, type AcceptanceOptions } from './acceptance.ts';
import { readAssignment } from './claude/assignment-record.ts';
import { locateAttemptFiles } from './claude/attempt-files.ts';
import type { SessionResult } from './claude/classify-end.ts';
import { adoptSession, runSession, type SessionOptions } from './claude/session.ts';
import { createAttemptMarker, endOrphans } from './process/markers.ts';
import type { Assignment, Worker, WorkerHooks } from './worker.ts';

/** The parts of a worker on this machine. */
export interface LocalWorkerOptions extends SessionOptions, Omit<AcceptanceOptions, 'changes'> {
  readonly workspaces: Workspaces;
  /** Time between snapshots of what a worker has written so far, in milliseconds. */
  readonly snapshotMs: number;
}

const RECORD_LOST =
  'The record that its orchestrator kept of it cannot be read, so its change could not be verified and landed.';

/** Creates a worker that uses Claude CLI processes on this machine: prepare → work → verify → review → land. */
export function createLocalWorker(options: LocalWorkerOptions): Worker {
  const { workspaces } = options;
  return {
    async run(assignment, hooks, signal) {
      const { attempt, task, continues } = assignment;
      const acquired = await workspaces.acquire({ task, attempt, previous: continues }, signal);
      if (!acquired.ok) return emptyEnd(signal.aborted ? 'cancelled' : 'infrastructure', acquired.error);
      return await withWorkspace(options, acquired.value, hooks, async (workspace) => {
        // Told even if the run was stopped, since the workspace now holds what an earlier attempt left.
        hooks.onWorkspace(workspace);
        if (signal.aborted) return emptyEnd('cancelled', 'Stopped before it was started.');
        const result = await workUnlessReported(options, assignment, workspace, hooks, signal);
        // The findings of a review stay open until a later one closes them.
        if (result.kind !== 'reported') return { ...result.end, review: assignment.review };
        const marker = createAttemptMarker(options.project, attempt.id);
        const work = { ...assignment, ...result, workspace, marker };
        return await accept({ ...options, changes: workspaces.changes }, work, hooks, signal);
      });
    },

    endOrphans: (unfinished) => endOrphans(options.processes, options.project, unfinished),

    recover: (attempt, hooks, signal) => recover(options, attempt, hooks, signal),
  };
}

/** Lets Claude work, unless an earlier attempt already reported and only the steps after that are left. */
async function workUnlessReported(
  options: LocalWorkerOptions,
  assignment: Assignment,
  workspace: Workspace,
  hooks: WorkerHooks,
  signal: AbortSignal,
): Promise<SessionResult> {
  const { finished } = assignment;
  // At another commit the reported work is missing, as after a change of isolation or when somebody removed it.
  if (finished !== null && finished.change === workspace.base) {
    const { report } = finished;
    return { kind: 'reported', report, end: { ...emptyEnd('landed', ''), report } };
  }
  hooks.onPhase('working');
  return await withSnapshots(options, assignment.task.id, workspace, hooks, () =>
    runSession(options, assignment, workspace, hooks, signal),
  );
}

/** Takes snapshots of what a worker has written so far while it works. */
async function withSnapshots<T>(
  { workspaces, snapshotMs }: LocalWorkerOptions,
  taskId: TaskId,
  workspace: Workspace,
  hooks: WorkerHooks,
  job: () => Promise<T>,
): Promise<T> {
  const takeSnapshot = async (): Promise<void> => {
    try {
      await workspaces.changes?.snapshot(workspace);
    } catch (error) {
      warn(hooks, `What task ${taskId} has written so far could not be kept: ${messageOf(error)}`);
    }
  };
  const timer = setInterval(() => void takeSnapshot(), snapshotMs);
  try {
    return await job();
  } finally {
    clearInterval(timer);
  }
}

/** Settles an attempt whose orchestrator was killed, in the workspace that it had. */
async function recover(
  options: LocalWorkerOptions,
  attempt: Attempt,
  hooks: WorkerHooks,
  signal: AbortSignal,
): Promise<AttemptEnd | undefined> {
  const { workspaces } = options;
  const opened = await reopen(options, attempt);
  const follow = (): Promise<SessionResult | undefined> => adoptSession(options, attempt, hooks, signal);
  const settle = async (workspace: Workspace | undefined): Promise<AttemptEnd | undefined> => {
    // This comes before anything that may fail, so that no process goes on working unseen.
    const result =
      workspace === undefined
        ? await follow()
        : await withSnapshots(options, attempt.taskId, workspace, hooks, follow);
    const known = result?.end ?? emptyEnd('infrastructure', '');
    const failed = (message: string): AttemptEnd => ({ ...known, outcome: 'infrastructure', message });
    const commit = attempt.landing;
    try {
      if (commit !== null && (await workspaces.changes?.hasLanded(commit)) === true)
        return { ...known, outcome: 'landed', message: '', commit };
    } catch (error) {
      return failed(`It cannot be found out whether its change has landed: ${messageOf(error)}`);
    }
    if (result?.kind !== 'reported') return result?.end;
    const record = await readAssignment(locateAttemptFiles(attempt.files).assignment);
    if (record === undefined) return failed(RECORD_LOST);
    if (workspace === undefined) return failed(opened.ok ? '' : opened.error);
    const marker = createAttemptMarker(options.project, attempt.id);
    const work = { ...record, ...result, attempt, workspace, marker };
    return await accept({ ...options, changes: workspaces.changes }, work, hooks, signal);
  };
  return opened.ok ? await withWorkspace(options, opened.value, hooks, settle) : await settle(undefined);
}

async function reopen(
  { workspaces }: LocalWorkerOptions,
  attempt: Attempt,
): Promise<Result<Workspace, string>> {
  try {
    return await workspaces.reopen(attempt);
  } catch (error) {
    return err(messageOf(error));
  }
}

/** The reason noted for work that is kept. It says how the attempt ended; the attempt's own message may be anything. */
const KEPT: Readonly<Record<AttemptOutcome, string>> = {
  landed: 'after its change had landed',
  'no-change': 'when its attempt had changed nothing',
  'verify-failed': 'when its change did not pass its checks',
  'review-rejected': 'when the review did not accept its change',
  conflict: 'when its change conflicted with what had landed',
  'timed-out': 'when its attempt ran out of time',
  stalled: 'when its worker had gone silent',
  looping: 'when its worker went round in circles',
  crashed: 'when its worker had crashed',
  'permission-denied': 'when its worker was denied what it needed',
  refused: 'when the model refused its task',
  'usage-limited': 'when its attempt met a usage limit',
  'over-budget': 'when its attempt was over its budget',
  unauthenticated: 'when its worker was not logged in',
  'model-unavailable': 'when its model was not available',
  'prompt-too-long': 'when its session had grown too long',
  cancelled: 'when its attempt was interrupted',
  infrastructure: 'when its attempt failed for a reason outside of the task',
};

/** Releases the workspace whatever happens. A job that fails without an end has not landed. */
async function withWorkspace<T extends AttemptEnd | undefined>(
  { workspaces }: LocalWorkerOptions,
  workspace: Workspace,
  hooks: WorkerHooks,
  job: (workspace: Workspace) => Promise<T>,
): Promise<T> {
  let landed = false;
  let why: string | undefined;
  try {
    const end = await job(workspace);
    landed = end?.outcome === 'landed';
    why = end === undefined ? undefined : KEPT[end.outcome];
    return end;
  } finally {
    // The attempt's end stands even if its workspace cannot be released.
    await workspaces.release(workspace, landed, why).catch((error: unknown) => {
      warn(hooks, `The workspace ${workspace.directory} could not be given back: ${messageOf(error)}`);
    });
  }
}

function warn(hooks: WorkerHooks, message: string): void {
  try {
    hooks.onWarning(message);
  } catch {
    // A store that does not take a warning does not take the attempt's end either, and that ends the run.
  }
}
