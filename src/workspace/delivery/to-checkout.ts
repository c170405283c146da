import type { Delivery } from '../../domain/event.ts';
import type { Git } from '../git/git.ts';
import { isAncestor, mergeTrees } from '../git/merge.ts';
import {
  findObstacles,
  isPending,
  findFileChanges,
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

/** Results that are to become part of the branch that is checked out. */
export interface CommitRequest extends CheckoutMergeOptions {
  readonly tip: string;
  /** What the checkout is to hold: the tip, or the tip merged with what the user has committed meanwhile. */
  readonly tree: string;
}

/** Merges the tip into the branch in the user's checkout as the user would: with their hooks and their signature. */
export async function commitToCheckout(
  git: Git,
  checkout: Checkout,
  request: CommitRequest,
): Promise<Delivery> {
  const { top, head, paths, gitDirectory } = checkout;
  const { tip, tree, isFastForward, integrationRef } = request;
  const changes = await findFileChanges(git, checkout, head, tree);
  const pending = changes.filter(isPending);
  const obstacles = await findObstacles(checkout, changes);
  // A merge commit takes the whole index, so the user must have staged nothing.
  const staged = [...paths].filter(([, state]) => state.staged || state.intended).map(([path]) => path);
  const edits = isFastForward ? obstacles.edits : [...new Set([...obstacles.edits, ...staged])];
  if (edits.length + obstacles.files.length > 0)
    throw undeliveredForObstacles(request, checkout, { ...obstacles, edits });
  const flags = isFastForward ? ['--ff-only'] : ['--no-ff', '--no-edit', '--commit'];
  const args = ['merge', ...flags, '--no-squash', '--no-autostash', integrationRef];
  const result = await git.attempt(args, { directory: top, hooks: true });
  if (result.exitCode === 0 && (await isAncestor(git, tip, 'HEAD'))) {
    const message = `The results are committed on ${checkout.branch ?? 'the detached HEAD'}.`;
    return { kind: 'committed', commit: tip, message, commands: [] };
  }
  await undoMerge(git, { top, gitDirectory, head, tip });
  await undoFileChanges(git, pending);
  throw undeliveredByGit(request, checkout, result);
}

/** Results that are to be staged. */
export interface StageRequest extends CommitRequest {
  /** The commit that was delivered before this one. */
  readonly delivered: string | undefined;
}

/** Writes a tree to the user's index and files as staged, uncommitted changes. */
export async function stageInCheckout(
  git: Git,
  checkout: Checkout,
  request: StageRequest,
): Promise<Delivery> {
  const { top, branch } = checkout;
  const from = await findStagedDelivery(git, checkout, request);
  const changes = await findFileChanges(git, checkout, from, request.tree);
  const pending = changes.filter(isPending);
  if (pending.length > 0) {
    const obstacles = await findObstacles(checkout, changes);
    if (obstacles.edits.length + obstacles.files.length > 0)
      throw undeliveredForObstacles(request, checkout, obstacles);
    // Files with nothing but a new time would look changed to read-tree. This exits with 1 where some have changed.
    await git.attempt(['update-index', '-q', '--refresh'], { directory: top });
    const args = ['read-tree', '-m', '-u', '--no-recurse-submodules', from, request.tree];
    const result = await git.attempt(args, { directory: top });
    if (result.exitCode !== 0) {
      await undoFileChanges(git, pending);
      throw undeliveredByGit(request, checkout, result);
    }
    await verifyStaged(git, pending, request);
  }
  const where = branch === null ? 'in your checkout' : `on ${branch}`;
  const message = `The results are staged ${where}, not committed.`;
  return { kind: 'staged', commit: request.tip, message, commands: [] };
}

/**
 * The tree of an earlier delivery that is still staged as a whole and not committed, so that only what is new since
 * then changes; HEAD where there is none.
 */
async function findStagedDelivery(git: Git, checkout: Checkout, request: StageRequest): Promise<string> {
  const { head } = checkout;
  const { delivered, tip } = request;
  if (delivered === undefined || !(await isAncestor(git, delivered, tip))) return head;
  if (await isAncestor(git, delivered, head)) return head;
  const merged = (await isAncestor(git, head, delivered))
    ? { kind: 'clean' as const, tree: delivered }
    : await mergeTrees(git, head, delivered);
  if (merged.kind === 'conflict') return head;
  const staged = await findFileChanges(git, checkout, head, merged.tree);
  return staged.every(({ index, to }) => index === to) ? merged.tree : head;
}

async function verifyStaged(git: Git, changes: readonly FileChange[], request: StageRequest): Promise<void> {
  const after = await readCheckout(git);
  if (after === undefined) throw new Undelivered('HEAD has no commit any more.', [mergeCommand(request)]);
  const now = await findFileChanges(git, after, after.head, request.tree);
  const index = new Map(now.map((change) => [change.path, change.index]));
  const missing = changes.filter(({ path, to }) => (index.get(path) ?? to) !== to);
  if (missing.length === 0) return;
  const names = missing.map(({ path }) => path).join(', ');
  throw new Undelivered(`Not all of the results are staged: ${names}.`, [commitAndMergeCommand(request)]);
}
