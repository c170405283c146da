import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fail } from '../domain/failure.ts';
import { probeDriver } from '../store/driver.ts';
import type { Services } from './services.ts';
import { CONFIG_FILE, openProjectStore, type Project } from './project/project.ts';
import { detectStacks, type ProjectFiles, type Stack } from './init/detect-stack.ts';
import {
  completeGitignore,
  configTemplate,
  ENV_TEMPLATE,
  SCHEMA_FILE,
  schemaTemplate,
} from './init/templates.ts';
import { takeOverOutside } from './init/take-over.ts';
import { writeFileWhole } from './init/write-file.ts';

/** What became of one file. */
export interface FileReport {
  /** Relative to the project. */
  readonly path: string;
  readonly action: 'written' | 'completed' | 'replaced' | 'kept';
  /** Why, where it is not plain. */
  readonly note?: string;
}

/** What was set up. */
export interface SetUp {
  readonly stacks: readonly Stack[];
  readonly files: readonly FileReport[];
}

/**
 * Makes what is missing of a project and keeps what is there. `mayReplace` is asked before an existing
 * configuration is replaced. Throws `Failed` where something cannot be written.
 */
export async function setUpProject(
  services: Services,
  project: Project,
  mayReplace: (file: string) => Promise<boolean>,
): Promise<SetUp> {
  // Without SQLite all that would be written is of no use: so it is looked for before anything is.
  probeDriver();
  const stacks = detectStacks(filesOf(project.root));
  makeStateFolder(project);
  return {
    stacks,
    files: [
      await writeConfig(project, stacks, mayReplace),
      writeEnv(project),
      ignoreState(project),
      writeSchema(project),
      await createStore(services, project),
    ],
  };
}

async function writeConfig(
  project: Project,
  stacks: readonly Stack[],
  mayReplace: (file: string) => Promise<boolean>,
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
  if (!(await mayReplace(file))) return { path, action: 'kept', note: 'it was there already' };
  writeFileWhole(file, content);
  return { path, action: 'replaced' };
}

/** Credentials may be in it, so an existing one is never touched. */
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

/** Generated, so it is replaced whenever it is not the one of this version. */
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
    // Not recursive: where the file system takes no directories, Node would try for ever.
    if (!existsSync(stateFolder) || !statSync(stateFolder).isDirectory()) mkdirSync(stateFolder);
  } catch (error) {
    fail(
      'file-unwritable',
      `${stateFolder} cannot be made: ${error instanceof Error ? error.message : String(error)}.`,
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
      `${file} cannot be read: ${error instanceof Error ? error.message : String(error)}.`,
      'Make it a readable file, or move it away, and run `claude-orchestrator init` again.',
    );
  }
}

/** Whether anything has that name, even a link that leads nowhere. */
function isThere(file: string): boolean {
  return lstatSync(file, { throwIfNoEntry: false }) !== undefined;
}

/** What detection looks at, in a directory. */
export function filesOf(root: string): ProjectFiles {
  return {
    exists: (path) => existsSync(join(root, path)),
    read: (path) => {
      try {
        return readFileSync(join(root, path), 'utf8');
      } catch {
        return '';
      }
    },
    names: (path) => {
      try {
        return readdirSync(join(root, path));
      } catch {
        return [];
      }
    },
  };
}
