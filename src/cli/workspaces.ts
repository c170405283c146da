import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import type { LoadedConfig } from '../config.ts';
import { fail, Failed } from '../failure.ts';
import type { TaskStore } from '../store/store.ts';
import { Git } from '../workspace/git.ts';
import { preflight } from '../workspace/preflight.ts';
import { createSharedDirectory } from '../workspace/shared-directory.ts';
import type { RunSetup } from '../workspace/slot-setup.ts';
import { createWorktrees } from '../workspace/worktrees.ts';
import type { Workspaces } from '../workspace/workspace.ts';
import type { Cli } from './cli.ts';
import { workingDirectory } from './compose.ts';
import type { Project } from './project.ts';
import { describePullRequest } from './run/pull-request-text.ts';

/** What workspaces need of the run they are for. */
export interface WorkspaceParts {
  readonly store: TaskStore;
  readonly runSetup: RunSetup;
  readonly warn: (message: string) => void;
}

/** Where workers work, by `execution.isolation` and by whether there is a git repository. */
export async function createWorkspaces(
  cli: Cli,
  project: Project,
  settings: LoadedConfig,
  { store, runSetup, warn }: WorkspaceParts,
): Promise<Workspaces> {
  const { execution, git: landing, workspace } = settings.config;
  const directory = workingDirectory(project, settings);
  if (execution.isolation === 'none') return createSharedDirectory(directory);
  const missing = await findRepository(directory, cli.env);
  if (missing !== undefined && execution.isolation === 'worktree')
    fail('repository-unusable', `${missing} Tasks cannot get worktrees of their own there.`, FIX);
  if (missing !== undefined) {
    const shared = createSharedDirectory(directory);
    return { ...shared, description: `${missing} So ${shared.description}` };
  }
  const git = new Git(directory, cli.env);
  return createWorktrees({
    git,
    workingDirectory: directory,
    cacheDirectory: cacheDirectory(cli),
    root: workspace.root,
    copy: workspace.copy,
    setup: workspace.setup,
    env: workspace.env,
    runSetup,
    protectedPaths: landing.protected_paths,
    commitMessagePrefix: landing.commit_message_prefix,
    autoCommit: landing.auto_commit,
    deliver: landing.deliver,
    describeRun: (runId) => describePullRequest(store, runId),
    environment: cli.env,
    preflight: async (cacheRoot) => {
      const { max_workers: workers } = execution;
      const found = await preflight(git, { workingDirectory: directory, cacheRoot, workers });
      if (!found.ok) throw new Failed(found.error);
      return found.value;
    },
    now: Date.now,
    warn,
  });
}

const FIX = 'Run `git init` and make a first commit, or set execution.isolation to "none".';

/** A sentence that says why not, or undefined where git has a repository for the directory. */
async function findRepository(
  directory: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<string | undefined> {
  const { exitCode, failed, shortMessage, stderr } = await execa('git', ['rev-parse', '--git-dir'], {
    cwd: directory,
    env: { ...env, LC_ALL: 'C' },
    extendEnv: false,
    reject: false,
    stdin: 'ignore',
  });
  if (!failed) return undefined;
  const isMissing = exitCode === undefined || /not a git repository/i.test(stderr);
  const found = isMissing ? findGitFolder(directory) : undefined;
  // Git that is away for a moment, or a damaged repository, must not end with workers in the user's checkout.
  if (found !== undefined)
    fail(
      'repository-unusable',
      `${found} is there, but ${exitCode === undefined ? `git cannot be started (${shortMessage})` : 'git does not take it for a repository'}.`,
      'Mend that, or set execution.isolation to "none": then workers share your directory.',
    );
  if (exitCode === undefined) return `git cannot be started (${shortMessage}).`;
  if (isMissing) return `${directory} is not in a git repository.`;
  // Such as one that belongs to somebody else: to go on without isolation would be another job than the one asked for.
  return fail('repository-unusable', `git cannot use the repository of ${directory}: ${stderr.trim()}`);
}

function findGitFolder(directory: string): string | undefined {
  const folder = join(directory, '.git');
  if (existsSync(folder)) return folder;
  return directory === dirname(directory) ? undefined : findGitFolder(dirname(directory));
}

/** Where programs of this user keep what can be made again. */
function cacheDirectory({ env, platform }: Cli): string {
  const given = env['XDG_CACHE_HOME'];
  if (given !== undefined && given.startsWith('/')) return given;
  const home = env['HOME'];
  if (home === undefined || home === '')
    fail(
      'wrong-usage',
      'HOME is not set, so there is no cache directory for worktrees.',
      'Set workspace.root.',
    );
  return platform === 'darwin' ? join(home, 'Library', 'Caches') : join(home, '.cache');
}
