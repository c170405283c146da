import { fail } from '../../domain/failure.ts';
import { Git, GitFailed } from '../../workspace/git/git.ts';
import { INTEGRATION_REFS } from '../../workspace/git/ref-names.ts';
import type { Services } from '../services.ts';

/** A git repository. */
export interface Repository {
  readonly git: Git;
  /** Git's own folder, the same for all worktrees. */
  readonly commonDirectory: string;
}

/** Opens the repository that a directory is in. Throws `Failed` where there is none, or where git cannot be started. */
export async function openRepository(services: Services, directory: string): Promise<Repository> {
  const git = new Git(directory, services.env);
  const found = await git
    .attempt(['rev-parse', '--path-format=absolute', '--git-common-dir'])
    .catch((error: unknown) => {
      if (!(error instanceof GitFailed)) throw error;
      return fail(
        'repository-unusable',
        'git cannot be started.',
        'Install it: https://git-scm.com/downloads',
      );
    });
  if (found.exitCode === 0) return { git, commonDirectory: found.stdout.replace(/\n$/, '') };
  const isMissing = found.stderr.includes('not a git repository');
  return fail(
    'repository-unusable',
    isMissing ? `${directory} is in no git repository.` : `git refuses ${directory}: ${found.stderr.trim()}`,
    isMissing
      ? 'Without git, workers change the files in place, and nothing is kept apart.'
      : 'Run `git status` there: git says how to fix it.',
  );
}

/**
 * The commit that the work of a task is compared with, so that the work of others does not show: the newest one that it
 * contains of what has landed and of `began`, where its attempt began.
 */
export async function baseOf(git: Git, commit: string, began: string | null): Promise<string> {
  const landed = await integrationTips(git);
  const others = began === null ? landed : [began, ...landed];
  const found = others.length === 0 ? undefined : await git.attempt(['merge-base', commit, ...others]);
  const newest = found?.exitCode === 0 ? found.stdout.trim() : '';
  return newest === '' ? (began ?? `${commit}^`) : newest;
}

/** The commits that hold what has landed: one for each branch of the user that runs have worked for. */
export async function integrationTips(git: Git): Promise<string[]> {
  const tips = await git.run(['for-each-ref', '--format=%(objectname)', INTEGRATION_REFS]);
  return tips === '' ? [] : [...new Set(tips.split('\n'))];
}
