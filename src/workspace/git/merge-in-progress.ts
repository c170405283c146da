import { lstat } from 'node:fs/promises';
import { GitFailed, type Git } from './git.ts';
import { BY_US } from './reflog.ts';
import { OWN_IDENTITY } from './commit.ts';

/**
 * Merges a commit into a worktree. Where that conflicts, the merge is left in progress with the marks in the files;
 * where it does not, it is committed.
 */
export async function mergeInto(git: Git, slot: string, commit: string): Promise<void> {
  const options = { directory: slot, environment: { ...OWN_IDENTITY, ...BY_US } };
  const args = [
    '-c',
    'rerere.enabled=false',
    'merge',
    '-q',
    '--no-commit',
    '--no-ff',
    '--no-autostash',
    commit,
  ];
  const merged = await git.attempt(args, options);
  const head = await git.run(['rev-parse', '--path-format=absolute', '--git-path', 'MERGE_HEAD'], options);
  const isInProgress = (await lstat(head).catch(() => undefined)) !== undefined;
  if (merged.exitCode !== 0 && !isInProgress) throw new GitFailed(args, merged);
  if (merged.exitCode !== 0 || !isInProgress) return;
  await git.run(
    ['commit', '-q', '--no-verify', '--no-gpg-sign', '-m', 'Merge what has landed meanwhile'],
    options,
  );
}
