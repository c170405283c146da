import { formOf, type PatchOptions } from '../../cli/patch.ts';
import type { ChangeSize } from '../../reporting/html/report-model.ts';
import type { Git } from '../../workspace/git/git.ts';
import type { ChangedFile, Patch } from '../contract/patch.ts';

/** Gathers what changed between two commits or trees. */
export async function describePatch(
  git: Git,
  range: { readonly from: string; readonly to: string },
  options: PatchOptions,
): Promise<Patch> {
  const [from = '', to = ''] = (await git.run(['rev-parse', range.from, range.to])).split('\n');
  const files = await changedFiles(git, from, to);
  const isShort = options.stat === true || options.nameOnly === true;
  const patch = isShort ? null : (await git.attempt(['diff', ...formOf(options, 80), from, to, '--'])).stdout;
  return { from, to, files, patch };
}

/** The files that differ between two commits or trees; one that was moved is removed and added. */
export async function changedFiles(git: Git, from: string, to: string): Promise<ChangedFile[]> {
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
 * How much each commit changes, compared with its parent: one git for all of them. Commits that are not in the
 * repository any more have none. Ids must be whole.
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
