import { GitFailed, type Git } from './git.ts';

/** Two commits merged, without touching any file: a tree, or the files that conflict. */
export type Merged =
  | { readonly kind: 'clean'; readonly tree: string }
  | { readonly kind: 'conflict'; readonly files: readonly string[] };

/** Merges `theirs` into `ours` in the object database only. */
export async function mergeTrees(git: Git, ours: string, theirs: string): Promise<Merged> {
  const args = ['merge-tree', '--write-tree', '--no-messages', '--name-only', '-z', ours, theirs];
  const result = await git.attempt(args);
  const [tree = '', ...files] = result.stdout.split('\0').filter((field) => field !== '');
  if (result.exitCode === 0) return { kind: 'clean', tree: tree.trim() };
  if (result.exitCode !== 1) throw new GitFailed(args, result);
  return { kind: 'conflict', files };
}

/** Whether the first commit is part of the second one's history. */
export async function isAncestor(git: Git, ancestor: string, commit: string): Promise<boolean> {
  const args = ['merge-base', '--is-ancestor', ancestor, commit];
  const result = await git.attempt(args);
  if (result.exitCode > 1) throw new GitFailed(args, result);
  return result.exitCode === 0;
}
