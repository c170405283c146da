import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Delivery } from '../../domain/event.ts';
import type { Checkout } from './checkout.ts';
import type { Git } from '../git/git.ts';
import { Left, leftByGit, leftForObstacles, takeCommand, type Merging, type Taking } from './undelivered.ts';
import { isAncestor } from '../git/merge.ts';
import { findObstacles, isOpen, movesBetween } from './checkout-changes.ts';
import { shellQuote } from '../../domain/text/shell-quote.ts';
import { undoMerge, undoMoves } from './undo-moves.ts';

/** What becomes part of the branch that is checked out. */
export interface Committing extends Merging {
  readonly tip: string;
  /** What the checkout shall hold: the tip, or the tip merged with what the user has committed meanwhile. */
  readonly tree: string;
}

/** Brings the tip to the branch in the user's checkout, as they would: their hooks run, and they sign. */
export async function commitToCheckout(
  git: Git,
  checkout: Checkout,
  committing: Committing,
): Promise<Delivery> {
  const { top, head, paths, gitDirectory } = checkout;
  const { tip, tree, isFastForward, integrationRef } = committing;
  const moves = await movesBetween(git, checkout, head, tree);
  const open = moves.filter(isOpen);
  const obstacles = await findObstacles(checkout, moves);
  // A merge commit takes the whole index, so it must hold nothing of the user's.
  const staged = [...paths].filter(([, state]) => state.staged || state.intended).map(([path]) => path);
  const edits = isFastForward ? obstacles.edits : [...new Set([...obstacles.edits, ...staged])];
  if (edits.length + obstacles.files.length > 0)
    throw leftForObstacles(committing, checkout, { ...obstacles, edits });
  const way = isFastForward ? ['--ff-only'] : ['--no-ff', '--no-edit', '--commit'];
  const result = await git.attempt(['merge', ...way, '--no-squash', '--no-autostash', integrationRef], {
    directory: top,
    hooks: true,
  });
  if (result.exitCode === 0 && (await isAncestor(git, tip, 'HEAD'))) return committed(committing, checkout);
  await undoMerge(git, { top, gitDirectory, head, tip });
  await undoMoves(git, open);
  throw leftByGit(committing, checkout, result);
}

/** Moves a branch that is checked out nowhere; only forwards, and only from where it was seen. */
export async function commitToBranch(
  git: Git,
  options: Taking & { readonly target: string; readonly tip: string; readonly goal: string },
): Promise<Delivery> {
  const { target, tip, goal } = options;
  const ref = `refs/heads/${target}`;
  const holder = await holderOf(git, ref);
  if (holder !== undefined)
    throw new Left(`${target} is checked out in ${holder}.`, [takeCommand(options, { directory: holder })]);
  const moved =
    (await isAncestor(git, goal, tip)) &&
    (await git.exclusive(() => git.attempt(['update-ref', '-m', 'orchestrator: deliver', ref, tip, goal])))
      .exitCode === 0;
  if (moved) return committed(options, { branch: target });
  throw new Left(`${target} has changed meanwhile and is not checked out any more.`, [
    `git switch ${shellQuote(target)} && ${takeCommand(options)}`,
  ]);
}

function committed({ tip }: { readonly tip: string }, { branch }: Pick<Checkout, 'branch'>): Delivery {
  const message = `The results are committed on ${branch ?? 'the detached HEAD'}.`;
  return { kind: 'committed', commit: tip, message, commands: [] };
}

/** The worktree in which a branch is checked out or being rebased. */
export async function holderOf(git: Git, ref: string): Promise<string | undefined> {
  const listed = await git.run(['worktree', 'list', '--porcelain', '-z']);
  const worktrees = listed.split('\0\0').map((lines) => lines.split('\0'));
  const holder = worktrees.find((lines) => lines.includes(`branch ${ref}`))?.[0]?.replace(/^worktree /, '');
  return holder ?? (await rebaseOf(git, ref));
}

async function rebaseOf(git: Git, ref: string): Promise<string | undefined> {
  const common = resolve(git.directory, await git.run(['rev-parse', '--git-common-dir']));
  const linked = readDirectory(join(common, 'worktrees')).map((name) => join(common, 'worktrees', name));
  const folder = [common, ...linked].find((directory) =>
    ['rebase-merge', 'rebase-apply'].some((kind) => read(join(directory, kind, 'head-name')) === ref),
  );
  if (folder === undefined) return undefined;
  const link = read(join(folder, 'gitdir'));
  return resolve(link === undefined ? common : link, '..');
}

function readDirectory(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return undefined;
  }
}
