import type { TaskId } from '../../domain/task.ts';
import type { Git } from '../git/git.ts';
import { isAncestor } from '../git/merge.ts';
import type { WorkTree } from '../git/private-index.ts';
import type { ExcludedFiles } from '../workspace.ts';
import { findExcludedFiles, NONE_EXCLUDED, withExcludedFiles, withFilesOf } from './excluded-files.ts';
import { commitSnapshot, type SnapshotRefs, type SnapshotRequest } from './snapshot-refs.ts';
import type { WorkerRef } from './worker-refs.ts';

/** How the name of a task ends in the refs of snapshots that are kept beside its work and are not part of it. */
export const SIDE_SUFFIXES = { leftOut: '-left-out', refs: '-refs' } as const;

/** Parses the task's part of a snapshot's ref, with or without one of the {@link SIDE_SUFFIXES}. */
export function parseTaskPart(part: string): {
  readonly taskId: TaskId;
  readonly beside: keyof typeof SIDE_SUFFIXES | null;
} {
  const found = Object.entries(SIDE_SUFFIXES).find(([, suffix]) => part.endsWith(suffix));
  if (found === undefined) return { taskId: part, beside: null };
  return { taskId: part.slice(0, -found[1].length), beside: found[0] as keyof typeof SIDE_SUFFIXES };
}

/** The work that a side snapshot belongs to. */
export interface SideSnapshotContext {
  readonly git: Git;
  readonly refs: SnapshotRefs;
  readonly place: WorkTree;
  readonly request: SnapshotRequest;
}

/** Keeps files that a worker wrote and git excludes from its work, and lists them. `submodules` are their folders. */
export async function keepExcludedFiles(
  { git, refs, place, request }: SideSnapshotContext,
  { commit, tree, submodules }: { commit: string; tree: string; submodules: readonly string[] },
): Promise<ExcludedFiles> {
  const { workingSince: since = null, without = [] } = request;
  if (since === null || !place.linked) return NONE_EXCLUDED;
  const excluded = await findExcludedFiles(git, place, { tree, since, without, submodules });
  if (excluded.files.length === 0) return excluded;
  const whole = await withExcludedFiles(git, place, tree, excluded);
  const owner = { runId: request.runId, taskId: `${request.taskId}${SIDE_SUFFIXES.leftOut}` };
  if ((await refs.newest(owner.runId, owner.taskId)).tree === whole) return excluded;
  const why = `beside its work: ${excluded.files[0]?.why ?? ''}`;
  const kept = await commitSnapshot(git, { tree: whole, parents: [commit] }, { ...request, why });
  await refs.add(owner, { tree: whole, commit: kept, parents: commit });
  return excluded;
}

/**
 * Keeps the refs that a worker has made, except those that are part of its work, which is at `commit`. Returns what to
 * tell people; undefined where all of them are part of the work.
 */
export async function keepWorkerRefs(
  { git, refs, place, request }: SideSnapshotContext,
  made: readonly WorkerRef[],
  commit: string,
): Promise<string | undefined> {
  const owner = { runId: request.runId, taskId: `${request.taskId}${SIDE_SUFFIXES.refs}` };
  const left = new Set<string>();
  for (const first of made) {
    const alike = made.filter((each) => each.commit === first.commit);
    if (alike[0] !== first) continue;
    if (first.kind !== 'stash' && (await isAncestor(git, first.commit, commit))) continue;
    const own = await git.treeOf(first.commit);
    const tree = first.untracked === null ? own : await withFilesOf(git, place, own, first.untracked);
    const names = alike.map(({ kind, name }) =>
      kind === 'stash' ? 'an entry of the stash' : `the ${kind} ${name}`,
    );
    const why =
      first.kind === 'stash'
        ? `as it was put into git’s stash meanwhile: ${first.name}`
        : `as ${names.join(' and ')} of its worker`;
    const parents = [first.parent, first.commit];
    const kept = await commitSnapshot(git, { tree, parents }, { ...request, why });
    await refs.add(owner, { tree, commit: kept, parents: parents.join(' ') });
    for (const name of names) left.add(name);
  }
  if (left.size === 0) return undefined;
  const shown = [...left].slice(0, MOST_NAMES);
  const more = left.size > MOST_NAMES ? ` and ${left.size - MOST_NAMES} more` : '';
  return (
    `Task ${request.taskId} left ${shown.join(', ')}${more} in the repository. ` +
    'It was removed there and is kept: `recover list` shows it.'
  );
}

const MOST_NAMES = 5;
