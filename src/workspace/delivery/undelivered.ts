import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import { shellQuote } from '../../domain/text/shell-quote.ts';
import { NOT_UTF8, type Obstacles } from './checkout-changes.ts';
import type { Checkout } from './checkout.ts';
import type { Git, GitResult } from '../git/git.ts';
import { isAncestor, mergeTrees } from '../git/merge.ts';
import { deliveredRef, integrationRef, shortRef } from '../git/ref-names.ts';

/** Why the work stays on the integration branch, and what takes it from there; thrown and caught within delivery. */
export class Undelivered extends Error {
  override readonly name = 'Undelivered';
  readonly commands: readonly string[];

  constructor(message: string, commands: readonly string[]) {
    super(message);
    this.commands = commands;
  }
}

/** What a command that takes the work needs to know. */
export interface MergeOptions {
  readonly integrationRef: string;
  readonly autoCommit: boolean;
}

/** The same, where it is known what git will have to do. */
export interface CheckoutMergeOptions extends MergeOptions {
  /** Whether the user has committed nothing meanwhile. */
  readonly isFastForward: boolean;
}

/** The command that brings the integration branch to where HEAD is, as commits or as staged changes. */
export function mergeCommand(
  { integrationRef, autoCommit }: MergeOptions,
  { directory }: { readonly directory?: string } = {},
): string {
  const at = directory === undefined ? '' : ` -C ${shellQuote(directory)}`;
  return `git${at} merge ${autoCommit ? '--no-edit' : '--squash'} ${shellQuote(shortRef(integrationRef))}`;
}

/**
 * The same where there are changes of the user's. They are committed first: put aside and back by git, they would come
 * back with marks of conflicts in them. Where the two conflict, the command says in what, and stops before the merge.
 */
export function commitAndMergeCommand(taking: MergeOptions, between: readonly string[] = []): string {
  return [
    COMMIT,
    `git merge-tree --write-tree HEAD ${shellQuote(shortRef(taking.integrationRef))}`,
    ...between,
    mergeCommand(taking),
  ].join(' && ');
}

/** Work that would touch changes of the user's; the command commits these, or moves them to another name. */
export function undeliveredForObstacles(
  taking: CheckoutMergeOptions,
  checkout: Checkout,
  { edits, files }: Obstacles,
): Undelivered {
  const here = [...edits, ...files];
  const names = `${here.slice(0, SHOWN).join(', ')}${here.length > SHOWN ? ` and ${here.length - SHOWN} more` : ''}`;
  const kind = edits.length === 0 ? 'files that git does not track are' : 'uncommitted changes are';
  const hasChanges = edits.length > 0 || isMergeAmongChanges(taking, checkout);
  const how = hasChanges
    ? ' The command commits your changes and takes the results, unless the two conflict.'
    : '';
  return new Undelivered(`Your ${kind} in the way: ${names}. Nothing was touched.${how}`, [
    mergeIntoCheckoutCommand(checkout, taking, { files, hasChanges }),
  ]);
}

/** Work that conflicts with what the user has committed meanwhile. */
export function undeliveredForConflict(
  taking: MergeOptions,
  checkout: Checkout,
  files: readonly string[],
): Undelivered {
  return new Undelivered(
    `Your branch has changed meanwhile in a way that conflicts with the results: ${files.join(', ')}.`,
    [[...(checkout.paths.size > 0 ? [COMMIT] : []), mergeCommand(taking)].join(' && ')],
  );
}

/** Git makes no merge in an index that is not as HEAD; going forwards, it asks only for the files that change. */
function isMergeAmongChanges(
  { isFastForward }: Pick<CheckoutMergeOptions, 'isFastForward'>,
  { paths }: Checkout,
): boolean {
  return !isFastForward && paths.size > 0;
}

/** The command that takes the work into a checkout as it is, with these files under other names. */
function mergeIntoCheckoutCommand(
  { top }: Checkout,
  taking: MergeOptions,
  { files = [], hasChanges }: { files?: readonly string[]; hasChanges: boolean },
): string {
  // What cannot be written in a command git itself will name.
  const renamed = files.filter(
    (file) => !file.includes(NOT_UTF8) && !files.some((other) => file.startsWith(`${other}/`)),
  );
  const moves = renamed.map((file) => `mv -- ${at(top, file)} ${at(top, freeName(top, file))}`);
  return hasChanges ? commitAndMergeCommand(taking, moves) : [...moves, mergeCommand(taking)].join(' && ');
}

/** Whether there is anything at a path, be it a link to nowhere. */
function isThere(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}

/** Work that git itself refused to bring; everything is as before. */
export function undeliveredByGit(
  taking: CheckoutMergeOptions,
  checkout: Checkout,
  { stdout, stderr }: GitResult,
): Undelivered {
  const said = `${stderr}\n${stdout}`.trim().split('\n').slice(0, SHOWN).join(' · ');
  return new Undelivered(`git could not deliver, and everything is as before: ${said}`, [
    mergeIntoCheckoutCommand(checkout, taking, { hasChanges: isMergeAmongChanges(taking, checkout) }),
  ]);
}

const COMMIT = `git commit -qa --allow-empty -m ${shellQuote('Before the results')}`;

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

/** Whether something has landed for the user's branch that they were never given; false where that cannot be told. */
export async function hasUndelivered(git: Git): Promise<boolean> {
  const { tip, head, branch } = await findResults(git);
  if (tip === undefined || head === undefined) return false;
  return tip !== (await git.commitAt(deliveredRef(branch))) && !(await isAncestor(git, tip, head));
}

/**
 * A sentence with the command that takes what landed and is not committed on the user's branch, whether it was thrown
 * away, is staged still or was never wanted there; undefined where nothing is.
 */
export async function describeUncommittedResults(git: Git, autoCommit: boolean): Promise<string | undefined> {
  const { tip, head, branch, integration } = await findResults(git);
  if (tip === undefined || head === undefined || (await isAncestor(git, tip, head))) return undefined;
  const merged = await mergeTrees(git, head, tip);
  if (merged.kind === 'clean' && merged.tree === (await git.treeOf(head))) return undefined;
  const staged = await git.attempt(['diff', '--cached', '--quiet']);
  if (staged.exitCode !== 0)
    return 'Results are not committed yet: `git diff --staged` shows what is staged.';
  const take = mergeCommand({ integrationRef: integration, autoCommit });
  return `Results that ${branch ?? 'HEAD'} does not have: \`${take}\` takes them.`;
}

async function findResults(git: Git) {
  const named = await git.attempt(['symbolic-ref', '-q', '--short', 'HEAD']);
  const branch = named.exitCode === 0 ? named.stdout.trimEnd() : null;
  const integration = integrationRef(branch);
  const [tip, head] = await Promise.all([git.commitAt(integration), git.commitAt('HEAD')]);
  return { branch, integration, tip, head };
}
