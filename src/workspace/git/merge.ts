import { lstat } from 'node:fs/promises';
import { OWN_IDENTITY } from './commit.ts';
import { GitFailed, type Git } from './git.ts';
import { OWN_REFLOG_ACTION } from './reflog.ts';

/** The result of a merge that touches no files: a tree, or the files that conflict. */
export type TreeMerge =
  | { readonly kind: 'clean'; readonly tree: string }
  | { readonly kind: 'conflict'; readonly files: readonly string[] };

/** Merges `theirs` into `ours` in the object database only. */
export async function mergeTrees(git: Git, ours: string, theirs: string): Promise<TreeMerge> {
  const args = ['merge-tree', '--write-tree', '--no-messages', '--name-only', '-z', ours, theirs];
  const result = await git.attempt(args);
  const [tree = '', ...files] = result.stdout.split('\0').filter((field) => field !== '');
  if (result.exitCode === 0) return { kind: 'clean', tree: tree.trim() };
  if (result.exitCode !== 1) throw new GitFailed(args, result);
  return { kind: 'conflict', files };
}

/** Whether the first commit is part of the history of the second one. */
export async function isAncestor(git: Git, ancestor: string, commit: string): Promise<boolean> {
  const args = ['merge-base', '--is-ancestor', ancestor, commit];
  const result = await git.attempt(args);
  if (result.exitCode > 1) throw new GitFailed(args, result);
  return result.exitCode === 0;
}

/**
 * Merges a commit into a worktree. If there are conflicts, the merge is left in progress with conflict markers in the
 * files; otherwise it is committed.
 */
export async function mergeIntoWorktree(git: Git, slot: string, commit: string): Promise<void> {
  const options = { directory: slot, environment: { ...OWN_IDENTITY, ...OWN_REFLOG_ACTION } };
  const flags = ['-q', '--no-commit', '--no-ff', '--no-autostash'];
  const args = ['-c', 'rerere.enabled=false', 'merge', ...flags, commit];
  const merged = await git.attempt(args, options);
  const head = await git.run(['rev-parse', '--path-format=absolute', '--git-path', 'MERGE_HEAD'], options);
  const isInProgress = (await lstat(head).catch(() => undefined)) !== undefined;
  if (merged.exitCode !== 0 && !isInProgress) throw new GitFailed(args, merged);
  if (merged.exitCode !== 0 || !isInProgress) return;
  const message = 'Merge what has landed meanwhile';
  await git.run(['commit', '-q', '--no-verify', '--no-gpg-sign', '-m', message], options);
}
