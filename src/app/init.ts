import { existsSync, lstatSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { fail, messageOf } from '../domain/failure.ts';
import { probeDriver } from '../store/driver.ts';
import type { InitReport, InitRequest, Stack } from './contract/init.ts';
import { detectStacks, filesOf } from './init/detect-stack.ts';
import { takeOverOutside } from './init/take-over.ts';
import {
  completeGitignore,
  configTemplate,
  ENV_TEMPLATE,
  SCHEMA_FILE,
  schemaTemplate,
} from './init/templates.ts';
import { copyNotice } from './project/lost-store.ts';
import { openProjectStore } from './project/open-store.ts';
import {
  CONFIG_FILE,
  gitTop,
  nearestProject,
  projectIn,
  projectOutside,
  refuseHome,
  type Project,
  type ProjectRequest,
} from './project/project.ts';
import { writeFileWhole } from './project/write-file.ts';
import type { Services } from './services.ts';

/**
 * Asks a yes-or-no question. `kept` says what an interrupt leaves behind. Where nobody can answer, the answer is no.
 */
export type Confirm = (question: string, kept: string) => Promise<boolean>;

type FileReport = InitReport['files'][number];

/**
 * Makes what is missing of a project and keeps what is there; `confirm` is asked before a configuration is replaced.
 * Throws `Failed` where something cannot be written.
 */
export async function init(
  where: ProjectRequest,
  request: InitRequest,
  services: Services,
  confirm: Confirm,
): Promise<InitReport> {
  const project = placeForProject(services, where);
  if (request.nested !== true) await refuseSecondProject(project, confirm);
  const wasThere = [project, projectOutside(services, project.root, project.tag)].some(({ databaseFile }) =>
    existsSync(databaseFile),
  );
  // Without SQLite a project is of no use, so SQLite is looked for before anything is written.
  probeDriver();
  const stacks = detectStacks(filesOf(project.root));
  makeStateFolder(project);
  const files = [
    await writeConfig(project, stacks, confirm),
    writeEnv(project),
    ignoreState(project),
    writeSchema(project),
    await createStore(services, project),
  ];
  const lost = wasThere ? undefined : copyNotice(project);
  const notes = [...notesFor(project), ...(lost === undefined ? [] : [`${lost.message} ${lost.fix}`])];
  return { root: project.root, stacks, files, notes, next: 'claude-orchestrator check' };
}

/** The project is made here, even if there is one further up. */
function placeForProject(services: Services, options: ProjectRequest): Project {
  const given = options.config === undefined ? undefined : resolve(services.cwd, options.config);
  const root =
    options.workingDir === undefined && given !== undefined
      ? dirname(given)
      : resolve(services.cwd, options.workingDir ?? '.');
  if (!existsSync(root) || !statSync(root).isDirectory())
    fail('wrong-usage', `There is no directory ${root}.`, 'Make it first, or give another one.');
  refuseHome(services, root);
  const project = projectIn(services, root, options.tag ?? 'master');
  return given === undefined ? project : { ...project, configFile: given };
}

/** A project inside another one has its own task list. People who are in a folder of a project seldom want that. */
async function refuseSecondProject({ root }: Project, confirm: Confirm): Promise<void> {
  const nearest = nearestProject(root);
  if (nearest === undefined || nearest === root) return;
  const question = `The project ${nearest} covers this folder already. Make another one here, with tasks of its own?`;
  if (await confirm(question, 'Nothing was written.')) return;
  fail(
    'wrong-usage',
    `The project ${nearest} covers ${root} already; nothing was written.`,
    'Every command works from here. `claude-orchestrator init --nested` makes a project with tasks of its own here.',
  );
}

function notesFor({ root }: Project): string[] {
  const top = gitTop(root);
  if (top === undefined)
    return [
      `${root} is not in a git repository, so results cannot be told apart from your own changes. Run \`git init\` first if that matters.`,
    ];
  return top === root
    ? []
    : [`This is not the top of the git repository, which is ${top}. The project covers ${root} only.`];
}

async function writeConfig(
  project: Project,
  stacks: readonly Stack[],
  confirm: Confirm,
): Promise<FileReport> {
  const file = project.configFile ?? join(project.root, CONFIG_FILE);
  const path = basename(file);
  const content = configTemplate(stacks);
  if (!isThere(file)) {
    writeFileWhole(file, content);
    return { path, action: 'written' };
  }
  if (!existsSync(file)) return { path, action: 'kept', note: 'a symbolic link to nothing' };
  if (readWhole(file).toString() === content) return { path, action: 'kept' };
  if (!(await confirm(`${file} exists. Replace it with a new one?`, 'It is as it was.')))
    return { path, action: 'kept', note: 'it was there already' };
  writeFileWhole(file, content);
  return { path, action: 'replaced' };
}

/** An existing one may hold credentials, so it is never changed. */
function writeEnv(project: Project): FileReport {
  if (isThere(project.envFile)) return { path: '.env', action: 'kept', note: 'it was there already' };
  writeFileWhole(project.envFile, ENV_TEMPLATE, 0o600);
  return { path: '.env', action: 'written', note: 'put ANTHROPIC_API_KEY into it, or use a subscription' };
}

function ignoreState(project: Project): FileReport {
  const path = '.gitignore';
  const file = join(project.root, path);
  if (isThere(file) && !existsSync(file))
    return { path, action: 'kept', note: 'a symbolic link to nothing; make git ignore .env yourself' };
  const current = existsSync(file) ? readWhole(file) : undefined;
  if (current?.includes(0) === true)
    return { path, action: 'kept', note: 'not a text that git reads; make git ignore .env yourself' };
  const completed = completeGitignore(current ?? Buffer.alloc(0));
  if (completed === undefined) return { path, action: 'kept' };
  writeFileWhole(file, completed);
  return { path, action: current === undefined ? 'written' : 'completed' };
}

/** It is generated, so one of another version is replaced. */
function writeSchema(project: Project): FileReport {
  const file = join(project.root, SCHEMA_FILE);
  const content = schemaTemplate();
  const current = existsSync(file) ? readWhole(file).toString() : undefined;
  if (current === content) return { path: SCHEMA_FILE, action: 'kept' };
  writeFileWhole(file, content);
  return { path: SCHEMA_FILE, action: current === undefined ? 'written' : 'replaced' };
}

async function createStore(services: Services, project: Project): Promise<FileReport> {
  const path = '.taskmaster/tasks.db';
  const existed = existsSync(project.databaseFile);
  const note = await takeOverOutside(services, project);
  if (note !== undefined) return { path, action: 'written', note };
  const store = await openProjectStore(project, true);
  store.close();
  return { path, action: existed ? 'kept' : 'written' };
}

function makeStateFolder({ stateFolder }: Project): void {
  try {
    // Not recursive: on a file system that refuses directories, Node would try forever.
    if (!existsSync(stateFolder) || !statSync(stateFolder).isDirectory()) mkdirSync(stateFolder);
  } catch (error) {
    fail(
      'file-unwritable',
      `${stateFolder} cannot be made: ${messageOf(error)}.`,
      'Make the project directory writable for you, and run `claude-orchestrator init` again.',
    );
  }
}

function readWhole(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    return fail(
      'file-unreadable',
      `${file} cannot be read: ${messageOf(error)}.`,
      'Make it a readable file, or move it away, and run `claude-orchestrator init` again.',
    );
  }
}

/** Whether there is anything of that name, even a link that leads nowhere. */
function isThere(file: string): boolean {
  return lstatSync(file, { throwIfNoEntry: false }) !== undefined;
}
