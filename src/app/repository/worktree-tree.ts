import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { GitFailed } from '../../workspace/git/git.ts';
import { findWorkTree, PrivateIndex } from '../../workspace/git/private-index.ts';
import type { Repository } from './repository.ts';

/**
 * The files of a worktree as they are now, as a tree, beside the commit it is at; neither its files nor its index are
 * touched. Undefined where it is no worktree of the repository any more.
 */
export async function worktreeTree(
  { git, commonDirectory }: Repository,
  directory: string,
): Promise<{ readonly tree: string; readonly head: string } | undefined> {
  const top = await git.attempt(['rev-parse', '--show-toplevel'], { directory });
  if (top.exitCode !== 0) return undefined;
  const place = findWorkTree(top.stdout.replace(/\n$/, ''), commonDirectory);
  if (!place.linked) return undefined;
  // A name of its own: the run that works there takes snapshots through another one.
  const index = new PrivateIndex(git, place, `orchestrator-diff-${randomUUID()}`);
  try {
    const head = await index.run(['rev-parse', '--verify', 'HEAD^{commit}']);
    for (let attempt = 1; ; attempt++) {
      try {
        if (!(await index.copyFrom(join(place.gitDirectory, 'index')))) await index.readFrom(head);
        await index.run(['add', '-A', '--', ':(top)']);
        return { tree: await index.run(['write-tree']), head };
      } catch (error) {
        // Somebody works there: a file may vanish between the moment it is found and the one it is read.
        if (!(error instanceof GitFailed) || attempt === ATTEMPTS) throw error;
      }
    }
  } finally {
    index.remove();
  }
}

const ATTEMPTS = 5;
