import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Checkout } from './checkout.ts';
import type { GitResult } from './git.ts';
import type { Obstacles } from './moves.ts';
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

/** The command that brings the integration branch to where HEAD is, as commits or as staged changes. */
export function takeCommand(
  { integrationRef, autoCommit }: Taking,
  { autostash = false, directory }: { autostash?: boolean; directory?: string } = {},
): string {
  const branch = shellQuote(integrationRef.replace(/^refs\/heads\//, ''));
  const at = directory === undefined ? '' : ` -C ${shellQuote(directory)}`;
  return `git${at} merge ${autoCommit ? '--no-edit' : '--squash'}${autostash ? ' --autostash' : ''} ${branch}`;
}

/** Work that would touch changes of the user's; the command puts these aside and back, or under another name. */
export function leftForObstacles(
  taking: Taking,
  { top, paths }: Checkout,
  { edits, files }: Obstacles,
): Left {
  const here = [...edits, ...files];
  const names = `${here.slice(0, SHOWN).join(', ')}${here.length > SHOWN ? ` and ${here.length - SHOWN} more` : ''}`;
  const kind = edits.length === 0 ? 'files that git does not track are' : 'uncommitted changes are';
  const autostash = edits.length > 0;
  // Git stashes nothing at all while anything is only intended to be added.
  const intended = autostash ? [...paths].filter(([, { intended }]) => intended) : [];
  const adding = intended.map(([file]) => at(top, file)).join(' ');
  const steps = [
    ...(adding === '' ? [] : [`git --literal-pathspecs add -- ${adding}`]),
    ...files.map((file) => `mv -- ${at(top, file)} ${at(top, freeName(top, file))}`),
    takeCommand(taking, { autostash }),
  ];
  return new Left(`Your ${kind} in the way: ${names}. Nothing was touched.`, [steps.join(' && ')]);
}

/** Work that conflicts with what the user has committed meanwhile. */
export function leftForConflict(taking: Taking, files: readonly string[]): Left {
  return new Left(
    `Your branch has changed meanwhile in a way that conflicts with the results: ${files.join(', ')}.`,
    [takeCommand(taking)],
  );
}

/** Work that git itself refused to bring; everything is as before. */
export function leftByGit(taking: Taking, { stdout, stderr }: GitResult): Left {
  const said = `${stderr}\n${stdout}`.trim().split('\n').slice(0, SHOWN).join(' · ');
  return new Left(`git could not deliver, and everything is as before: ${said}`, [takeCommand(taking)]);
}

/** Names and lines in a sentence. */
const SHOWN = 5;

function freeName(top: string, file: string): string {
  let name = `${file}.mine`;
  while (existsSync(join(top, name))) name += '.mine';
  return name;
}

function at(top: string, file: string): string {
  return shellQuote(join(top, file));
}
