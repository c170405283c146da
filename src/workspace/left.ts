import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import { ABSENT, type Checkout, type PathState } from './checkout.ts';
import type { GitResult } from './git.ts';
import { parentsOf, type Obstacles } from './moves.ts';
import { shortRef } from './own-refs.ts';
import { shellQuote } from './shell-quote.ts';

/** Why the work stays on the integration branch, and what takes it from there; thrown and caught within delivery. */
export class Left extends Error {
  override readonly name = 'Left';
  readonly commands: readonly string[];

  constructor(message: string, commands: readonly string[]) {
    super(message);
    this.commands = commands;
  }
}

/** What a command that takes the work needs to know. */
export interface Taking {
  readonly integrationRef: string;
  readonly autoCommit: boolean;
}

/** The same, where it is known what git will have to do. */
export interface Merging extends Taking {
  /** Whether the user has committed nothing meanwhile. */
  readonly isFastForward: boolean;
}

/** The command that brings the integration branch to where HEAD is, as commits or as staged changes. */
export function takeCommand(
  { integrationRef, autoCommit }: Taking,
  { autostash = false, directory }: { autostash?: boolean; directory?: string } = {},
): string {
  const branch = shellQuote(shortRef(integrationRef));
  const at = directory === undefined ? '' : ` -C ${shellQuote(directory)}`;
  return `git${at} merge ${autoCommit ? '--no-edit' : '--squash'}${autostash ? ' --autostash' : ''} ${branch}`;
}

/** Work that would touch changes of the user's; the command puts these aside and back, or under another name. */
export function leftForObstacles(taking: Merging, checkout: Checkout, { edits, files }: Obstacles): Left {
  const here = [...edits, ...files];
  const names = `${here.slice(0, SHOWN).join(', ')}${here.length > SHOWN ? ` and ${here.length - SHOWN} more` : ''}`;
  const kind = edits.length === 0 ? 'files that git does not track are' : 'uncommitted changes are';
  const autostash = edits.length > 0 || isMergeAmongChanges(taking, checkout);
  return new Left(`Your ${kind} in the way: ${names}. Nothing was touched.`, [
    takeInto(checkout, taking, { files, autostash }),
  ]);
}

/** Work that conflicts with what the user has committed meanwhile. */
export function leftForConflict(taking: Taking, checkout: Checkout, files: readonly string[]): Left {
  return new Left(
    `Your branch has changed meanwhile in a way that conflicts with the results: ${files.join(', ')}.`,
    [takeInto(checkout, taking, { autostash: isMergeAmongChanges({ isFastForward: false }, checkout) })],
  );
}

/** Git makes no merge in an index that is not as HEAD; going forwards, it asks only for the files that change. */
function isMergeAmongChanges(
  { isFastForward }: Pick<Merging, 'isFastForward'>,
  { paths }: Checkout,
): boolean {
  return !isFastForward && paths.size > 0;
}

/**
 * The command that takes the work into a checkout as it is, with these files under other names, and with the user's
 * changes put aside meanwhile or not.
 */
function takeInto(
  checkout: Checkout,
  taking: Taking,
  { files = [], autostash }: { files?: readonly string[]; autostash: boolean },
): string {
  const { top, paths } = checkout;
  // Git stashes nothing at all while a file is only intended to be added, or something untracked is in its place.
  const changed = autostash ? [...paths] : [];
  const intended = changed.filter(([, state]) => state.intended);
  const untracked = changed.flatMap(([file, state]) => untrackedAt(checkout, file, state) ?? []);
  const adding = intended.map(([file]) => at(top, file)).join(' ');
  const inTheWay = [...new Set([...files, ...untracked])];
  const renamed = inTheWay.filter((file) => !inTheWay.some((other) => file.startsWith(`${other}/`)));
  return [
    ...(adding === '' ? [] : [`git --literal-pathspecs add -f -- ${adding}`]),
    ...renamed.map((file) => `mv -- ${at(top, file)} ${at(top, freeName(top, file))}`),
    takeCommand(taking, { autostash }),
  ].join(' && ');
}

/**
 * What git does not track in the place of a changed file: kept after `git rm --cached`, a folder, or a file where its
 * folder was.
 */
function untrackedAt({ top, paths }: Checkout, file: string, state: PathState): string | undefined {
  const isTracked = (path: string): boolean => {
    const { index = ABSENT, intended = false } = paths.get(path) ?? {};
    return index !== ABSENT || intended;
  };
  const parent = parentsOf(file).find((each) => statusOf(join(top, each))?.isDirectory() !== true);
  if (parent !== undefined) return isTracked(parent) || !isThere(join(top, parent)) ? undefined : parent;
  const status = statusOf(join(top, file));
  if (status === undefined) return undefined;
  if (!status.isDirectory()) return isTracked(file) ? undefined : file;
  const isNeeded =
    state.index.startsWith(SUBMODULE) || [...paths.keys()].some((other) => other.startsWith(`${file}/`));
  return isNeeded ? undefined : file;
}

/** Whether there is anything at a path, be it a link to nowhere. */
function isThere(path: string): boolean {
  return statusOf(path) !== undefined;
}

function statusOf(path: string) {
  try {
    return lstatSync(path);
  } catch {
    return undefined;
  }
}

/** Work that git itself refused to bring; everything is as before. */
export function leftByGit(taking: Merging, checkout: Checkout, { stdout, stderr }: GitResult): Left {
  const said = `${stderr}\n${stdout}`.trim().split('\n').slice(0, SHOWN).join(' · ');
  return new Left(`git could not deliver, and everything is as before: ${said}`, [
    takeInto(checkout, taking, { autostash: isMergeAmongChanges(taking, checkout) }),
  ]);
}

/** The mode of a repository in a repository. */
const SUBMODULE = '160000 ';

/** Names and lines in a sentence. */
const SHOWN = 5;

function freeName(top: string, file: string): string {
  let name = `${file}.mine`;
  while (isThere(join(top, name))) name += '.mine';
  return name;
}

function at(top: string, file: string): string {
  return shellQuote(join(top, file));
}
