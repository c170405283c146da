import type { Delivery } from '../../domain/event.ts';
import {
  findObstacles,
  isPending,
  fileChangesBetween,
  undoMerge,
  undoFileChanges,
  type FileChange,
} from './checkout-changes.ts';
import { readCheckout, type Checkout } from './checkout.ts';
import {
  Undelivered,
  undeliveredByGit,
  undeliveredForObstacles,
  commitAndMergeCommand,
  mergeCommand,
  type CheckoutMergeOptions,
} from './undelivered.ts';
import type { Git } from '../git/git.ts';
import { isAncestor, mergeTrees } from '../git/merge.ts';

/** What becomes part of the branch that is checked out. */
export interface CommitRequest extends CheckoutMergeOptions {
  readonly tip: string;
  /** What the checkout shall hold: the tip, or the tip merged with what the user has committed meanwhile. */
  readonly tree: string;
}

/** Brings the tip to the branch in the user's checkout, as they would: their hooks run, and they sign. */
export async function commitToCheckout(
  git: Git,
  checkout: Checkout,
  committing: CommitRequest,
): Promise<Delivery> {
  const { top, head, paths, gitDirectory } = checkout;
  const { tip, tree, isFastForward, integrationRef } = committing;
  const moves = await fileChangesBetween(git, checkout, head, tree);
  const open = moves.filter(isPending);
  const obstacles = await findObstacles(checkout, moves);
  // A merge commit takes the whole index, so it must hold nothing of the user's.
  const staged = [...paths].filter(([, state]) => state.staged || state.intended).map(([path]) => path);
  const edits = isFastForward ? obstacles.edits : [...new Set([...obstacles.edits, ...staged])];
  if (edits.length + obstacles.files.length > 0)
    throw undeliveredForObstacles(committing, checkout, { ...obstacles, edits });
  const way = isFastForward ? ['--ff-only'] : ['--no-ff', '--no-edit', '--commit'];
  const result = await git.attempt(['merge', ...way, '--no-squash', '--no-autostash', integrationRef], {
    directory: top,
    hooks: true,
  });
  if (result.exitCode === 0 && (await isAncestor(git, tip, 'HEAD'))) {
    const message = `The results are committed on ${checkout.branch ?? 'the detached HEAD'}.`;
    return { kind: 'committed', commit: tip, message, commands: [] };
  }
  await undoMerge(git, { top, gitDirectory, head, tip });
  await undoFileChanges(git, open);
  throw undeliveredByGit(committing, checkout, result);
}

/** What is to be staged. */
export interface StageRequest extends CheckoutMergeOptions {
  readonly tip: string;
  /** What the checkout shall hold: the tip, or the tip merged with what the user has committed meanwhile. */
  readonly tree: string;
  /** The commit that was delivered before this one. */
  readonly delivered: string | undefined;
}

/** Brings a tree to the user's index and files as staged, uncommitted changes. */
export async function stageInCheckout(
  git: Git,
  checkout: Checkout,
  staging: StageRequest,
): Promise<Delivery> {
  const { top, branch } = checkout;
  const from = await deliveredBefore(git, checkout, staging);
  const moves = await fileChangesBetween(git, checkout, from, staging.tree);
  const open = moves.filter(isPending);
  if (open.length > 0) {
    const obstacles = await findObstacles(checkout, moves);
    if (obstacles.edits.length + obstacles.files.length > 0)
      throw undeliveredForObstacles(staging, checkout, obstacles);
    // Files that were only touched would look changed to read-tree; it exits with 1 where some really are.
    await git.attempt(['update-index', '-q', '--refresh'], { directory: top });
    const result = await git.attempt(
      ['read-tree', '-m', '-u', '--no-recurse-submodules', from, staging.tree],
      { directory: top },
    );
    if (result.exitCode !== 0) {
      await undoFileChanges(git, open);
      throw undeliveredByGit(staging, checkout, result);
    }
    await verify(git, open, staging);
  }
  const where = branch === null ? 'in your checkout' : `on ${branch}`;
  return {
    kind: 'staged',
    commit: staging.tip,
    message: `The results are staged ${where}, not committed.`,
    commands: [],
  };
}

/**
 * The tree that the index holds of an earlier delivery which the user has not committed: going on from there moves only
 * what is new. HEAD where nothing of the kind is there any more, or not all of it.
 */
async function deliveredBefore(git: Git, checkout: Checkout, staging: StageRequest): Promise<string> {
  const { head } = checkout;
  const { delivered, tip } = staging;
  if (delivered === undefined || !(await isAncestor(git, delivered, tip))) return head;
  if (await isAncestor(git, delivered, head)) return head;
  const merged = (await isAncestor(git, head, delivered))
    ? { kind: 'clean' as const, tree: delivered }
    : await mergeTrees(git, head, delivered);
  if (merged.kind === 'conflict') return head;
  const staged = await fileChangesBetween(git, checkout, head, merged.tree);
  return staged.every(({ index, to }) => index === to) ? merged.tree : head;
}

async function verify(git: Git, moves: readonly FileChange[], staging: StageRequest): Promise<void> {
  const after = await readCheckout(git);
  if (after === undefined) throw new Undelivered('HEAD has no commit any more.', [mergeCommand(staging)]);
  const now = await fileChangesBetween(git, after, after.head, staging.tree);
  const index = new Map(now.map((move) => [move.path, move.index]));
  const missing = moves.filter(({ path, to }) => (index.get(path) ?? to) !== to);
  if (missing.length === 0) return;
  const names = missing.map(({ path }) => path).join(', ');
  throw new Undelivered(`Not all of the results are staged: ${names}.`, [commitAndMergeCommand(staging)]);
}
