import { messageOf } from '../domain/failure.ts';
import { emptyEnd, type Attempt, type AttemptEnd } from '../domain/attempt.ts';
import type { AttemptOutcome } from '../domain/outcome.ts';
import { err, type Result } from '../domain/result.ts';
import type { TaskId } from '../domain/task.ts';
import type { Workspace, Workspaces } from '../workspace/workspace.ts';
import { readAssignment } from './claude/assignment-record.ts';
import { attemptFiles } from './claude/attempt-files.ts';
import type { SessionResult } from './claude/classify-end.ts';
import { attemptMarker, endOrphans } from './process/markers.ts';
import { adopt, work, type SessionOptions } from './claude/session.ts';
import { accept, type AcceptanceOptions } from './acceptance.ts';
import type { Assignment, Worker, WorkerHooks } from './worker.ts';

/** What a worker on this machine is made of. */
export interface LocalWorkerOptions extends SessionOptions, Omit<AcceptanceOptions, 'changes'> {
  readonly workspaces: Workspaces;
  /** How often what a worker has written so far is kept, in milliseconds. */
  readonly snapshotMs: number;
}

const RECORD_LOST =
  'What its orchestrator had written down of it cannot be read, so its change could not be verified and landed.';

/** A worker that does its tasks with Claude CLI processes on this machine: prepare → work → verify → review → land. */
export function createLocalWorker(options: LocalWorkerOptions): Worker {
  const { workspaces } = options;
  return {
    async run(assignment, hooks, signal) {
      const { attempt, task, continues } = assignment;
      const acquired = await workspaces.acquire({ task, attempt, previous: continues }, signal);
      if (!acquired.ok) return emptyEnd(signal.aborted ? 'cancelled' : 'infrastructure', acquired.error);
      return await inWorkspace(options, acquired.value, hooks, async (workspace) => {
        // Stopped or not: what an earlier attempt left is there now.
        hooks.onWorkspace(workspace);
        if (signal.aborted) return emptyEnd('cancelled', 'Stopped before it was started.');
        const verdict = await workOrGoOn(options, assignment, workspace, hooks, signal);
        if (verdict.kind !== 'reported') return withReview(verdict.end, assignment);
        const { parent, review, earlierFiles } = assignment;
        const marker = attemptMarker(options.project, attempt.id);
        return await accept(
          acceptanceOptions(options),
          { ...verdict, attempt, task, parent, workspace, marker, review, earlierFiles },
          hooks,
          signal,
        );
      });
    },

    endOrphans: (unfinished) => endOrphans(options.processes, options.project, unfinished),

    recover: (attempt, hooks, signal) => recover(options, attempt, hooks, signal),
  };
}

/** Has the work done, unless an earlier attempt came to a report already and only what follows is left to do. */
async function workOrGoOn(
  options: LocalWorkerOptions,
  assignment: Assignment,
  workspace: Workspace,
  hooks: WorkerHooks,
  signal: AbortSignal,
): Promise<SessionResult> {
  const { finished } = assignment;
  // Elsewhere what it reports of is not there, as after a change of isolation, or when somebody has removed it.
  if (finished !== null && finished.change === workspace.base) {
    const { report } = finished;
    return { kind: 'reported', report, end: { ...emptyEnd('landed', ''), report } };
  }
  hooks.onPhase('working');
  return await keeping(options, assignment.task.id, workspace, hooks, () =>
    work(options, assignment, workspace, hooks, signal),
  );
}

/** Keeps what a worker has written so far, every now and then while it works. */
async function keeping<T>(
  { workspaces, snapshotMs }: LocalWorkerOptions,
  taskId: TaskId,
  workspace: Workspace,
  hooks: WorkerHooks,
  job: () => Promise<T>,
): Promise<T> {
  const keep = async (): Promise<void> => {
    try {
      await workspaces.changes?.snapshot(workspace);
    } catch (error) {
      warn(hooks, `What task ${taskId} has written so far could not be kept: ${messageOf(error)}`);
    }
  };
  const timer = setInterval(() => void keep(), snapshotMs);
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
  const follow = (): Promise<SessionResult | undefined> => adopt(options, attempt, hooks, signal);
  const settle = async (workspace: Workspace | undefined): Promise<AttemptEnd | undefined> => {
    // Before anything that may fail: nobody must be left at work unseen.
    const verdict =
      workspace === undefined
        ? await follow()
        : await keeping(options, attempt.taskId, workspace, hooks, follow);
    const known = verdict?.end ?? emptyEnd('infrastructure', '');
    const failed = (message: string): AttemptEnd => ({ ...known, outcome: 'infrastructure', message });
    const commit = attempt.landing;
    try {
      if (commit !== null && (await workspaces.changes?.hasLanded(commit)) === true)
        return { ...known, outcome: 'landed', message: '', commit };
    } catch (error) {
      return failed(`Whether its change has landed cannot be told: ${messageOf(error)}`);
    }
    if (verdict?.kind !== 'reported') return verdict?.end;
    const record = await readAssignment(attemptFiles(attempt.files).assignment);
    if (record === undefined) return failed(RECORD_LOST);
    if (workspace === undefined) return failed(opened.ok ? '' : opened.error);
    const marker = attemptMarker(options.project, attempt.id);
    const { task, parent, review, earlierFiles } = record;
    return await accept(
      acceptanceOptions(options),
      { ...verdict, attempt, task, parent, workspace, marker, review, earlierFiles },
      hooks,
      signal,
    );
  };
  return opened.ok ? await inWorkspace(options, opened.value, hooks, settle) : await settle(undefined);
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

/** What is said of work that is kept: how its attempt ended, and not what it had to say, which may be anything. */
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
  'model-unavailable': 'when its model could not be had',
  'prompt-too-long': 'when its session had grown too long',
  cancelled: 'when its attempt was interrupted',
  infrastructure: 'when its attempt failed for a reason outside of the task',
};

/** Gives the workspace back whatever happens; a job that fails without an end has not landed. */
async function inWorkspace<T extends AttemptEnd | undefined>(
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
    // What has come of the attempt stands, whatever becomes of the place.
    await workspaces.release(workspace, landed, why).catch((error: unknown) => {
      warn(hooks, `The workspace ${workspace.directory} could not be given back: ${messageOf(error)}`);
    });
  }
}

function warn(hooks: WorkerHooks, message: string): void {
  try {
    hooks.onWarning(message);
  } catch {
    // A store that takes no warning takes no end either: that is where the run ends.
  }
}

function acceptanceOptions(options: LocalWorkerOptions): AcceptanceOptions {
  return { ...options, changes: options.workspaces.changes };
}

/** The findings of a review stay open until a later one closes them. */
function withReview(end: AttemptEnd, { review }: Assignment): AttemptEnd {
  return { ...end, review };
}
