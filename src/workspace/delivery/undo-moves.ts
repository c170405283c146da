import { rm, rmdir } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ABSENT, readCheckout } from './checkout.ts';
import type { Git } from '../git/git.ts';
import type { Move } from './checkout-changes.ts';

/**
 * Takes back what a command did to files before it failed (a full disk, a folder without permission). To be called only
 * for moves that had nothing of the user's in their way.
 */
export async function undoMoves(git: Git, moves: readonly Move[]): Promise<void> {
  const checkout = await readCheckout(git);
  if (checkout === undefined) return;
  const { top, paths } = checkout;
  for (const { path, from } of moves) {
    if (from !== ABSENT || paths.has(path)) continue;
    await rm(join(top, path), { force: true }).catch(() => undefined);
    await removeEmptyParents(top, path);
  }
  const changed = moves.filter(({ path, from }) => from !== ABSENT && paths.get(path)?.edited === true);
  if (changed.length === 0) return;
  await git.attempt(['checkout-index', '--force', '-z', '--stdin'], {
    directory: top,
    input: changed.map(({ path }) => `${path}\0`).join(''),
  });
}

/** Ends a merge that did not become a commit, such as one that a hook refused. The index held nothing of the user's. */
export async function undoMerge(
  git: Git,
  { top, gitDirectory, head, tip }: { top: string; gitDirectory: string; head: string; tip: string },
): Promise<void> {
  if (mergeHead(gitDirectory) !== tip) return;
  const { exitCode } = await git.attempt(['merge', '--abort'], { directory: top });
  if (exitCode === 0) return;
  // A hook has changed files as well: `undoMoves` writes them anew from the index.
  await git.attempt(['read-tree', '--reset', head], { directory: top });
  await git.attempt(['merge', '--quit'], { directory: top });
}

function mergeHead(gitDirectory: string): string | undefined {
  try {
    return readFileSync(join(gitDirectory, 'MERGE_HEAD'), 'utf8').trim();
  } catch {
    return undefined;
  }
}

async function removeEmptyParents(top: string, path: string): Promise<void> {
  for (let parent = dirname(path); parent !== '.'; parent = dirname(parent)) {
    const removed = await rmdir(join(top, parent)).then(
      () => true,
      () => false,
    );
    if (!removed) return;
  }
}
