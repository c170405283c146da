import type { Git } from '../git/git.ts';
import { takeCommand } from './undelivered.ts';
import { isAncestor, mergeTrees } from '../git/merge.ts';
import { deliveredRef, integrationRef } from '../git/ref-names.ts';

/** Whether something has landed for the user's branch that they were never given; false where that cannot be told. */
export async function hasUndelivered(git: Git): Promise<boolean> {
  const { tip, head, branch } = await findResults(git);
  if (tip === undefined || head === undefined) return false;
  return tip !== (await git.commitAt(deliveredRef(branch))) && !(await isAncestor(git, tip, head));
}

/**
 * A sentence with the command that takes what landed and is not committed on the user's branch, whether it was thrown
 * away, is staged still or was never wanted there; undefined where nothing is.
 */
export async function describeUntaken(git: Git, autoCommit: boolean): Promise<string | undefined> {
  const { tip, head, branch, integration } = await findResults(git);
  if (tip === undefined || head === undefined || (await isAncestor(git, tip, head))) return undefined;
  const merged = await mergeTrees(git, head, tip);
  if (merged.kind === 'clean' && merged.tree === (await git.treeOf(head))) return undefined;
  const staged = await git.attempt(['diff', '--cached', '--quiet']);
  if (staged.exitCode !== 0)
    return 'Results are not committed yet: `git diff --staged` shows what is staged.';
  const take = takeCommand({ integrationRef: integration, autoCommit });
  return `Results that ${branch ?? 'HEAD'} does not have: \`${take}\` takes them.`;
}

async function findResults(git: Git) {
  const named = await git.attempt(['symbolic-ref', '-q', '--short', 'HEAD']);
  const branch = named.exitCode === 0 ? named.stdout.trimEnd() : null;
  const integration = integrationRef(branch);
  const [tip, head] = await Promise.all([git.commitAt(integration), git.commitAt('HEAD')]);
  return { branch, integration, tip, head };
}
