import { stat } from 'node:fs/promises';
import { err, ok, type Result } from '../domain/result.ts';
import type { Workspace, Workspaces } from './workspace.ts';

/** Lets all workers share one directory: without git, or with `execution.isolation: "none"`. */
export function createSharedDirectory(directory: string): Workspaces {
  const open = async (): Promise<Result<Workspace, string>> => {
    const found = await stat(directory).catch(() => undefined);
    if (found?.isDirectory() !== true) return err(`The working directory ${directory} does not exist.`);
    return ok({ directory, environment: {}, branch: null, base: null, inherited: '' });
  };
  return {
    description:
      `all workers share ${directory}: they see each other's unfinished changes and can overwrite them, ` +
      'a failed task leaves its changes there, and verify commands judge what all of them have done so far',
    changes: null,
    begin: () => Promise.resolve([]),
    acquire: open,
    reopen: ({ number, taskId, branch }) =>
      branch === null
        ? open()
        : Promise.resolve(
            err(
              `Attempt ${number} at task ${taskId} worked in a worktree, and now workers share ${directory}. ` +
                'What it did is kept (`recover`).',
            ),
          ),
    release: () => Promise.resolve(),
    deliver: () => Promise.resolve({ kind: 'none', commit: null, message: '', commands: [] }),
  };
}
