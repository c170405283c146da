import { existsSync, realpathSync, statSync } from 'node:fs';
import { dirname, join, parse, resolve } from 'node:path';
import { fail } from '../../domain/failure.ts';
import type { Services } from '../services.ts';
import { copiesPlace, projectDataFolder, type CopiesPlace } from './user-data.ts';

export const CONFIG_FILE = 'orchestrator_config.json';
export const STATE_FOLDER = '.taskmaster';

/** How a project is named: by a configuration file, or by a directory from which it is looked for upwards. */
export interface ProjectRequest {
  readonly config?: string;
  readonly workingDir?: string;
  /** The task list, `master` where it is not given. */
  readonly tag?: string;
}

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
  /** Where copies of the task store are kept: outside of the project, so that they outlive its folder. */
  readonly copies: CopiesPlace;
  /**
   * It was never set up, so everything that is kept of it lies in the user's data folder, and nothing beside the code.
   */
  readonly isOutside: boolean;
}

/** The services that say where files outside of a project are kept. */
type ProjectKeeper = Pick<Services, 'env' | 'platform' | 'tell'>;

/** The services that find a project. */
export type ProjectSeeker = ProjectKeeper & Pick<Services, 'cwd'>;

/**
 * The project that a command is about: the nearest directory upwards with a configuration or a state folder, or the
 * repository that is kept outside of itself, since `do` worked in it.
 */
export function findProject(services: ProjectSeeker, options: ProjectRequest): Project {
  const start = resolve(services.cwd, options.workingDir ?? '.');
  if (!existsSync(start) || !statSync(start).isDirectory()) {
    fail('wrong-usage', `There is no directory ${start}.`, 'Give --working-dir an existing directory.');
  }
  const given = options.config === undefined ? undefined : resolve(services.cwd, options.config);
  if (given !== undefined && !existsSync(given)) {
    fail(
      'config-invalid',
      `There is no configuration file ${given}.`,
      'Give --config an existing file, or leave it away.',
    );
  }
  const { tag = 'master' } = options;
  const place = placeOf(services, start, options.workingDir === undefined ? given : undefined);
  const project = place.isOutside
    ? projectOutside(services, place.root, tag)
    : projectIn(services, place.root, tag);
  return given === undefined ? project : { ...project, configFile: given };
}

/** A project whose files are beside its code, as `init` makes them. */
export function projectIn(services: ProjectKeeper, root: string, tag: string): Project {
  return projectWith(services, root, tag, {
    folder: root,
    stateFolder: join(root, STATE_FOLDER),
    isOutside: false,
  });
}

/** The repository whose top is `root` as a project that leaves no trace in it. */
export function projectOutside(services: ProjectKeeper, root: string, tag: string): Project {
  const folder = join(projectDataFolder(services, root), 'project');
  return projectWith(services, realpathSync(root), tag, { folder, stateFolder: folder, isOutside: true });
}

/** The top of the git repository that a directory is in, or undefined if it is in none. */
export function gitTop(directory: string): string | undefined {
  for (let at = directory; ; at = dirname(at)) {
    if (existsSync(join(at, '.git'))) return at;
    if (at === dirname(at)) return undefined;
  }
}

/** The nearest directory with a project of its own in it, from `start` upwards. */
export function nearestProject(start: string): string | undefined {
  for (let directory = start; ; directory = dirname(directory)) {
    if (existsSync(join(directory, CONFIG_FILE)) || existsSync(join(directory, STATE_FOLDER, DATABASE)))
      return directory;
    if (directory === dirname(directory)) return undefined;
  }
}

/** A project in the home directory would be found from every directory below it. */
export function refuseHome(services: Pick<Services, 'env'>, root: string): void {
  const real = realpathSync(root);
  const home = services.env['HOME'] ?? services.env['USERPROFILE'] ?? '';
  const isHome = home !== '' && existsSync(home) && realpathSync(home) === real;
  if (!isHome && real !== parse(real).root) return;
  fail(
    'wrong-usage',
    `${root} is ${isHome ? 'your home directory' : 'the root of the file system'}, where workers must not work.`,
    'Change into the repository that is to be worked on, and run `claude-orchestrator init` there.',
  );
}

function projectWith(
  services: ProjectKeeper,
  root: string,
  tag: string,
  { folder, stateFolder, isOutside }: { folder: string; stateFolder: string; isOutside: boolean },
): Project {
  const configFile = join(folder, CONFIG_FILE);
  return {
    root,
    configFile: existsSync(configFile) ? configFile : undefined,
    envFile: join(folder, '.env'),
    stateFolder,
    databaseFile: join(stateFolder, DATABASE),
    tag,
    copies: copiesPlace(services, root),
    isOutside,
  };
}

const DATABASE = 'tasks.db';

/** Where a project is. A configuration without a store may have come with a clone, so it hides no store outside. */
function placeOf(
  services: ProjectSeeker,
  start: string,
  givenConfig: string | undefined,
): Pick<Project, 'root' | 'isOutside'> {
  const hasStore = (directory: string): boolean => existsSync(join(directory, STATE_FOLDER, DATABASE));
  let configured = givenConfig === undefined ? undefined : dirname(givenConfig);
  if (configured !== undefined && hasStore(configured)) return { root: configured, isOutside: false };
  for (let directory = start; ; directory = dirname(directory)) {
    if (configured === undefined && hasStore(directory)) return { root: directory, isOutside: false };
    if (existsSync(join(directory, CONFIG_FILE))) configured ??= directory;
    if (existsSync(join(directory, '.git'))) {
      if (existsSync(projectOutside(services, directory, '').databaseFile))
        return { root: directory, isOutside: true };
      if (configured !== undefined) return { root: configured, isOutside: false };
    }
    if (directory === dirname(directory)) return { root: configured ?? start, isOutside: false };
  }
}
