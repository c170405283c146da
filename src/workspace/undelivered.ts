import { deliveredRef } from './delivery.ts';
import type { Git } from './git.ts';
import { isAncestor } from './merged-tree.ts';
import { integrationRef } from './synchronize.ts';

/** Whether something has landed for the user's branch that they were never given; false where that cannot be told. */
export async function hasUndelivered(git: Git): Promise<boolean> {
  const named = await git.attempt(['symbolic-ref', '-q', '--short', 'HEAD']);
  const branch = named.exitCode === 0 ? named.stdout.trimEnd() : null;
  const [tip, delivered, head] = await Promise.all(
    [integrationRef(branch), deliveredRef(branch), 'HEAD'].map(async (name) => {
      const found = await git.attempt(['rev-parse', '-q', '--verify', `${name}^{commit}`]);
      return found.exitCode === 0 ? found.stdout.trimEnd() : undefined;
    }),
  );
  if (tip === undefined || head === undefined || tip === delivered) return false;
  return !(await isAncestor(git, tip, head));
}
