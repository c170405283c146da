import type { Delivery } from '../../domain/event.ts';
import { Failed } from '../../domain/failure.ts';
import { Git } from '../../workspace/git/git.ts';
import { preflight } from '../../workspace/preflight/preflight.ts';
import { createSharedDirectory } from '../../workspace/shared-directory.ts';
import type { RunSetup } from '../../workspace/slots/slot-setup.ts';
import { createWorktrees } from '../../workspace/worktrees.ts';
import type { Workspaces } from '../../workspace/workspace.ts';
import { cacheDirectory } from '../project/user-data.ts';
import { findWorkPlace } from '../repository/work-place.ts';
import type { RunJob } from './job.ts';
import { describePullRequest } from './pull-request-text.ts';

/** What workspaces need of the run they are for. */
export interface WorkspaceParts {
  readonly runSetup: RunSetup;
  readonly warn: (message: string) => void;
  /** Gives up a delivery that hangs. */
  readonly hurry: AbortSignal;
}

/** Where workers work, by `execution.isolation` and by whether there is a git repository. */
export async function createWorkspaces(job: RunJob, parts: WorkspaceParts): Promise<Workspaces> {
  return hurriedDelivery(await chooseWorkspaces(job, parts), parts.hurry);
}

async function chooseWorkspaces(
  { services, project, settings, store }: RunJob,
  { runSetup, warn }: WorkspaceParts,
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

/** The same workspaces, whose delivery is given up once `hurry` aborts: a hook of the user's may hang forever. */
export function hurriedDelivery(workspaces: Workspaces, hurry: AbortSignal): Workspaces {
  return {
    ...workspaces,
    deliver: async () => {
      const given = new AbortController();
      const hurried = new Promise<Delivery>((resolve) => {
        if (hurry.aborted) setImmediate(resolve, GIVEN_UP);
        hurry.addEventListener('abort', () => resolve(GIVEN_UP), { once: true, signal: given.signal });
      });
      try {
        return await Promise.race([workspaces.deliver(), hurried]);
      } finally {
        given.abort();
      }
    },
  };
}

const GIVEN_UP: Delivery = {
  kind: 'left',
  commit: null,
  message:
    'You did not wait for the results to be delivered. They are on the integration branch (`git for-each-ref ' +
    'refs/orchestrator/integration`); see with `git status` how far git came in your checkout.',
  commands: [],
};
