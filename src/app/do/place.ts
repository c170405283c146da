import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { join, sep } from 'node:path';
import type { LoadedConfig } from '../config/load-config.ts';
import { Failed, fail, messageOf } from '../../domain/failure.ts';
import type { Services } from '../services.ts';
import type { Stack } from '../contract/init.ts';
import { detectStacks, filesOf } from '../init/detect-stack.ts';
import { configTemplate } from '../init/templates.ts';
import { writeFileWhole } from '../project/write-file.ts';
import { copyNotice } from '../project/lost-store.ts';
import { makePrivateFolder } from '../../store/private-folder.ts';
import {
  CONFIG_FILE,
  findProject,
  gitTop,
  projectOutside,
  refuseHome,
  type Project,
  type ProjectSeeker,
  type ProjectRequest,
} from '../project/project.ts';
import { findWorkPlace, inspectWorkPlace } from '../repository/work-place.ts';

/** Where `do` works. */
export interface DoPlace {
  readonly project: Project;
  /** The tool chains that the verify commands come from; none where the user's configuration names these. */
  readonly stacks: readonly Stack[];
  readonly note: string | undefined;
}

/**
 * Finds the project that is set up here. Where there is none, makes one of the git repository, with all that is kept of
 * it outside of it. Throws `Failed` where there is no repository either, or where nothing can be kept.
 */
export function preparePlace(services: ProjectSeeker, options: ProjectRequest): DoPlace {
  const found = findProject(services, options);
  if (!found.isOutside && existsSync(found.databaseFile))
    return { project: found, stacks: [], note: undefined };
  const top = found.isOutside ? found.root : gitTop(startOf(services, options, found));
  if (top === undefined)
    return fail(
      'repository-unusable',
      `${found.root} is in no git repository, so results could not be told apart from your own files.`,
      'Run `git init` and make a first commit there; or set it up with `claude-orchestrator init`.',
    );
  refuseHome(services, top);
  const project = projectOutside(services, top, found.tag);
  makeStateFolder(project);
  if (options.config !== undefined)
    return { project: { ...project, configFile: found.configFile }, stacks: [], note: undefined };
  // Detected each time, since the repository may have got a tool chain meanwhile.
  const stacks = detectStacks(filesOf(project.root));
  const configFile = join(project.stateFolder, CONFIG_FILE);
  writeFileWhole(configFile, configTemplate(stacks, ''));
  return { project: { ...project, configFile }, stacks, note: noteFor(found) };
}

/** Says what is here already but is not used. */
function noteFor(found: Project): string | undefined {
  const lost = found.isOutside ? undefined : copyNotice(found);
  if (lost !== undefined) return `${lost.message} ${lost.fix}`;
  const file = found.isOutside ? join(found.root, CONFIG_FILE) : found.configFile;
  return file === undefined || !existsSync(file)
    ? undefined
    : `${file} is not used, since nobody has set this repository up here: what it names would be run. \`claude-orchestrator init\` takes it over, --config names it for once.`;
}

/** Throws `Failed` where workers cannot work here, before anything is paid for. */
export async function checkPlace(
  services: Services,
  project: Project,
  { config }: LoadedConfig,
): Promise<void> {
  const place = await findWorkPlace(services, project, config);
  if (!place.isIsolated) return;
  const [first] = (await inspectWorkPlace(services, config, place)).failures;
  if (first !== undefined) throw new Failed(first);
}

function startOf(services: ProjectSeeker, { config, workingDir }: ProjectRequest, found: Project): string {
  return config !== undefined && workingDir === undefined ? services.cwd : found.root;
}

/** The file that says which repository a folder is about. */
const NAME = 'repository';

function makeStateFolder({ root, stateFolder }: Project): void {
  const folder = resolveExisting(stateFolder);
  if (folder === root || folder.startsWith(`${root}${sep}`))
    fail(
      'wrong-usage',
      `Tasks and logs would be kept in the repository itself, in ${stateFolder}.`,
      'Set XDG_STATE_HOME to a directory outside of it.',
    );
  let of: string;
  try {
    makePrivateFolder(stateFolder);
    of = ownerOf(stateFolder);
    if (of === '') writeFileWhole(join(stateFolder, NAME), `${(of = root)}\n`);
  } catch (error) {
    return fail(
      'file-unwritable',
      `${stateFolder} cannot be made or written, where tasks and logs of this repository would be kept: ${messageOf(error)}.`,
      'Make it writable for you, or set XDG_STATE_HOME to a directory that is.',
    );
  }
  if (of !== root)
    fail(
      'store-unusable',
      `${stateFolder} is about another repository, ${of}.`,
      'Set XDG_STATE_HOME to another directory, or set this repository up with `claude-orchestrator init`.',
    );
}

/** The repository that a folder is about; nothing where that was never written, or never came to the disk. */
function ownerOf(stateFolder: string): string {
  const file = join(stateFolder, NAME);
  return existsSync(file) ? readFileSync(file, 'utf8').replace(/\n$/, '') : '';
}

/** The real path of what need not be there yet. */
function resolveExisting(path: string): string {
  for (let at = path; ;) {
    if (existsSync(at)) return join(realpathSync(at), path.slice(at.length));
    const cut = at.lastIndexOf(sep);
    if (cut <= 0) return path;
    at = at.slice(0, cut);
  }
}
