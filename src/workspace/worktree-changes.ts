import type { Attempt } from '../domain/attempt.ts';
import type { Git } from './git/git.ts';
import { OWN_REFLOG_ACTION } from './git/reflog.ts';
import type { IntegrationBranch } from './landing/integration-branch.ts';
import type { SlotPool } from './slots/slot-pool.ts';
import {
  createSlot,
  endMerge,
  endOperations,
  headUpdate,
  inspectSlot,
  switchSlot,
} from './slots/slot-worktree.ts';
import type { TakenSnapshot } from './snapshots/snapshots.ts';
import type { Change, Changes, Combined, Workspace } from './workspace.ts';

/** A worktree in which a task is being done. */
export interface Lease {
  readonly slot: string;
  readonly branch: string;
  /** The commit that was captured or combined last; null before that. */
  at: string | null;
  /** What was captured last. */
  change: Change | null;
  /** What was combined last, and the result. */
  combined: { readonly change: string; readonly result: Combined } | null;
}

/** What a run has open, and who works where in it. */
export interface ChangesContext {
  readonly git: Git;
  readonly commonDirectory: string;
  readonly pool: SlotPool;
  readonly integration: IntegrationBranch;
  readonly leaseOf: (workspace: Workspace) => Lease;
  readonly withCheckout: Changes['withCheckout'];
}

/** Changes of workspaces that are worktrees; `open` returns what a run has open. */
export function createChanges(open: () => ChangesContext, protectedPaths: readonly string[]): Changes {
  return {
    async snapshot(workspace) {
      const context = open();
      await context.pool.work.snapshot(context.leaseOf(workspace).slot, 'while its worker was at work');
    },

    async capture(workspace) {
      const context = open();
      const lease = context.leaseOf(workspace);
      const { commit, excluded } = await capture(context, lease);
      lease.at = commit;
      lease.combined = null;
      const copied = new Set(context.pool.states.of(lease.slot).copied);
      const change = await context.integration.changeOf(commit, protectedPaths, copied);
      return (lease.change = { ...change, excluded });
    },

    async combine(workspace, change) {
      const context = open();
      const lease = context.leaseOf(workspace);
      const known = lease.combined;
      if (known?.change === change.commit && known.result.onto === (await context.integration.tip()))
        return known.result;
      const result = await combine(context, lease, change);
      lease.combined = { change: change.commit, result };
      return result;
    },

    async reset(workspace) {
      const context = open();
      const { slot, at } = context.leaseOf(workspace);
      if (at !== null) await context.pool.work.switchTo(slot, at);
    },

    read: (change, options) => open().integration.read(change, options),
    withCheckout: (commit, job, signal) => open().withCheckout(commit, job, signal),
    land: (request, intend) => open().integration.land(request, intend),
    hasLanded: (commit) => open().integration.contains(commit),
  };
}

/** Keeps all that the worker wrote, and moves the ref of the work and the worktree to it without touching a file. */
async function capture({ git, commonDirectory, pool }: ChangesContext, lease: Lease): Promise<TakenSnapshot> {
  const { slot, branch } = lease;
  const found = inspectSlot(slot, commonDirectory);
  if (found.kind === 'absent')
    throw new Error(`its worktree ${slot} is gone; what was kept of it until then is on ${branch}`);
  const taken = await pool.work.snapshot(slot, 'what its worker had done when it ended', found, true);
  const { commit } = taken;
  if (found.kind === 'broken') await createSlot(git, slot, commonDirectory, commit);
  const mended = found.kind === 'intact' ? found : inspectSlot(slot, commonDirectory);
  if (mended.kind !== 'intact') throw new Error(`its worktree ${slot} has lost the link to the repository`);
  // A merge that the worker resolved is a parent of the commit. No other unfinished operation continues.
  await endOperations(mended.admin);
  await git.exclusive(() =>
    git.moveRefs([`update refs/${branch} ${commit}`, ...headUpdate(mended.admin, commit)]),
  );
  // The snapshot has written the index of an intact worktree already.
  if (found.kind === 'intact') await endMerge(found.admin);
  else await git.run(['reset', '-q', '--mixed', commit], { directory: slot, environment: OWN_REFLOG_ACTION });
  // From now on, only commands that judge the change write here.
  await pool.states.update(slot, { workingSince: null });
  return taken;
}

/**
 * Puts the worktree of an attempt whose orchestrator was killed back to what was captured or combined in it last. What
 * commands have written since is kept in a snapshot.
 */
export async function returnToCapture(
  { git, commonDirectory, pool }: ChangesContext,
  slot: string,
  { branch, phase }: Attempt,
): Promise<void> {
  if (phase === 'preparing' || phase === 'working') return;
  const found = inspectSlot(slot, commonDirectory);
  if (found.kind !== 'intact' || branch === null || found.branch !== null) return;
  await pool.work.snapshot(slot, 'what the gates had left', found);
  await endOperations(found.admin);
  const commit = await git.run(['rev-parse', 'HEAD'], { directory: slot });
  await switchSlot(git, slot, commit, 'used');
}

async function combine(
  { git, pool, integration }: ChangesContext,
  lease: Lease,
  change: Change,
): Promise<Combined> {
  const merged = await integration.merge(change);
  if (merged.kind === 'conflict') return merged;
  const { tree, onto, commit } = merged;
  if (commit !== null) {
    await pool.work.switchTo(lease.slot, commit, lease.combined === null);
    lease.at = commit;
    await pool.states.update(lease.slot, { base: commit });
  }
  const ontoTree = onto === change.base ? change.baseTree : await git.treeOf(onto);
  return { kind: 'combined', tree, onto, ontoTree };
}
