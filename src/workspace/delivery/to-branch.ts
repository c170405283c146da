import { readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Delivery } from '../../domain/event.ts';
import { shellQuote } from '../../domain/text/shell-quote.ts';
import type { Git } from '../git/git.ts';
import { isAncestor } from '../git/merge.ts';
import { componentOf, shortRef } from '../git/ref-names.ts';
import { readRegularFile } from '../git/reflog.ts';
import { Undelivered, mergeCommand, type MergeOptions } from './undelivered.ts';

/** Fast-forwards a branch that is checked out nowhere, if it is still at the `goal` where it was seen. */
export async function commitToBranch(
  git: Git,
  options: MergeOptions & { readonly target: string; readonly tip: string; readonly goal: string },
): Promise<Delivery> {
  const { target, tip, goal } = options;
  const ref = `refs/heads/${target}`;
  const holder = await findWorktreeOn(git, ref);
  if (holder !== undefined)
    throw new Undelivered(`${target} is checked out in ${holder}.`, [
      mergeCommand(options, { directory: holder }),
    ]);
  const moved =
    (await isAncestor(git, goal, tip)) &&
    (await git.exclusive(() => git.attempt(['update-ref', '-m', 'orchestrator: deliver', ref, tip, goal])))
      .exitCode === 0;
  const message = `The results are committed on ${target}.`;
  if (moved) return { kind: 'committed', commit: tip, message, commands: [] };
  throw new Undelivered(`${target} has changed meanwhile and is not checked out any more.`, [
    `git switch ${shellQuote(target)} && ${mergeCommand(options)}`,
  ]);
}

/** Fast-forwards a branch that is there for results only, such as `orchestrator-main` for those of `main`. */
export async function deliverToOwnBranch(
  git: Git,
  options: MergeOptions & { readonly target: string | null; readonly tip: string },
): Promise<Delivery> {
  const { integrationRef, target, tip } = options;
  const name = `orchestrator-${componentOf(target)}`;
  const ref = `refs/heads/${name}`;
  const holder = await findWorktreeOn(git, ref);
  if (holder !== undefined)
    throw new Undelivered(`The branch ${name} is checked out in ${holder}.`, [
      mergeCommand(options, { directory: holder }),
    ]);
  const from = await git.commitAt(ref);
  const isForward = from === undefined || (await isAncestor(git, from, tip));
  const args = ['update-ref', '-m', 'orchestrator: deliver', ref, tip, from ?? ''];
  const moved = isForward ? await git.exclusive(() => git.attempt(args)) : undefined;
  if (moved?.exitCode !== 0)
    throw new Undelivered(
      isForward
        ? `The branch ${name} could not be updated: ${moved?.stderr.trim() ?? ''}`
        : `The branch ${name} has commits that are not among the results, so it was not moved.`,
      [`git branch -- ${shellQuote(`${name}-${tip.slice(0, 8)}`)} ${shellQuote(shortRef(integrationRef))}`],
    );
  const message = `The results are on the branch ${name}.`;
  const commands = [mergeCommand({ ...options, integrationRef: ref })];
  return { kind: 'branch', commit: tip, message, commands };
}

/** Finds the worktree in which a branch is checked out or being rebased. */
async function findWorktreeOn(git: Git, ref: string): Promise<string | undefined> {
  const listed = await git.run(['worktree', 'list', '--porcelain', '-z']);
  const worktrees = listed.split('\0\0').map((lines) => lines.split('\0'));
  const holder = worktrees.find((lines) => lines.includes(`branch ${ref}`))?.[0]?.replace(/^worktree /, '');
  return holder ?? (await findRebaseOf(git, ref));
}

async function findRebaseOf(git: Git, ref: string): Promise<string | undefined> {
  const common = resolve(git.directory, await git.run(['rev-parse', '--git-common-dir']));
  const linked = readDirectory(join(common, 'worktrees')).map((name) => join(common, 'worktrees', name));
  const folder = [common, ...linked].find((directory) =>
    ['rebase-merge', 'rebase-apply'].some(
      (kind) => readRegularFile(join(directory, kind, 'head-name')).trim() === ref,
    ),
  );
  if (folder === undefined) return undefined;
  const link = readRegularFile(join(folder, 'gitdir')).trim();
  return resolve(link === '' ? common : link, '..');
}

function readDirectory(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}
