import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Delivery } from '../../domain/event.ts';
import { shellQuote } from '../../domain/text/shell-quote.ts';
import { isGitOrDiskError, type Git } from '../git/git.ts';
import { isAncestor, mergeTrees } from '../git/merge.ts';
import { deliveredRef, shortRef } from '../git/ref-names.ts';
import { readCheckout, findUnfinishedOperation, type Checkout } from './checkout.ts';
import { openPullRequest, type PullRequest } from './pull-request.ts';
import { commitToBranch, deliverToOwnBranch } from './to-branch.ts';
import { commitToCheckout, stageInCheckout } from './to-checkout.ts';
import { Undelivered, undeliveredForConflict, mergeCommand } from './undelivered.ts';

/** What is delivered, and how the user wants it delivered. */
export interface DeliveryOptions {
  /** Full name of the integration branch, such as `refs/orchestrator/integration/main`. */
  readonly integrationRef: string;
  /** Short name of the branch that the user was on when the run began; null where HEAD was detached. */
  readonly target: string | null;
  /** Whether results become commits of that branch; otherwise they become staged changes. */
  readonly autoCommit: boolean;
  readonly mode: 'checkout' | 'branch' | 'pr';
  readonly pullRequest: PullRequest;
  /** For `gh`. */
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/**
 * Delivers the whole integration branch to the user, or nothing, and touches none of their changes. It never rejects
 * for something in its way: the results then stay on the integration branch, and the report has the command that takes
 * them.
 */
export async function deliver(git: Git, options: DeliveryOptions): Promise<Delivery> {
  const { integrationRef, target, mode } = options;
  let tip: string | undefined;
  try {
    tip = await git.commitAt(integrationRef);
    if (tip === undefined) return nothing();
    const goal = await git.commitAt(target === null ? 'HEAD' : `refs/heads/${target}`);
    if (goal === undefined) throw undeliveredToMissing(options);
    if (await holds(git, goal, tip)) return nothing();
    if (mode === 'branch') return await deliverToOwnBranch(git, { ...options, tip });
    if (mode === 'pr') return await openPullRequest(git, { ...options, tip, branch: branchOf(options) });
    return await toCheckout(git, options, tip, goal);
  } catch (error) {
    return { kind: 'left', commit: tip ?? null, ...reasonOf(error, options) };
  }
}

/** How long to wait for the lock of the index. Programs such as editors hold it for a moment only. */
const MAX_LOCK_WAIT_MS = 3000;

async function toCheckout(git: Git, options: DeliveryOptions, tip: string, goal: string): Promise<Delivery> {
  const { target, autoCommit } = options;
  const checkout = await readCheckout(git);
  if (checkout !== undefined) await refuseUnfinished(checkout, options);
  if (checkout?.branch !== target) {
    if (autoCommit && target !== null) return await commitToBranch(git, { ...options, target, tip, goal });
    const place = target === null ? 'HEAD was detached when the run began' : `${target} is not checked out`;
    throw new Undelivered(`${place}${target === null ? ' and is on a branch now' : ' any more'}.`, [
      `${target === null ? '' : `git switch ${shellQuote(target)} && `}${mergeCommand(options)}`,
    ]);
  }
  const merged = await mergeWithUser(git, options, checkout, tip);
  const delivered = autoCommit ? undefined : await git.commitAt(deliveredRef(target));
  const delivery = autoCommit
    ? await commitToCheckout(git, checkout, { ...options, ...merged, tip })
    : await stageInCheckout(git, checkout, { ...options, ...merged, tip, delivered });
  // This may fail: it only tells the next delivery what this one did. Without it, that one is more careful.
  await git.attempt(['update-ref', deliveredRef(target), tip]);
  return delivery;
}

/** What the checkout is to hold: the tip, or the tip merged with what the user has committed meanwhile. */
async function mergeWithUser(git: Git, options: DeliveryOptions, checkout: Checkout, tip: string) {
  const { head } = checkout;
  if (await isAncestor(git, head, tip)) return { tree: tip, isFastForward: true };
  // On a detached HEAD, a commit and a checkout of another commit look the same.
  if (options.target === null)
    throw new Undelivered('HEAD was detached when the run began and is elsewhere now.', [
      mergeCommand(options),
    ]);
  const merged = await mergeTrees(git, head, tip);
  if (merged.kind === 'conflict') throw undeliveredForConflict(options, checkout, merged.files);
  return { tree: merged.tree, isFastForward: false };
}

async function refuseUnfinished(
  { gitDirectory, hasConflicts }: Checkout,
  options: DeliveryOptions,
): Promise<void> {
  const because = (why: string): Undelivered => new Undelivered(why, [mergeCommand(options)]);
  const unfinished = findUnfinishedOperation(gitDirectory);
  if (unfinished !== undefined)
    throw because(`A ${unfinished.name} is unfinished in your checkout. ${unfinished.fix} Then run:`);
  if (hasConflicts)
    throw because('There are unresolved conflicts in your checkout. Resolve and commit them, then run:');
  const lock = join(gitDirectory, 'index.lock');
  const until = Date.now() + MAX_LOCK_WAIT_MS;
  while (existsSync(lock) && Date.now() < until) await sleep(50);
  if (existsSync(lock))
    throw because(`${lock} exists: git is at work there, or was killed. When that has ended, run:`);
}

function undeliveredToMissing(options: DeliveryOptions): Undelivered {
  const { target } = options;
  if (target === null) return new Undelivered('HEAD has no commit.', [mergeCommand(options)]);
  return new Undelivered(`The branch ${target} no longer exists.`, [
    `git branch -- ${shellQuote(target)} ${shellQuote(branchOf(options))}`,
  ]);
}

/** Whether `commit` has everything of `tip` already. */
async function holds(git: Git, commit: string, tip: string): Promise<boolean> {
  if (await isAncestor(git, tip, commit)) return true;
  const [ofTip, ofCommit] = await Promise.all([git.find(`${tip}^{tree}`), git.find(`${commit}^{tree}`)]);
  return ofTip !== undefined && ofTip === ofCommit;
}

function branchOf({ integrationRef }: DeliveryOptions): string {
  return shortRef(integrationRef);
}

function nothing(): Delivery {
  return { kind: 'none', commit: null, message: 'There was nothing to deliver.', commands: [] };
}

/** After an error of git or the disk, the results stay where they are safe. Other errors are bugs and are thrown. */
function reasonOf(error: unknown, options: DeliveryOptions): Pick<Delivery, 'message' | 'commands'> {
  if (error instanceof Undelivered) return { message: error.message, commands: error.commands };
  if (!isGitOrDiskError(error)) throw error;
  return { message: `Nothing was delivered: ${error.message}`, commands: [mergeCommand(options)] };
}
