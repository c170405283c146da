import { bareEnd, type Attempt, type AttemptEnd } from '../attempt.ts';
import type { Workspace, Workspaces } from '../workspace/workspace.ts';
import { readAssignment } from './assignment-file.ts';
import { attemptFiles } from './claude-process.ts';
import type { Verdict } from './classify.ts';
import { endOrphans } from './marks.ts';
import { adopt, markerOf, work, type SessionOptions } from './session.ts';
import { takeIn, type TakeInOptions } from './take-in.ts';
import type { Assignment, Worker, WorkerHooks } from './worker.ts';

/** What a worker on this machine is made of. */
export interface LocalWorkerOptions extends SessionOptions, Omit<TakeInOptions, 'changes'> {
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
      if (!acquired.ok) return bareEnd(signal.aborted ? 'cancelled' : 'infrastructure', acquired.error);
      return await inWorkspace(options, acquired.value, async (workspace) => {
        if (signal.aborted) return bareEnd('cancelled', 'Stopped before it was started.');
        hooks.onWorkspace(workspace);
        const verdict = await workOrGoOn(options, assignment, workspace, hooks, signal);
        if (verdict.kind !== 'reported') return withReview(verdict.end, assignment);
        const { parent, review, earlierFiles } = assignment;
        const marker = markerOf(options, attempt);
        return await takeIn(
          takeInOptions(options),
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
): Promise<Verdict> {
  const { finished } = assignment;
  if (finished !== null)
    return { kind: 'reported', report: finished, end: { ...bareEnd('landed', ''), report: finished } };
  hooks.onPhase('working');
  const changes = options.workspaces.changes;
  const keep = async (): Promise<void> => {
    try {
      await changes?.snapshot(workspace);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      hooks.onWarning(`What task ${assignment.task.id} has written so far could not be kept: ${reason}`);
    }
  };
  const timer = setInterval(() => void keep(), options.snapshotMs);
  try {
    return await work(options, assignment, workspace, hooks, signal);
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
  const commit = attempt.landing;
  const landed = commit !== null && (await workspaces.changes?.hasLanded(commit)) === true;
  const opened = await workspaces.reopen(attempt);
  const verdict = await adopt(options, attempt, hooks, signal);
  const settle = async (workspace: Workspace | undefined): Promise<AttemptEnd | undefined> => {
    if (landed) return { ...(verdict?.end ?? bareEnd('landed', '')), outcome: 'landed', message: '', commit };
    if (verdict?.kind !== 'reported') return verdict?.end;
    const record = await readAssignment(attemptFiles(attempt.files).assignment);
    if (record === undefined) return { ...verdict.end, outcome: 'infrastructure', message: RECORD_LOST };
    if (workspace === undefined)
      return { ...verdict.end, outcome: 'infrastructure', message: opened.ok ? '' : opened.error };
    const marker = markerOf(options, attempt);
    const { task, parent, review, earlierFiles } = record;
    return await takeIn(
      takeInOptions(options),
      { ...verdict, attempt, task, parent, workspace, marker, review, earlierFiles },
      hooks,
      signal,
    );
  };
  return opened.ok ? await inWorkspace(options, opened.value, settle) : await settle(undefined);
}

/** Gives the workspace back whatever happens; a job that fails without an end has not landed. */
async function inWorkspace<T extends AttemptEnd | undefined>(
  { workspaces }: LocalWorkerOptions,
  workspace: Workspace,
  job: (workspace: Workspace) => Promise<T>,
): Promise<T> {
  let landed = false;
  try {
    const end = await job(workspace);
    landed = end?.outcome === 'landed';
    return end;
  } finally {
    await workspaces.release(workspace, landed);
  }
}

function takeInOptions(options: LocalWorkerOptions): TakeInOptions {
  return { ...options, changes: options.workspaces.changes };
}

/** The findings of a review stay open until a later one closes them. */
function withReview(end: AttemptEnd, { review }: Assignment): AttemptEnd {
  return { ...end, review };
}
