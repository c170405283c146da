import type { ChangeSize } from '../../reporting/html/report-model.ts';
import type { Git } from '../../workspace/git/git.ts';
import type { ChangedFile, Patch, PatchForm } from '../contract/patch.ts';

/** Two commits or trees. */
export interface Range {
  readonly from: string;
  readonly to: string;
}

/**
 * Hands over a patch as git prints it, byte for byte and no faster than it is taken, so that it may be of any size.
 * Resolves to false where nothing differs.
 */
export type PatchStream = (
  take: (chunk: Uint8Array) => Promise<void>,
  options: { /** Cells of a line of `--stat`. */ readonly columns: number; readonly signal: AbortSignal },
) => Promise<boolean>;

/** What changed between two commits or trees, to be read as it comes. */
export function streamPatch(git: Git, { from, to }: Range, form: PatchForm): PatchStream {
  return async (take, { columns, signal }) => {
    let isEmpty = true;
    const args = ['diff', ...flagsOf(form, columns), from, to, '--'];
    await git.stream(
      args,
      async (chunk) => {
        isEmpty = false;
        await take(chunk);
      },
      signal,
    );
    return !isEmpty;
  };
}

/** The same as a report. */
export async function describePatch(git: Git, range: Range, form: PatchForm): Promise<Patch> {
  const [from = '', to = ''] = (await git.run(['rev-parse', range.from, range.to])).split('\n');
  const files = await changedFiles(git, from, to);
  const isShort = form.stat === true || form.nameOnly === true;
  const patch = isShort ? null : (await git.attempt(['diff', ...flagsOf(form, 80), from, to, '--'])).stdout;
  return { from, to, files, patch };
}

function flagsOf({ stat, nameOnly }: PatchForm, columns: number): string[] {
  const form =
    nameOnly === true ? ['--name-only'] : stat === true ? [`--stat=${columns}`] : ['--patch', '--binary'];
  return [...form, '--no-color', '--no-ext-diff', '--no-relative'];
}

/** A file that was moved counts as removed and added. */
async function changedFiles(git: Git, from: string, to: string): Promise<ChangedFile[]> {
  const flags = ['--numstat', '-z', '--no-renames', '--no-ext-diff', '--no-relative'];
  const output = await git.run(['diff', ...flags, from, to, '--']);
  return output.split('\0').flatMap((entry) => {
    const [added = '', removed = '', ...path] = entry.split('\t');
    return path.length === 0
      ? []
      : [{ path: path.join('\t'), added: countOf(added), removed: countOf(removed) }];
  });
}

function countOf(text: string): number | null {
  return text === '-' ? null : Number(text);
}

/**
 * How much each commit changes, compared with its parent; one git process counts all of them. A commit that is no
 * longer in the repository is left out. Ids must be whole.
 */
export async function changeSizes(git: Git, commits: readonly string[]): Promise<Map<string, ChangeSize>> {
  const sizes = new Map<string, ChangeSize>();
  if (commits.length === 0) return sizes;
  const flags = ['--stdin', '--root', '-r', '-M', '--shortstat', '--no-ext-diff', '--no-color'];
  const input = commits.map((commit) => `${commit}\n`).join('');
  let commit = '';
  for (const line of (await git.run(['diff-tree', ...flags], { input })).split('\n')) {
    if (/^[0-9a-f]{40,}$/.test(line)) commit = line;
    const files = numberIn(line, /(\d+) files? changed/);
    if (files === 0) continue;
    sizes.set(commit, {
      files,
      added: numberIn(line, /(\d+) insertions?\(\+\)/),
      removed: numberIn(line, /(\d+) deletions?\(-\)/),
    });
  }
  return sizes;
}

function numberIn(line: string, pattern: RegExp): number {
  return Number(pattern.exec(line)?.[1] ?? 0);
}
