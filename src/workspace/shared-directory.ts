import { stat } from 'node:fs/promises';
import { err, ok } from '../result.ts';
import type { Workspaces } from './workspace.ts';

/** Lets every worker work in one and the same directory: the way without git, or with `execution.isolation: "none"`. */
export function createSharedDirectory(directory: string): Workspaces {
  return {
    description:
      `all workers share ${directory}: they see each other's unfinished changes and can overwrite them, ` +
      'a failed task leaves its changes there, and verify commands judge what all of them have done so far',

    async acquire() {
      const found = await stat(directory).catch(() => undefined);
      if (found?.isDirectory() !== true) return err(`The working directory ${directory} is not there.`);
      return ok({ directory });
    },

    // What was written is where it belongs already.
    land: (_workspace, _task, report) =>
      Promise.resolve({ kind: report.status === 'nothing-to-do' ? 'no-change' : 'landed' }),

    release: () => Promise.resolve(),
  };
}
