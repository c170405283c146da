import type { Git } from '../../workspace/git/git.ts';
import { changedFiles } from './changed-files.ts';
import { formOf, type PatchOptions } from '../../cli/patch.ts';
import type { Patch } from '../contract/patch.ts';

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
