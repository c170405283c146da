import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { STATUS, type Git } from '../git/git.ts';

/** Mode and object id of a file, as `100644 <id>`; `ABSENT` where there is none. */
export type Entry = string;
export const ABSENT: Entry = 'absent';

/** A tracked path that differs between HEAD, index and disk. */
interface PathState {
  readonly index: Entry;
  /** Whether the index differs from HEAD. */
  readonly staged: boolean;
  /** Whether the file on disk differs from the index. */
  readonly edited: boolean;
  /** Whether it was added with `git add --intent-to-add`: git tracks it, and no tree has it. */
  readonly intended: boolean;
}

/** The current state of the user's checkout. */
export interface Checkout {
  /** Its top directory; all paths are relative to it. */
  readonly top: string;
  /** Git's own folder for this checkout, with its index. */
  readonly gitDirectory: string;
  readonly head: string;
  /** Null where HEAD is detached. */
  readonly branch: string | null;
  /** All tracked paths that are not the same in HEAD, index and disk. */
  readonly paths: ReadonlyMap<string, PathState>;
  readonly hasConflicts: boolean;
}

/** Reads the state of the user's checkout without changing it; undefined where HEAD has no commit. */
export async function readCheckout(git: Git): Promise<Checkout | undefined> {
  const args = ['rev-parse', '--show-toplevel', '--absolute-git-dir', '--verify', '--quiet', 'HEAD^{commit}'];
  const parsed = await git.attempt(args);
  const [top, gitDirectory, head] = parsed.stdout.split('\n');
  if (top === undefined || gitDirectory === undefined || parsed.exitCode !== 0 || !head) return undefined;
  const [symbolic, status] = await Promise.all([
    git.attempt(['symbolic-ref', '--quiet', 'HEAD']),
    git.run([...STATUS, '--porcelain=v2', '--untracked-files=no', '--ignore-submodules=dirty'], {
      directory: top,
    }),
  ]);
  const ref = symbolic.exitCode === 0 ? symbolic.stdout.trimEnd() : '';
  return {
    top,
    gitDirectory,
    head,
    branch: ref.startsWith(BRANCHES) ? ref.slice(BRANCHES.length) : null,
    ...parseStatus(status),
  };
}

/** Finds an operation, such as a merge, that is unfinished in a checkout. */
export function findUnfinishedOperation(gitDirectory: string): UnfinishedOperation | undefined {
  return UNFINISHED.find(({ file }) => existsSync(join(gitDirectory, file)));
}

/** An unfinished operation, and how a person ends it. */
export interface UnfinishedOperation {
  readonly file: string;
  readonly name: string;
  readonly fix: string;
}

const BRANCHES = 'refs/heads/';

function unfinished(file: string, command: string, name = command): UnfinishedOperation {
  const fix = `Finish it with \`git ${command} --continue\`, or undo it with \`git ${command} --abort\`.`;
  return { file, name, fix };
}

const UNFINISHED: readonly UnfinishedOperation[] = [
  unfinished('MERGE_HEAD', 'merge'),
  unfinished('rebase-merge', 'rebase'),
  unfinished('rebase-apply/applying', 'am', 'series of patches (`git am`)'),
  unfinished('rebase-apply', 'rebase'),
  unfinished('CHERRY_PICK_HEAD', 'cherry-pick'),
  unfinished('REVERT_HEAD', 'revert'),
  { file: 'BISECT_LOG', name: 'bisect', fix: 'Finish it with `git bisect reset`.' },
];

function parseStatus(status: string): Pick<Checkout, 'paths' | 'hasConflicts'> {
  const paths = new Map<string, PathState>();
  let hasConflicts = false;
  for (const line of status.split('\0')) {
    if (line.startsWith('u ')) hasConflicts = true;
    if (!line.startsWith('1 ')) continue;
    const fields = line.split(' ', 8);
    const [, xy = '', , , mode = '', , , id = ''] = fields;
    const path = line.slice(fields.join(' ').length + 1);
    paths.set(path, {
      index: /^0+$/.test(mode) ? ABSENT : `${mode} ${id}`,
      staged: xy[0] !== '.',
      edited: xy[1] !== '.',
      intended: xy[1] === 'A',
    });
  }
  return { paths, hasConflicts };
}
