import { statfs as freeSpace } from 'node:fs/promises';
import { join } from 'node:path';
import type { Failure } from '../../domain/failure.ts';
import { err, ok, type Result } from '../../domain/result.ts';
import { shellQuote } from '../../domain/text/shell-quote.ts';
import { findUnfinishedOperation } from '../delivery/checkout.ts';
import { STATUS, type Git, type GitResult } from '../git/git.ts';
import { deliveredRef } from '../git/ref-names.ts';
import { checkDisk, checkLfs, readTree, type FreeSpace, type TreeFacts } from './worktree-needs.ts';

/** Where a run would work. */
export interface PreflightRequest {
  /** In the user's checkout; may be below its top. */
  readonly workingDirectory: string;
  /** The folder in which worktrees would be made; null: do not check it. */
  readonly cacheRoot: string | null;
  readonly workers: number;
  /** Stands in for the disk in tests. */
  readonly statfs?: (path: string) => Promise<FreeSpace>;
}

/** What is found in a repository before workers get worktrees of it. */
export interface RepositoryReport {
  /** The version of git, such as `2.39.5`; null where git did not say. */
  readonly version: string | null;
  /** Null where HEAD is detached, or nothing is known. */
  readonly branch: string | null;
  /** How many files have uncommitted changes, except results that an earlier run has staged. */
  readonly uncommitted: number;
  /** How many files have results of an earlier run that are still staged unchanged. */
  readonly results: number;
  /** Each of them makes a run impossible. */
  readonly failures: readonly Failure[];
  /** What people should know. */
  readonly notes: readonly string[];
}

/** Returns what people should know before workers get worktrees of a repository, or why they cannot get any. */
export async function preflight(
  git: Git,
  request: PreflightRequest,
): Promise<Result<readonly string[], Failure>> {
  const { failures, notes } = await inspectRepository(git, request);
  const [first] = failures;
  return first === undefined ? ok(notes) : err(first);
}

/** Finds everything that prevents worktrees of a repository; changes nothing. */
export async function inspectRepository(git: Git, request: PreflightRequest): Promise<RepositoryReport> {
  const { workingDirectory } = request;
  const ask = (args: readonly string[]) => git.attempt(args, { directory: workingDirectory }).catch(asResult);
  const [version, place, status, tree, identity] = await Promise.all([
    ask(['version']),
    ask(['rev-parse', '--is-bare-repository', '--absolute-git-dir', '--show-toplevel', '--show-prefix']),
    ask([...STATUS, '--porcelain=v2', '--branch', '--untracked-files=normal']),
    readTree(ask),
    ask(['var', 'GIT_COMMITTER_IDENT']),
  ]);
  const number = /\d+\.\d+(?:\.\d+)?/.exec(version.stdout)?.[0] ?? null;
  const nothing = { version: number, branch: null, uncommitted: 0, results: 0, notes: [] };
  const useless = findUnusable(version, number, place, workingDirectory);
  if (useless !== undefined) return { ...nothing, failures: [useless] };
  const [, gitDirectory = '', top = '', prefix = ''] = place.stdout.split('\n');
  const { branch, isUnborn, conflicts, changed, staged } = parseStatus(status.stdout);
  if (isUnborn)
    return {
      ...nothing,
      failures: [
        failure('the repository has no commit yet', 'Commit what is there: `git add -A && git commit`.'),
      ],
    };
  const found = [
    status.exitCode === 0 ? undefined : failure(`git status failed: ${firstLine(status)}`, FIX),
    findUnfinished(gitDirectory),
    conflicts.length === 0
      ? undefined
      : failure(
          `there are unresolved conflicts: ${conflicts.join(', ')}`,
          'Resolve them, then `git add` them and commit.',
        ),
    typeof tree === 'string' ? failure(`the files of HEAD cannot be listed: ${tree}`, FIX) : undefined,
    identity.exitCode === 0
      ? undefined
      : failure(
          'git does not know who you are, so nothing can be committed',
          'Run `git config user.name "Your Name"` and `git config user.email you@example.com`.',
        ),
    ...(typeof tree === 'string'
      ? []
      : await findProblems(ask, tree, { ...request, top, prefix, gitDirectory })),
  ];
  const failures = found.filter((problem) => problem !== undefined);
  const results = await countStagedResults(ask, branch, staged);
  const uncommitted = changed - results;
  return { version: number, branch, uncommitted, results, failures, notes: describeNotes(uncommitted, tree) };
}

const OLDEST = [2, 38] as const;
const FIX = 'Run `git status` there: git says how to fix it.';
function failure(message: string, fix: string): Failure {
  return { reason: 'repository-unusable', message, fix };
}

/** A git that cannot be started is a failure like any other. */
function asResult(error: unknown): GitResult {
  if (!(error instanceof Error)) throw error;
  return { exitCode: -1, stdout: '', stderr: error.message };
}

/** Failures after which nothing else can be checked. */
function findUnusable(
  version: GitResult,
  number: string | null,
  place: GitResult,
  directory: string,
): Failure | undefined {
  if (version.exitCode !== 0 || number === null)
    return failure(
      /ENOENT/.test(version.stderr)
        ? 'git was not found on PATH'
        : `git cannot be run: ${firstLine(version)}`,
      'Install it: https://git-scm.com/downloads',
    );
  const [major = 0, minor = 0] = number.split('.').map(Number);
  if (major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1]))
    return failure(
      `git ${number} is too old: worktrees for workers need ${OLDEST.join('.')} or newer`,
      'Install a newer git, or set execution.isolation to "none".',
    );
  if (place.stdout.startsWith('true\n'))
    return failure(
      `${directory} is in a bare repository, which has no files to work on`,
      `Make a checkout, \`git -C ${shellQuote(directory)} worktree add ../checkout\`, and run there.`,
    );
  if (place.exitCode === 0) return undefined;
  if (place.stderr.includes('not a git repository'))
    return failure(
      `${directory} is not in a git repository`,
      'Run `git init` there and commit what is there, or set execution.isolation to "none".',
    );
  if (place.stderr.includes('must be run in a work tree'))
    return failure(`${directory} is in git's own folder`, "Run in the repository's checkout.");
  return failure(`the repository of ${directory} cannot be used: ${firstLine(place)}`, FIX);
}

async function findProblems(
  ask: (args: readonly string[]) => Promise<GitResult>,
  tree: TreeFacts,
  at: PreflightRequest & { readonly top: string; readonly prefix: string; readonly gitDirectory: string },
): Promise<(Failure | undefined)[]> {
  const { top, prefix, gitDirectory, cacheRoot, workers, statfs } = at;
  const folder = prefix.replace(/\/$/, '');
  const isCommitted = prefix === '' || tree.paths.some((path) => path.startsWith(prefix));
  const [lfs, ignoresCase, cacheProblem] = await Promise.all([
    checkLfs(ask, tree, { top, gitDirectory }),
    tree.sameButCase === null ? false : readIgnoreCase(ask),
    cacheRoot === null
      ? undefined
      : checkDisk({ root: cacheRoot, workers, statfs: statfs ?? freeSpace, top, tree }),
  ]);
  return [
    isCommitted
      ? undefined
      : failure(
          `${join(top, folder)} has no committed files, so worktrees would not have it`,
          `Commit it: \`git add ${shellQuote(join(top, folder))} && git commit\`.`,
        ),
    lfs === undefined ? undefined : failure(...lfs),
    tree.sameButCase === null || !ignoresCase
      ? undefined
      : failure(
          `${tree.sameButCase.join(' and ')} differ in case only, and this disk can hold only one of them`,
          'Rename one of them in a commit made on another machine, or with `git mv --force`.',
        ),
    cacheProblem === undefined ? undefined : failure(...cacheProblem),
  ];
}

async function readIgnoreCase(ask: (args: readonly string[]) => Promise<GitResult>): Promise<boolean> {
  return (await ask(['config', '--type=bool', '--get', 'core.ignorecase'])).stdout.trim() === 'true';
}

function findUnfinished(gitDirectory: string): Failure | undefined {
  const unfinished = findUnfinishedOperation(gitDirectory);
  return unfinished === undefined ? undefined : failure(`a ${unfinished.name} is unfinished`, unfinished.fix);
}

function describeNotes(uncommitted: number, tree: TreeFacts | string): string[] {
  const notes: string[] = [];
  if (uncommitted > 0) {
    const files =
      uncommitted === 1
        ? '1 file with uncommitted changes is'
        : `${uncommitted} files with uncommitted changes are`;
    notes.push(`${files} not part of what workers see`);
  }
  if (typeof tree !== 'string' && tree.submodules.length > 0)
    notes.push(
      `submodules are empty in worktrees (${tree.submodules.join(', ')}); put ` +
        '`git submodule update --init --recursive` into workspace.setup where workers need them',
    );
  return notes;
}

/** Counts the staged files that are exactly as the last delivery has staged them. */
async function countStagedResults(
  ask: (args: readonly string[]) => Promise<GitResult>,
  branch: string | null,
  staged: readonly string[],
): Promise<number> {
  if (staged.length === 0) return 0;
  const other = await ask(['diff-index', '--cached', '--name-only', '-z', deliveredRef(branch)]);
  // Nothing has been delivered yet.
  if (other.exitCode !== 0) return 0;
  const theirs = new Set(other.stdout.split('\0'));
  return staged.filter((path) => !theirs.has(path)).length;
}

function parseStatus(status: string) {
  const lines = status.split('\0');
  const head = lines.find((line) => line.startsWith('# branch.head '))?.slice('# branch.head '.length);
  return {
    branch: head === undefined || head === '(detached)' ? null : head,
    isUnborn: lines.includes('# branch.oid (initial)'),
    conflicts: lines
      .filter((line) => line.startsWith('u '))
      .map((line) => line.split(' ').slice(10).join(' ')),
    changed: lines.filter((line) => /^[1u?] /.test(line)).length,
    /** Staged files without further changes on disk. */
    staged: lines.filter((line) => /^1 [^.]\. /.test(line)).map((line) => line.split(' ').slice(8).join(' ')),
  };
}

function firstLine({ stdout, stderr }: GitResult): string {
  return (stderr.trim() === '' ? stdout : stderr).trim().split('\n', 1)[0]?.slice(0, 300) ?? '';
}
