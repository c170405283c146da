import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Config } from '../config/load-config.ts';
import { fail } from '../../domain/failure.ts';
import { Git, GitFailed } from '../../workspace/git/git.ts';
import { findLayout } from '../../workspace/slots/layout.ts';
import { inspectRepository, type RepositoryReport } from '../../workspace/preflight/preflight.ts';
import { checkIntegration } from '../../workspace/worktrees.ts';
import type { Services } from '../services.ts';
import { gitTop, type Project } from '../project/project.ts';
import { cacheDirectory } from '../project/user-data.ts';

/** The directory that workers work in: `execution.default_working_dir`, else the project. */
export function workingDirectory(project: Project, { config }: { readonly config: Config }): string {
  return resolve(project.root, config.execution.default_working_dir ?? '.');
}

/** Where workers will work: all in one directory, or each in a worktree of that directory's repository. */
export interface WorkPlace {
  readonly directory: string;
  readonly isIsolated: boolean;
  /** Why workers share the directory although the configuration does not ask for it; else null. */
  readonly why: string | null;
}

/**
 * Finds out where workers will work, for `check` and for `run`. Throws `Failed` where that is not what the
 * configuration asks for.
 */
export async function findWorkPlace(
  services: Services,
  project: Project,
  config: Config,
): Promise<WorkPlace> {
  const directory = workingDirectory(project, { config });
  const { isolation, default_working_dir: given } = config.execution;
  const found = await stat(directory).catch(() => undefined);
  if (found?.isDirectory() !== true)
    fail(
      'config-invalid',
      `Workers would work in ${directory}, which ${found === undefined ? 'does not exist' : 'is not a directory'}.`,
      `Make it, or correct execution.default_working_dir, which is ${JSON.stringify(given)}.`,
    );
  if (isolation === 'none') return { directory, isIsolated: false, why: null };
  const why = await whyNoRepository(directory, services.env);
  if (why !== undefined && isolation === 'worktree')
    fail('repository-unusable', `${why} Tasks cannot get worktrees of their own there.`, FIX);
  return { directory, isIsolated: why === undefined, why: why ?? null };
}

/** Finds everything that prevents a run there, and what people should know. Changes nothing. */
export async function inspectWorkPlace(
  services: Services,
  { execution, workspace }: Config,
  { directory, isIsolated }: WorkPlace,
): Promise<RepositoryReport> {
  const git = new Git(directory, services.env);
  const request = { workingDirectory: directory, cacheRoot: null, workers: execution.max_workers };
  if (!isIsolated) return await inspectRepository(git, request);
  const places = {
    workingDirectory: directory,
    cacheDirectory: cacheDirectory(services),
    root: workspace.root,
  };
  // Without a checkout there is no layout; the report says that there is no checkout.
  const layout = await findLayout(git, places).catch(() => undefined);
  const report = await inspectRepository(git, { ...request, cacheRoot: layout?.root ?? null });
  if (report.failures.length > 0) return report;
  const refusal = await checkIntegration(directory, services.env, report.branch);
  return refusal === undefined ? report : { ...report, failures: [refusal] };
}

const FIX = 'Run `git init` and make a first commit, or set execution.isolation to "none".';

/** A sentence that says why there is no repository. Throws `Failed` where there is one that cannot be used. */
async function whyNoRepository(directory: string, env: Services['env']): Promise<string | undefined> {
  const asked = await new Git(directory, env).attempt(['rev-parse', '--git-dir']).catch((error: unknown) => {
    if (!(error instanceof GitFailed)) throw error;
    return { exitCode: null, stderr: error.stderr };
  });
  const { exitCode, stderr } = asked;
  if (exitCode === 0) return undefined;
  const top = gitTop(directory);
  const isMissing = exitCode === null || /not a git repository/i.test(stderr);
  // If git is missing for a moment, or the repository is damaged, workers must not get the user's checkout instead.
  if (isMissing && top !== undefined)
    fail(
      'repository-unusable',
      `${top}/.git is there, but ${exitCode === null ? `git cannot be started (${stderr})` : 'git does not take it for a repository'}.`,
      'Fix that, or set execution.isolation to "none": then workers share your directory.',
    );
  if (exitCode === null) return `git cannot be started (${stderr}).`;
  if (isMissing) return `${directory} is not in a git repository.`;
  // For example, the repository belongs to another user. A run without isolation is not what the user asked for.
  return fail('repository-unusable', `git cannot use the repository of ${directory}: ${stderr.trim()}`);
}
