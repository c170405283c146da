import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Git } from '../../src/workspace/git/git.ts';

/** A temporary folder with a HOME and a user's checkout, and git without the configuration of this machine. */
export class CheckoutRig {
  readonly root = mkdtempSync(join(tmpdir(), 'checkout-'));
  readonly programs = join(this.root, 'bin');
  readonly environment: Readonly<Record<string, string>>;
  /** The directory of the user's checkout. */
  readonly top: string;

  constructor(name = "user's repo") {
    this.top = join(this.root, name);
    for (const folder of [this.top, this.programs]) mkdirSync(folder);
    this.environment = {
      PATH: `${this.programs}:${process.env['PATH'] ?? ''}`,
      HOME: this.root,
      GIT_CONFIG_NOSYSTEM: '1',
      LC_ALL: 'C',
    };
    this.git('init', '-q', '-b', 'main');
    // Without this, git would pack many new objects in the background, while the test removes them.
    const settings = '[user]\n\tname = User\n\temail = user@example.com\n[gc]\n\tauto = 0\n';
    appendFileSync(join(this.top, '.git', 'config'), settings);
  }

  get runner(): Git {
    return new Git(this.top, this.environment);
  }

  git(...args: string[]): string {
    return this.gitIn(this.top, args);
  }

  gitIn(cwd: string, args: readonly string[], options: { input?: string; index?: string } = {}): string {
    const { input = '', index } = options;
    const env = { ...this.environment, ...(index === undefined ? {} : { GIT_INDEX_FILE: index }) };
    return execFileSync('git', args, { cwd, env, input, encoding: 'utf8', stdio: 'pipe' }).replace(/\n$/, '');
  }

  /** Runs a command line in the user's checkout. */
  shell(line: string): string {
    return execFileSync('sh', ['-c', line], {
      cwd: this.top,
      env: this.environment,
      encoding: 'utf8',
      stdio: 'pipe',
    });
  }

  /** Makes a commit without touching a worktree, with these files changed from its first parent; null removes one. */
  commit(parents: readonly string[], changes: Readonly<Record<string, string | null>>): string {
    const index = join(this.root, 'private-index');
    rmSync(index, { force: true });
    const [first] = parents;
    if (first !== undefined) this.gitIn(this.top, ['read-tree', first], { index });
    const lines = Object.entries(changes).map(([path, content]) => {
      if (content === null) return `0 ${'0'.repeat(40)}\t${path}\0`;
      const id = this.gitIn(this.top, ['hash-object', '-w', '--stdin'], { input: content });
      return `100644 ${id}\t${path}\0`;
    });
    this.gitIn(this.top, ['update-index', '-z', '--replace', '--index-info'], {
      index,
      input: lines.join(''),
    });
    const tree = this.gitIn(this.top, ['write-tree'], { index });
    return this.git('commit-tree', tree, '-m', 'work', ...parents.flatMap((parent) => ['-p', parent]));
  }

  /** Everything that is the user's: files with mode and content, index with flags, refs, HEAD and stash. */
  state() {
    return {
      files: filesIn(this.top),
      index: indexOf(this.git('ls-files', '-z', '--stage', '--debug')),
      refs: new Map(
        this.git('for-each-ref', '--format=%(refname) %(objectname)')
          .split('\n')
          .map((line) => line.split(' ') as [string, string]),
      ),
      head: readFileSync(join(this.top, '.git', 'HEAD'), 'utf8'),
      stash: this.git('stash', 'list'),
      unfinished: readdirSync(join(this.top, '.git')).filter((name) =>
        /^(MERGE|CHERRY|REVERT|AUTO_MERGE|index\.lock|rebase)/.test(name),
      ),
    };
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Paths below a directory, each with its kind and content, without git's own files. */
export function filesIn(top: string, below = ''): Map<string, string> {
  const found = new Map<string, string>();
  for (const file of readdirSync(join(top, below), { withFileTypes: true })) {
    const path = join(below, file.name);
    if (path === '.git') continue;
    if (file.isDirectory()) for (const [name, content] of filesIn(top, path)) found.set(name, content);
    else found.set(path, describeFile(join(top, path)));
  }
  return found;
}

/** Describes a file as git does: `100644 content`, `100755 content` or `120000 target`. */
function describeFile(path: string): string {
  const status = lstatSync(path);
  if (status.isSymbolicLink()) return `120000 ${readlinkSync(path)}`;
  return `${(status.mode & 0o100) === 0 ? '100644' : '100755'} ${readFileSync(path, 'utf8')}`;
}

/** `mode id stage flags` by path. */
function indexOf(listing: string): Map<string, string> {
  const entries = listing.matchAll(/(\d+ \w+ \d)\t([^\0]*)\0[^]*?flags: (\w+)/g);
  return new Map(Array.from(entries, ([, entry, path = '', flags]) => [path, `${entry} ${flags}`]));
}
