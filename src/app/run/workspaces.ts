import type { LoadedConfig } from '../config/load-config.ts';
import { Failed } from '../../domain/failure.ts';
import type { TaskStore } from '../../store/store.ts';
import { Git } from '../../workspace/git/git.ts';
import { preflight } from '../../workspace/preflight/preflight.ts';
import { createSharedDirectory } from '../../workspace/shared-directory.ts';
import type { RunSetup } from '../../workspace/slots/slot-setup.ts';
import { createWorktrees } from '../../workspace/worktrees.ts';
import type { Workspaces } from '../../workspace/workspace.ts';
import type { Services } from '../services.ts';
import type { Project } from '../project/project.ts';
import { findWorkPlace } from '../repository/work-place.ts';
import { describePullRequest } from './pull-request-text.ts';
import { cacheDirectory } from '../project/user-data.ts';

/** What workspaces need of the run they are for. */
export interface WorkspaceParts {
  readonly store: TaskStore;
  readonly runSetup: RunSetup;
  readonly warn: (message: string) => void;
}

/** Where workers work, by `execution.isolation` and by whether there is a git repository. */
export async function createWorkspaces(
  services: Services,
  project: Project,
  settings: LoadedConfig,
  { store, runSetup, warn }: WorkspaceParts,
): Promise<Workspaces> {
  const { execution, git: landing, workspace } = settings.config;
  const { directory, isIsolated, why } = await findWorkPlace(services, project, settings.config);
  if (!isIsolated) {
    const shared = createSharedDirectory(directory);
    return why === null ? shared : { ...shared, description: `${why} So ${shared.description}` };
  }
  const git = new Git(directory, services.env);
  return createWorktrees({
    git,
    workingDirectory: directory,
    cacheDirectory: cacheDirectory(services),
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
    environment: services.env,
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
