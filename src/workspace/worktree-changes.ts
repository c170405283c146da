import type { Attempt } from '../domain/attempt.ts';
import type { Git } from './git/git.ts';
import { BY_US } from './git/reflog.ts';
import type { Integration } from './landing/integration-branch.ts';
import { endMerge, endOperations, headOf, inspectSlot, makeSlot, switchSlot } from './slots/slot-worktree.ts';
import type { SlotPool } from './slots/slot-pool.ts';
import type { Kept } from './snapshots/snapshots.ts';
import type { Change, Changes, Combined, Workspace } from './workspace.ts';

/** A worktree in which a task is being done. */
export interface Lease {
  readonly slot: string;
  readonly branch: string;
  /** The commit that was captured or combined last; null before that. */
  at: string | null;
  /** What was captured last. */
  change: Change | null;
  /** What was combined last, and with what. */
  combined: { readonly change: string; readonly result: Combined } | null;
}

/** What a run has open, and who works where in it. */
export interface ChangesContext {
  readonly git: Git;
  readonly commonDirectory: string;
  readonly pool: SlotPool;
  readonly integration: Integration;
  readonly leaseOf: (workspace: Workspace) => Lease;
  readonly visit: Changes['visit'];
}

/** Changes of workspaces that are worktrees; `open` gives what a run has open. */
export function createChanges(open: () => ChangesContext, protectedPaths: readonly string[]): Changes {
  return {
    async snapshot(workspace) {
      const context = open();
      await context.pool.keep(context.leaseOf(workspace).slot, 'while its worker was at work');
    },

    async capture(workspace) {
      const context = open();
      const lease = context.leaseOf(workspace);
      const { commit, leftOut } = await capture(context, lease);
      lease.at = commit;
      lease.combined = null;
      const copied = new Set(context.pool.stateOf(lease.slot).copied);
      const change = await context.integration.changeOf(commit, protectedPaths, copied);
      return (lease.change = { ...change, leftOut });
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
      if (at !== null) await context.pool.put(slot, at);
    },

    read: (change, options) => open().integration.read(change, options),
    visit: (commit, job, signal) => open().visit(commit, job, signal),
    land: (request, intend) => open().integration.land(request, intend),
    hasLanded: (commit) => open().integration.contains(commit),
  };
}

/** Keeps all that the worker wrote, and puts the ref of its work and its worktree on that, without touching a file. */
async function capture({ git, commonDirectory, pool }: ChangesContext, lease: Lease): Promise<Kept> {
  const { slot, branch } = lease;
  const found = inspectSlot(slot, commonDirectory);
  if (found.kind === 'absent')
    throw new Error(`its worktree ${slot} is gone; what was kept of it until then is on ${branch}`);
  const kept = await pool.keep(slot, 'what its worker had done at its end', found, true);
  const { commit } = kept;
  if (found.kind === 'broken') await makeSlot(git, slot, commonDirectory, commit);
  const whole = found.kind === 'sound' ? found : inspectSlot(slot, commonDirectory);
  if (whole.kind !== 'sound') throw new Error(`its worktree ${slot} has lost the link to the repository`);
  // A merge that the worker resolved is a parent of the commit; whatever else was going on is over.
  await endOperations(whole.admin);
  await git.exclusive(() =>
    git.moveRefs([`update refs/${branch} ${commit}`, ...headOf(whole.admin, commit)]),
  );
  // The index of one that was whole is that of the commit already.
  if (found.kind === 'sound') await endMerge(found.admin);
  else await git.run(['reset', '-q', '--mixed', commit], { directory: slot, environment: BY_US });
  // What comes from now on is of commands that judge it.
  await pool.write(slot, { ...pool.stateOf(slot), workingSince: null });
  return kept;
}

/**
 * Puts the worktree of an attempt that was killed back to what was captured or combined in it last; what commands have
 * left since is kept apart.
 */
export async function backToCapture(
  { git, commonDirectory, pool }: ChangesContext,
  slot: string,
  { branch, phase }: Attempt,
): Promise<void> {
  if (phase === 'preparing' || phase === 'working') return;
  const found = inspectSlot(slot, commonDirectory);
  if (found.kind !== 'sound' || branch === null || found.branch !== null) return;
  await pool.keep(slot, 'what commands had left that judged its change', found);
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
    await pool.put(lease.slot, commit, lease.combined === null);
    lease.at = commit;
    await pool.write(lease.slot, { ...pool.stateOf(lease.slot), base: commit });
  }
  const ontoTree = onto === change.base ? change.baseTree : await git.treeOf(onto);
  return { kind: 'combined', tree, onto, ontoTree };
}
