import type { Git } from '../../workspace/git/git.ts';
import { INTEGRATION } from '../../workspace/git/ref-names.ts';

/**
 * What the work of a task is compared with: the newest commit that it contains of what has landed or of `began`, where
 * its attempt began; so that it does not show what others have done.
 */
export async function baseOf(git: Git, commit: string, began: string | null): Promise<string> {
  const landed = await integrationTips(git);
  const others = began === null ? landed : [began, ...landed];
  const found = others.length === 0 ? undefined : await git.attempt(['merge-base', commit, ...others]);
  const newest = found?.exitCode === 0 ? found.stdout.trim() : '';
  return newest === '' ? (began ?? `${commit}^`) : newest;
}

/** The commits that hold what has landed: one for each branch of the user's that runs have worked for. */
export async function integrationTips(git: Git): Promise<string[]> {
  const tips = await git.run(['for-each-ref', '--format=%(objectname)', INTEGRATION]);
  return tips === '' ? [] : [...new Set(tips.split('\n'))];
}
