import type { Git } from '../../workspace/git/git.ts';
import { changedFiles, type ChangedFile } from './changed-files.ts';
import { formOf, type PatchOptions } from '../../cli/patch.ts';

/** A change as `--json` shows it. */
export interface PatchJson {
  /** Commits, in full. */
  readonly from: string;
  readonly to: string;
  readonly files: readonly ChangedFile[];
  /** Null with `--stat` and `--name-only`. */
  readonly patch: string | null;
}

/** Gathers what changed between two commits or trees. */
export async function describePatch(
  git: Git,
  range: { readonly from: string; readonly to: string },
  options: PatchOptions,
): Promise<PatchJson> {
  const [from = '', to = ''] = (await git.run(['rev-parse', range.from, range.to])).split('\n');
  const files = await changedFiles(git, from, to);
  const isShort = options.stat === true || options.nameOnly === true;
  const patch = isShort ? null : (await git.attempt(['diff', ...formOf(options, 80), from, to, '--'])).stdout;
  return { from, to, files, patch };
}
