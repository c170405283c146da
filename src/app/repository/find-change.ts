import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Attempt } from '../../domain/attempt.ts';
import { OUTCOME_POLICY } from '../../domain/outcome.ts';
import { firstLine } from '../../domain/text/display-text.ts';
import { GitFailed, type Git } from '../../workspace/git/git.ts';
import { findWorkTree, PrivateIndex } from '../../workspace/git/private-index.ts';
import { baseOf, type Repository } from './repository.ts';

/** The change that a task has come to so far. */
export type FoundChange =
  | {
      readonly kind: 'landed' | 'kept' | 'worktree';
      readonly attempt: Attempt;
      /** What it is compared with. */
      readonly from: string;
      /** A commit, or the tree of a worktree as it is now. */
      readonly to: string;
      /** Where it is: a commit, a ref or a directory. */
      readonly place: string;
    }
  | { readonly kind: 'none'; readonly why: string };

/**
 * Finds the newest work of a task: what landed, what a worker is making now, or what was kept of an earlier attempt.
 */
export async function findChange(repository: Repository, attempts: readonly Attempt[]): Promise<FoundChange> {
  let why: string | undefined;
  for (const attempt of attempts.toReversed()) {
    const found = await changeOf(repository, attempt);
    if (found.kind !== 'none') return found;
    why ??= found.why;
  }
  return { kind: 'none', why: why ?? 'It has not been worked on yet.' };
}

async function changeOf(repository: Repository, attempt: Attempt): Promise<FoundChange> {
  const { git } = repository;
  const { end } = attempt;
  if (end?.commit != null) {
    if (await isThere(git, end.commit))
      return { kind: 'landed', attempt, from: `${end.commit}^`, to: end.commit, place: end.commit };
    return none(`It landed as ${end.commit}, which is no longer in this repository.`);
  }
  if (end === null) {
    const tree = await worktreeNow(repository, attempt);
    if (tree !== undefined) return tree;
  }
  return (await keptOf(git, attempt)) ?? none(whyNothing(attempt));
}

async function worktreeNow(repository: Repository, attempt: Attempt): Promise<FoundChange | undefined> {
  const { branch, directory } = attempt;
  if (branch === null || !existsSync(directory)) return undefined;
  const tree = await worktreeTree(repository, directory);
  if (tree === undefined) return undefined;
  const from = await baseOf(repository.git, tree.head, attempt.base);
  return { kind: 'worktree', attempt, from, to: tree.tree, place: directory };
}

/** The newest snapshot of the attempt's task in its run, else what was committed on its branch. */
async function keptOf(git: Git, attempt: Attempt): Promise<FoundChange | undefined> {
  const { runId, taskId, branch, base, end } = attempt;
  const snapshots = await git.run([
    'for-each-ref',
    '--sort=-version:refname',
    '--count=1',
    '--format=%(refname)',
    `refs/orchestrator/${runId}/${taskId}/`,
  ]);
  const places = [snapshots, end?.change ?? '', branch === null ? '' : `refs/${branch}`];
  for (const place of places) {
    if (place === '' || !(await isThere(git, place))) continue;
    const from = await baseOf(git, place, base);
    if (!(await isSame(git, from, place))) return { kind: 'kept', attempt, from, to: place, place };
  }
  return undefined;
}

async function isThere(git: Git, commit: string): Promise<boolean> {
  return (await git.attempt(['cat-file', '-e', `${commit}^{commit}`])).exitCode === 0;
}

async function isSame(git: Git, from: string, to: string): Promise<boolean> {
  return (await git.attempt(['diff', '--quiet', '--no-ext-diff', from, to, '--'])).exitCode === 0;
}

function whyNothing({ branch, directory, end, phase, number }: Attempt): string {
  if (end === null) {
    if (branch === null && phase === 'preparing') return 'Its workspace is being prepared.';
    return branch === null ? sharedDirectory(directory) : `Its workspace ${directory} does not exist.`;
  }
  if (end.outcome === 'no-change')
    return `Its worker had nothing to change: ${firstLine(end.report?.summary ?? end.message)}`;
  if (branch === null && OUTCOME_POLICY[end.outcome].success) return sharedDirectory(directory);
  if (branch === null && end.turns !== null) return sharedDirectory(directory);
  return `Attempt ${number} ended as ${end.outcome.replaceAll('-', ' ')}, and left no change.`;
}

function sharedDirectory(directory: string): string {
  return `Workers shared the directory ${directory}, so nobody can tell whose a change is; \`git diff\` there shows them all.`;
}

function none(why: string): FoundChange {
  return { kind: 'none', why };
}

/**
 * The files of a worktree as they are now, as a tree, and the commit that it is at. Neither its files nor its index are
 * changed. Undefined where it is no longer a worktree of the repository.
 */
async function worktreeTree(
  { git, commonDirectory }: Repository,
  directory: string,
): Promise<{ readonly tree: string; readonly head: string } | undefined> {
  const top = await git.attempt(['rev-parse', '--show-toplevel'], { directory });
  if (top.exitCode !== 0) return undefined;
  const place = findWorkTree(top.stdout.replace(/\n$/, ''), commonDirectory);
  if (!place.linked) return undefined;
  // The index has a name of its own, because the run that works there takes snapshots through another one.
  const index = new PrivateIndex(git, place, `orchestrator-diff-${randomUUID()}`);
  try {
    const head = await index.run(['rev-parse', '--verify', 'HEAD^{commit}']);
    for (let attempt = 1; ; attempt++) {
      try {
        if (!(await index.copyFrom(join(place.gitDirectory, 'index')))) await index.readFrom(head);
        await index.run(['add', '-A', '--', ':(top)']);
        return { tree: await index.run(['write-tree']), head };
      } catch (error) {
        // A worker is at work there, so a file may vanish after it is listed and before it is read.
        if (!(error instanceof GitFailed) || attempt === ATTEMPTS) throw error;
      }
    }
  } finally {
    index.remove();
  }
}

const ATTEMPTS = 5;
