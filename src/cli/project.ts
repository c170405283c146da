import { existsSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { Failed, fail } from '../failure.ts';
import type { TaskStore } from '../store/store.ts';
import type { Cli } from './cli.ts';
import type { CommonOptions } from './options.ts';
import { copiesPlace, type CopiesPlace } from './user-data.ts';

export const CONFIG_FILE = 'orchestrator_config.json';
export const STATE_FOLDER = '.taskmaster';

/** Where a project's files are. Nothing is read to make one. */
export interface Project {
  /** The directory that holds the configuration and the state folder. */
  readonly root: string;
  /** Undefined where there is none: then defaults apply. */
  readonly configFile: string | undefined;
  readonly envFile: string;
  readonly stateFolder: string;
  readonly databaseFile: string;
  readonly tag: string;
  /** Where copies of the task store are kept, outside of the project: what deletes its folder leaves them. */
  readonly copies: CopiesPlace;
}

/** The project that a command is about: the nearest directory upwards with a configuration or a state folder. */
export function findProject(cli: Cli, options: CommonOptions): Project {
  const start = resolve(cli.cwd, options.workingDir ?? '.');
  if (!existsSync(start) || !statSync(start).isDirectory()) {
    fail('wrong-usage', `There is no directory ${start}.`, 'Give --working-dir an existing directory.');
  }
  const given = options.config === undefined ? undefined : resolve(cli.cwd, options.config);
  if (given !== undefined && !existsSync(given)) {
    fail(
      'config-invalid',
      `There is no configuration file ${given}.`,
      'Give --config an existing file, or leave it away.',
    );
  }
  const root =
    options.workingDir === undefined && given !== undefined
      ? dirname(given)
      : (nearestProject(start) ?? start);
  const configFile = given ?? join(root, CONFIG_FILE);
  return {
    root,
    configFile: existsSync(configFile) ? configFile : undefined,
    envFile: join(root, '.env'),
    stateFolder: join(root, STATE_FOLDER),
    databaseFile: join(root, STATE_FOLDER, 'tasks.db'),
    tag: options.tag ?? 'master',
    copies: copiesPlace(cli, root),
  };
}

/**
 * Opens the project's store; without `create` a missing one is a failure that says how to get one. A store to which
 * tasks were added is copied to the user's own data when it is closed; that this failed is a warning and no more.
 */
export async function openProjectStore(project: Project, create = false): Promise<TaskStore> {
  const { openStore } = await import('../store/sqlite-store.ts');
  try {
    return openStore({
      file: project.databaseFile,
      tag: project.tag,
      create,
      warnings: process,
      copies: project.copies,
    });
  } catch (error) {
    if (!(error instanceof Failed) || error.failure.reason !== 'no-project') throw error;
    const { withLostStore } = await import('./lost-store.ts');
    throw withLostStore(error.failure, project);
  }
}

/** The nearest directory with a project, from `start` upwards. */
export function nearestProject(start: string): string | undefined {
  for (let directory = start; ; directory = dirname(directory)) {
    if (existsSync(join(directory, CONFIG_FILE)) || existsSync(join(directory, STATE_FOLDER, 'tasks.db')))
      return directory;
    if (directory === dirname(directory)) return undefined;
  }
}
