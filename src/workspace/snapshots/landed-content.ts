import { NOT_UTF8, type Git } from '../git/git.ts';
import type { Change } from '../workspace.ts';

/**
 * Whether the content of a commit is part of some other commits, the first of which holds what landed: every blob in it
 * and in its history, and every file as it is in the commit. A commit that moves, removes or copies files or changes
 * their modes adds no blob, so blobs alone do not tell whether it has landed.
 */
export async function isContentLanded(
  git: Git,
  commit: string,
  landed: readonly [string, ...string[]],
): Promise<boolean> {
  // Git compares with the trees where the histories meet. The trees of the tips have to be named.
  const known = landed.flatMap((tip) => [tip, `${tip}^{tree}`]);
  const blobs = ['--objects', '--filter=object:type=blob', '--filter-provided-objects'];
  if ((await git.run(['rev-list', ...blobs, commit, '--not', ...known])) !== '') return false;

  const base = await git.attempt(['merge-base', commit, landed[0]]);
  const [from, to] = [base.exitCode === 0 ? base.stdout.trim() : undefined, await git.treeOf(commit)];
  let missing = await git.listDifferences(
    from === undefined ? await emptyTree(git) : await git.treeOf(from),
    to,
  );
  for (const tip of landed) {
    if (missing.length === 0) return true;
    const others = new Set(await git.listDifferences(to, await git.treeOf(tip)));
    missing = missing.filter((file) => others.has(file));
  }
  return missing.length === 0;
}

function emptyTree(git: Git): Promise<string> {
  return git.run(['hash-object', '-t', 'tree', '--stdin']);
}

/** A quick check whether a change that is one commit on its base has landed unchanged; false where it cannot tell. */
export async function isLandedUnchanged(
  git: Git,
  { commit, base, files }: Pick<Change, 'commit' | 'base' | 'files'>,
  landed: string,
): Promise<boolean> {
  if (files.length > FEW || files.some((file) => file.includes(NOT_UTF8))) return false;
  const at = (name: string): Promise<string | undefined> => git.find(name);
  const [parent, second] = await Promise.all([at(`${commit}^1`), at(`${commit}^2`)]);
  if (parent !== base || second !== undefined) return false;
  const found = files.map(async (file) => {
    const [own, there] = await Promise.all([at(`${commit}:${file}`), at(`${landed}:${file}`)]);
    return !file.includes('\n') && (own === undefined || own === there);
  });
  return (await Promise.all(found)).every(Boolean);
}

const FEW = 50;
