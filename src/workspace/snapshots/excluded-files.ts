import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { STATUS, type Git } from '../git/git.ts';
import { PrivateIndex, type WorkTree } from '../git/private-index.ts';
import type { ExcludedFiles } from '../workspace.ts';

/** Where to look for files that a worker wrote and that no commit of its work has. */
export interface ExcludedFilesSearch {
  /** The work without them. */
  readonly tree: string;
  /** Unix milliseconds. An older file was there before the work began. */
  readonly since: number;
  /** Files that are nobody's work. */
  readonly without: readonly string[];
  /** Folders of submodules. The repository has only a commit of each. */
  readonly submodules: readonly string[];
}

/** What is excluded from most work: nothing. */
export const NONE_EXCLUDED: ExcludedFiles = { files: [], more: 0 };

/** Finds files that git ignores, except dependencies and caches, and files in submodules; at most a certain number. */
export async function findExcludedFiles(
  git: Git,
  place: WorkTree,
  { tree, since, without, submodules }: ExcludedFilesSearch,
): Promise<ExcludedFiles> {
  const { directory, gitDirectory } = place;
  const options = { directory, environment: { GIT_DIR: gitDirectory, GIT_WORK_TREE: directory } };
  const own = await git.attempt(IGNORED, options);
  // A worker may have left an index that git cannot read.
  const listed =
    own.exitCode === 0 ? own.stdout : await withIndexOf(git, place, tree, (index) => index.run(IGNORED));
  const search = new Search(directory, since, new Set(without));
  for (const path of listed.split('\0')) if (path !== '') await search.add(path.replace(/\/$/, ''));
  const ignored = [...search.found];
  const reasons = new Map<string, string>();
  for (const path of submodules) {
    const at = search.found.length;
    const isSetUp = (await lstat(join(directory, path, '.git')).catch(() => undefined)) !== undefined;
    if (isSetUp)
      for (const file of await editedIn(git, join(directory, path))) await search.add(join(path, file));
    else await search.add(path);
    const why = `it is in the submodule ${path}, of which only a commit is part of this repository`;
    for (const file of search.found.slice(at)) reasons.set(file, why);
  }
  if (ignored.length > 0) {
    const input = ignored.map((path) => `${path}\0`).join('');
    const args = ['check-ignore', '--no-index', '-v', '-z', '--stdin'];
    const { stdout } = await git.attempt(args, { ...options, input });
    const fields = stdout.split('\0');
    for (let at = 0; at + 3 < fields.length; at += 4) {
      const [file = '', line = '', pattern = '', path = ''] = fields.slice(at, at + 4);
      reasons.set(path, `git ignores it: ${JSON.stringify(pattern)} in ${file}, line ${line}`);
    }
  }
  const files = search.found.map((path) => ({ path, why: reasons.get(path) ?? 'git ignores it' }));
  return { files, more: search.more };
}

/** Adds these files to a tree, and returns the new tree. */
export async function withExcludedFiles(
  git: Git,
  place: WorkTree,
  tree: string,
  { files }: ExcludedFiles,
): Promise<string> {
  const paths = files.map(({ path }) => path).join('\0');
  return await withIndexOf(git, place, tree, async (index) => {
    // A file in a submodule replaces the commit of the submodule.
    await index.run(['update-index', '--add', '--replace', '-z', '--stdin'], paths);
    return await index.run(['write-tree']);
  });
}

/** Adds the files of another tree to a tree, and returns the new tree. */
export async function withFilesOf(git: Git, place: WorkTree, tree: string, other: string): Promise<string> {
  return await withIndexOf(git, place, tree, async (index) => {
    const files = await index.run(['ls-tree', '-r', '-z', '--full-tree', other]);
    await index.run(['update-index', '--add', '--replace', '-z', '--index-info'], files);
    return await index.run(['write-tree']);
  });
}

async function withIndexOf<T>(
  git: Git,
  place: WorkTree,
  tree: string,
  job: (index: PrivateIndex) => Promise<T>,
): Promise<T> {
  const index = new PrivateIndex(git, place, 'orchestrator-left-out');
  try {
    await index.readFrom(tree);
    return await job(index);
  } finally {
    index.remove();
  }
}

const IGNORED = ['ls-files', '-o', '-i', '--exclude-standard', '--directory', '-z'];

/** The files of a submodule that differ from its commit. */
async function editedIn(git: Git, directory: string): Promise<string[]> {
  const { exitCode, stdout } = await git.attempt([...STATUS, '--porcelain', '-uall'], { directory });
  return exitCode !== 0 ? [] : stdout.split('\0').flatMap((line) => (line === '' ? [] : [line.slice(3)]));
}

const MOST_FILES = 100;
const MOST_BYTES = 20e6;
/** The clock that file systems use advances in steps. */
const CLOCK_STEP_MS = 20;
/** To look at more files than this takes too long compared with an attempt. */
const MOST_LOOKED_AT = 20_000;

/** Files that a command can generate again; they are nobody's work. */
const GENERATED =
  /^(?:\.git|node_modules|bower_components|jspm_packages|vendor|Pods|\.?venv|__pycache__|\.tox|\.nox|\.eggs|.+\.egg-info|\.\w+_cache|\.cache|\.parcel-cache|target|dist|build|out|_build|\.next|\.nuxt|\.output|\.svelte-kit|\.turbo|\.gradle|\.terraform|\.dart_tool|\.yarn|\.pnpm-store|\.bundle|DerivedData|coverage|htmlcov|\.nyc_output|\.coverage|\.eslintcache|\.DS_Store|Thumbs\.db|.+\.(?:py[co]|o|obj|class|tsbuildinfo|sw[op]))$/;

/** Collects files from the disk until there are too many. */
class Search {
  readonly found: string[] = [];
  more = 0;
  readonly #directory: string;
  readonly #since: number;
  readonly #without: ReadonlySet<string>;
  #bytes = 0;
  #lookedAt = 0;

  constructor(directory: string, since: number, without: ReadonlySet<string>) {
    this.#directory = directory;
    this.#since = since;
    this.#without = without;
  }

  /** Adds a file, or everything in a folder. */
  async add(path: string): Promise<void> {
    if (path.split('/').some((name) => GENERATED.test(name)) || this.#without.has(path)) return;
    if (++this.#lookedAt > MOST_LOOKED_AT) return;
    // It may vanish at any moment, and there may be a link to anywhere in its place. A link counts as a file.
    const file = await lstat(join(this.#directory, path)).catch(() => undefined);
    if (file?.isDirectory() === true) {
      const names: readonly string[] = await readdir(join(this.#directory, path)).catch(() => []);
      // A repository is kept with its history when its worktree is released.
      if (names.includes('.git')) return;
      for (const name of names.toSorted()) await this.add(`${path}/${name}`);
    } else if (file?.isFile() === true || file?.isSymbolicLink() === true) {
      // A copy may keep the modification time of its original. The change time says when it was written here.
      if (Math.max(file.mtimeMs, file.ctimeMs) < this.#since - CLOCK_STEP_MS) return;
      const isTooMuch = this.found.length >= MOST_FILES || this.#bytes + file.size > MOST_BYTES;
      if (isTooMuch) this.more++;
      else {
        this.found.push(path);
        this.#bytes += file.size;
      }
    }
  }
}
