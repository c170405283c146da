import type { Git } from '../../workspace/git/git.ts';
import type { ChangedFile } from '../contract/patch.ts';

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
