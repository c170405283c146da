import { Failed } from '../../domain/failure.ts';
import { shellQuote } from '../../domain/text/shell-quote.ts';
import { commitAsUser, type CommitSettings } from '../git/commit.ts';
import type { Git } from '../git/git.ts';
import { isAncestor, mergeTrees } from '../git/merge.ts';
import { deliveredRef, integrationRef, landedRef, OWN_REFS, shortRef } from '../git/ref-names.ts';

/** How to bring the integration branch up to date. The commits exist, but no ref is moved yet. */
export interface SyncPlan {
  /** The newest commit that the branch will have. */
  readonly tip: string;
  readonly notes: readonly string[];
  /** Arguments of `git update-ref`, in order. */
  readonly moves: readonly (readonly string[])[];
}

/**
 * Finds out how to bring the integration branch up to date with the user's HEAD, or to create it. Throws `Failed` where
 * the two cannot be merged.
 */
export async function planSync(git: Git, branch: string | null, settings: CommitSettings): Promise<SyncPlan> {
  const ref = integrationRef(branch);
  const delivered = deliveredRef(branch);
  const [head, lines] = await Promise.all([
    git.run(['rev-parse', '--verify', 'HEAD^{commit}']),
    git.run(['for-each-ref', '--format=%(refname)%00%(objectname)', ref, delivered, landedRef(branch)]),
  ]);
  const refs = new Map(lines.split('\n').map((line) => [line.split('\0')[0], line.split('\0')[1]]));
  const tip = refs.get(ref) ?? '';
  const move = (commit: string, ...notes: string[]): SyncPlan => ({
    tip: commit,
    notes,
    moves: commit === tip ? [] : [[ref, commit, tip]],
  });
  if (tip === '')
    return await keepDroppedResults(git, move(head), { ref, landed: refs.get(landedRef(branch)) });
  if (await isAncestor(git, tip, head)) return move(head);
  if (await isAncestor(git, head, tip)) return move(tip);

  const name = branch ?? 'HEAD';
  const message = `Merge ${name} into ${shortRef(ref)}\n`;
  const last = refs.get(delivered) ?? '';
  const isKnown = last !== '' && (await isAncestor(git, last, tip));
  // The user has committed that delivery. Whatever they did with it later, such as a revert, is what they want.
  if (isKnown && (await wasCommitted(git, head, last))) return asEdit(last);
  const merged = await mergeTrees(git, tip, head);
  if (merged.kind === 'clean')
    return move(await commitAsUser(git, settings, { tree: merged.tree, parents: [tip, head], message }));
  if (!isKnown || !(await isEditOf(git, head, last))) throw conflictFailure(name, ref, merged.files);
  return asEdit(last, `${name} has results of an earlier run with edits; it is taken as it is.`);

  /** The user has committed a delivery, perhaps with edits, so their commit becomes a successor of that delivery. */
  async function asEdit(from: string, ...notes: string[]): Promise<SyncPlan> {
    const edited = await commitAsUser(git, settings, {
      tree: `${head}^{tree}`,
      parents: [head, from],
      message: `Take ${name} as an edit of what was delivered to it\n`,
    });
    if (from === tip) return move(edited, ...notes);
    const again = await mergeTrees(git, edited, tip);
    if (again.kind === 'conflict') throw conflictFailure(name, ref, again.files);
    const parents = [tip, edited];
    return move(await commitAsUser(git, settings, { tree: again.tree, parents, message }), ...notes);
  }
}

/** Whether a commit of the user has a delivery exactly as it was staged. */
async function wasCommitted(git: Git, head: string, delivered: string): Promise<boolean> {
  const tree = await git.treeOf(delivered);
  const trees = await git.run(['log', '--format=%T', head, `^${delivered}`]);
  return trees.split('\n').includes(tree);
}

/**
 * Whether HEAD has changed every file that a delivery changed. If it still has one as before the delivery, the user may
 * have committed something else, and that does not mean that they have undone the delivery.
 */
async function isEditOf(git: Git, head: string, delivered: string): Promise<boolean> {
  const { exitCode, stdout } = await git.attempt(['merge-base', head, delivered]);
  if (exitCode !== 0) return false;
  const names = async (to: string) => {
    const args = ['diff-tree', '-r', '-z', '--name-only', '--no-renames', stdout.trim(), to];
    return (await git.run(args)).split('\0');
  };
  const [ofDelivery, ofHead] = await Promise.all([names(delivered), names(head)]);
  const changed = new Set(ofHead);
  return ofDelivery.every((path) => changed.has(path));
}

/** Somebody has deleted or renamed the branch: a new one is created, and a ref keeps what landed on the old one. */
async function keepDroppedResults(
  git: Git,
  begun: SyncPlan,
  { ref, landed }: { readonly ref: string; readonly landed: string | undefined },
): Promise<SyncPlan> {
  const { tip: head, moves } = begun;
  if (landed === undefined || (await isAncestor(git, landed, head))) return begun;
  const note =
    `${shortRef(ref)} is gone, and with it results that ${head.slice(0, 10)} does not have. ` +
    `They are kept: git branch kept-results ${landed.slice(0, 10)}`;
  return { tip: head, notes: [note], moves: [[`${OWN_REFS}dropped/${landed}`, landed], ...moves] };
}

function conflictFailure(name: string, ref: string, files: readonly string[]): Failed {
  const shown = files.slice(0, 5).join(', ') + (files.length > 5 ? ` and ${files.length - 5} more` : '');
  const branch = shellQuote(shortRef(ref));
  return new Failed({
    reason: 'repository-unusable',
    message: `Results of earlier runs on ${shortRef(ref)} conflict with ${name}, in ${shown}.`,
    fix:
      `To take them: git merge ${branch}, resolve, commit. ` +
      `To go on without them: git branch kept-results ${branch} && git update-ref -d ${shellQuote(ref)}`,
  });
}
