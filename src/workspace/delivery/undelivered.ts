import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import { shellQuote } from '../../domain/text/shell-quote.ts';
import { NOT_UTF8, type Git, type GitResult } from '../git/git.ts';
import { isAncestor, mergeTrees } from '../git/merge.ts';
import { deliveredRef, integrationRef, shortRef } from '../git/ref-names.ts';
import type { Obstacles } from './checkout-changes.ts';
import type { Checkout } from './checkout.ts';

/** Why results stay on the integration branch, with the commands that take them; thrown and caught within delivery. */
export class Undelivered extends Error {
  override readonly name = 'Undelivered';
  readonly commands: readonly string[];

  constructor(message: string, commands: readonly string[]) {
    super(message);
    this.commands = commands;
  }
}

/** What a command that merges the results has to know. */
export interface MergeOptions {
  readonly integrationRef: string;
  readonly autoCommit: boolean;
}

/** The same for a merge into the user's checkout. */
export interface CheckoutMergeOptions extends MergeOptions {
  /** Whether the user has committed nothing meanwhile. */
  readonly isFastForward: boolean;
}

/** The command that brings the integration branch to HEAD, as commits or as staged changes. */
export function mergeCommand(
  { integrationRef: ref, autoCommit }: MergeOptions,
  { directory }: { readonly directory?: string } = {},
): string {
  const at = directory === undefined ? '' : ` -C ${shellQuote(directory)}`;
  return `git${at} merge ${autoCommit ? '--no-edit' : '--squash'} ${shellQuote(shortRef(ref))}`;
}

/**
 * The same for a checkout with changes of the user's. It commits them first: if git put them aside and back, they could
 * come back with conflict markers. Where the two conflict, the command names the files and stops before the merge.
 */
export function commitAndMergeCommand(options: MergeOptions, between: readonly string[] = []): string {
  return [
    COMMIT,
    `git merge-tree --write-tree HEAD ${shellQuote(shortRef(options.integrationRef))}`,
    ...between,
    mergeCommand(options),
  ].join(' && ');
}

/** For results that would touch changes of the user's. The command commits those, or moves them to another name. */
export function undeliveredForObstacles(
  options: CheckoutMergeOptions,
  checkout: Checkout,
  { edits, files }: Obstacles,
): Undelivered {
  const here = [...edits, ...files];
  const names = `${here.slice(0, MAX_SHOWN).join(', ')}${here.length > MAX_SHOWN ? ` and ${here.length - MAX_SHOWN} more` : ''}`;
  const kind = edits.length === 0 ? 'files that git does not track are' : 'uncommitted changes are';
  const hasChanges = edits.length > 0 || needsCleanIndex(options, checkout);
  const how = hasChanges
    ? ' The command commits your changes and takes the results, unless the two conflict.'
    : '';
  return new Undelivered(`Your ${kind} in the way: ${names}. Nothing was touched.${how}`, [
    checkoutCommand(checkout, options, { files, hasChanges }),
  ]);
}

/** For results that conflict with what the user has committed meanwhile. */
export function undeliveredForConflict(
  options: MergeOptions,
  checkout: Checkout,
  files: readonly string[],
): Undelivered {
  return new Undelivered(
    `Your branch has changed meanwhile in a way that conflicts with the results: ${files.join(', ')}.`,
    [[...(checkout.paths.size > 0 ? [COMMIT] : []), mergeCommand(options)].join(' && ')],
  );
}

/** For results that git itself refused to deliver; everything is as before. */
export function undeliveredByGit(
  options: CheckoutMergeOptions,
  checkout: Checkout,
  { stdout, stderr }: GitResult,
): Undelivered {
  const said = `${stderr}\n${stdout}`.trim().split('\n').slice(0, MAX_SHOWN).join(' · ');
  return new Undelivered(`git could not deliver, and everything is as before: ${said}`, [
    checkoutCommand(checkout, options, { hasChanges: needsCleanIndex(options, checkout) }),
  ]);
}

/** Git makes a merge commit only if the index is as HEAD. A fast-forward looks at the changing files only. */
function needsCleanIndex(
  { isFastForward }: Pick<CheckoutMergeOptions, 'isFastForward'>,
  { paths }: Checkout,
): boolean {
  return !isFastForward && paths.size > 0;
}

/** The command that merges the results into a checkout as it is, after it has renamed these files. */
function checkoutCommand(
  { top }: Checkout,
  options: MergeOptions,
  { files = [], hasChanges }: { files?: readonly string[]; hasChanges: boolean },
): string {
  // A name that a command cannot contain is left to git, which will name it itself.
  const renamed = files.filter(
    (file) => !file.includes(NOT_UTF8) && !files.some((other) => file.startsWith(`${other}/`)),
  );
  const renames = renamed.map((file) => `mv -- ${quote(top, file)} ${quote(top, freeName(top, file))}`);
  return hasChanges
    ? commitAndMergeCommand(options, renames)
    : [...renames, mergeCommand(options)].join(' && ');
}

const COMMIT = `git commit -qa --allow-empty -m ${shellQuote('Before the results')}`;

/** The most names or lines in a sentence. */
const MAX_SHOWN = 5;

function freeName(top: string, file: string): string {
  let name = `${file}.mine`;
  // Also a link to nowhere takes a name.
  while (lstatSync(join(top, name), { throwIfNoEntry: false }) !== undefined) name += '.mine';
  return name;
}

function quote(top: string, file: string): string {
  return shellQuote(join(top, file));
}

/** Whether results for the user's branch were never delivered to it; false where that cannot be told. */
export async function hasUndelivered(git: Git): Promise<boolean> {
  const { tip, head, branch } = await findResults(git);
  if (tip === undefined || head === undefined) return false;
  return tip !== (await git.commitAt(deliveredRef(branch))) && !(await isAncestor(git, tip, head));
}

/**
 * Describes results that the user's branch does not have, with the command that takes them. They may have been thrown
 * away, or be staged still, or be meant for another place. Undefined where there are none.
 */
export async function describeUncommittedResults(git: Git, autoCommit: boolean): Promise<string | undefined> {
  const { tip, head, branch, integration } = await findResults(git);
  if (tip === undefined || head === undefined || (await isAncestor(git, tip, head))) return undefined;
  const merged = await mergeTrees(git, head, tip);
  if (merged.kind === 'clean' && merged.tree === (await git.treeOf(head))) return undefined;
  const staged = await git.attempt(['diff', '--cached', '--quiet']);
  if (staged.exitCode !== 0)
    return 'Results are not committed yet: `git diff --staged` shows what is staged.';
  const command = mergeCommand({ integrationRef: integration, autoCommit });
  return `Results that ${branch ?? 'HEAD'} does not have: \`${command}\` takes them.`;
}

async function findResults(git: Git) {
  const named = await git.attempt(['symbolic-ref', '-q', '--short', 'HEAD']);
  const branch = named.exitCode === 0 ? named.stdout.trimEnd() : null;
  const integration = integrationRef(branch);
  const [tip, head] = await Promise.all([git.commitAt(integration), git.commitAt('HEAD')]);
  return { branch, integration, tip, head };
}
