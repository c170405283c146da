import type { ChangeSize } from '../../reporting/html/report-model.ts';
import type { Git } from '../../workspace/git/git.ts';

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
    const files = countOf(line, /(\d+) files? changed/);
    if (files === 0) continue;
    sizes.set(commit, {
      files,
      added: countOf(line, /(\d+) insertions?\(\+\)/),
      removed: countOf(line, /(\d+) deletions?\(-\)/),
    });
  }
  return sizes;
}

function countOf(line: string, pattern: RegExp): number {
  return Number(pattern.exec(line)?.[1] ?? 0);
}
