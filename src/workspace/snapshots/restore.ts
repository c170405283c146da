import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fail } from '../../domain/failure.ts';
import { makeFolder } from '../../store/private-folder.ts';
import type { Git } from '../git/git.ts';

/** Makes a new branch at a commit; throws `Failed` where the branch exists or its name is not valid. */
export async function restoreToBranch(git: Git, commit: string, branch: string): Promise<void> {
  const ref = `refs/heads/${branch}`;
  const named = await git.attempt(['check-ref-format', ref]);
  if (named.exitCode !== 0 || branch.startsWith('-') || branch === 'HEAD')
    fail('wrong-usage', `${JSON.stringify(branch)} is not a valid name for a branch.`, ANOTHER_NAME);
  const made = await git.exclusive(() => git.attempt(['update-ref', ref, `${commit}^{commit}`, '']));
  if (made.exitCode !== 0)
    fail('wrong-usage', `The branch ${branch} could not be created: ${made.stderr.trim()}`, ANOTHER_NAME);
}

const ANOTHER_NAME = 'Choose another name.';

/** Writes the files of a commit to a new directory; throws `Failed` where it exists. */
export async function restoreToDirectory(git: Git, commit: string, directory: string): Promise<void> {
  const target = resolve(git.directory, directory);
  const gitDirectory = await git.run(['rev-parse', '--absolute-git-dir']);
  try {
    makeFolder(dirname(target));
    await mkdir(target);
  } catch (error) {
    const fix = 'Name a directory that does not exist yet.';
    fail('wrong-usage', `${target} cannot be created: ${String(error)}`, fix);
  }
  const temporary = await mkdtemp(join(tmpdir(), 'claude-orchestrator-'));
  const index = join(temporary, 'index');
  const environment = { GIT_DIR: gitDirectory, GIT_WORK_TREE: target, GIT_INDEX_FILE: index };
  try {
    await git.run(['read-tree', `${commit}^{tree}`], { directory: target, environment });
    await git.run(['checkout-index', '--all'], { directory: target, environment });
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}
