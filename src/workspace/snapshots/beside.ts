import type { TaskId } from '../../domain/task.ts';
import type { Git } from '../git/git.ts';
import { findLeftOut, NOTHING_LEFT_OUT, withFiles, withLeftOut } from './excluded-files.ts';
import { isAncestor } from '../git/merge.ts';
import type { WorkTree } from '../git/private-index.ts';
import { recordKept, type KeepRequest, type SnapshotRefs } from './snapshot-refs.ts';
import type { WorkerRef } from './worker-refs.ts';
import type { LeftOut } from '../workspace.ts';

/** What the name of a task ends with where something is kept beside its work, so that none of it is taken for that. */
export const BESIDE = { leftOut: '-left-out', refs: '-refs' } as const;

/** Reads what {@link BESIDE} was added to. */
export function parsePlace(place: string): {
  readonly taskId: TaskId;
  readonly beside: keyof typeof BESIDE | null;
} {
  const found = Object.entries(BESIDE).find(([, end]) => place.endsWith(end));
  if (found === undefined) return { taskId: place, beside: null };
  return { taskId: place.slice(0, -found[1].length), beside: found[0] as keyof typeof BESIDE };
}

/** Whose work something is kept beside, and where. */
export interface Keeping {
  readonly git: Git;
  readonly refs: SnapshotRefs;
  readonly place: WorkTree;
  readonly request: KeepRequest;
}

/** Keeps what a worker wrote and git does not take. `submodules` are their folders. */
export async function keepLeftOut(
  { git, refs, place, request }: Keeping,
  { commit, tree, submodules }: { commit: string; tree: string; submodules: readonly string[] },
): Promise<LeftOut> {
  const { workingSince: since = null, without = [] } = request;
  if (since === null || !place.linked) return NOTHING_LEFT_OUT;
  const leftOut = await findLeftOut(git, place, { tree, since, without, submodules });
  if (leftOut.files.length === 0) return leftOut;
  const whole = await withLeftOut(git, place, tree, leftOut);
  const owner = { runId: request.runId, taskId: `${request.taskId}${BESIDE.leftOut}` };
  if ((await refs.newest(owner.runId, owner.taskId)).tree === whole) return leftOut;
  const why = `beside its work: ${leftOut.files[0]?.why ?? ''}`;
  const kept = await recordKept(git, { tree: whole, parents: [commit] }, { ...request, why });
  await refs.add(owner, { tree: whole, commit: kept, parents: commit });
  return leftOut;
}

/**
 * Keeps what a worker had put elsewhere in git, as far as it is not part of its work, which is at `commit`. Returns what
 * to tell people; undefined where all of it is.
 */
export async function keepWorkerRefs(
  { git, refs, place, request }: Keeping,
  made: readonly WorkerRef[],
  commit: string,
): Promise<string | undefined> {
  const owner = { runId: request.runId, taskId: `${request.taskId}${BESIDE.refs}` };
  const left = new Set<string>();
  for (const first of made) {
    const alike = made.filter((each) => each.commit === first.commit);
    if (alike[0] !== first) continue;
    if (first.kind !== 'stash' && (await isAncestor(git, first.commit, commit))) continue;
    const own = await git.treeOf(first.commit);
    const tree = first.untracked === null ? own : await withFiles(git, place, own, first.untracked);
    const names = alike.map(({ kind, name }) => (kind === 'stash' ? ENTRY : `the ${kind} ${name}`));
    const why =
      first.kind === 'stash'
        ? `as it was put into git’s stash meanwhile: ${first.name}`
        : `as ${names.join(' and ')} of its worker`;
    const parents = [first.parent, first.commit];
    const kept = await recordKept(git, { tree, parents }, { ...request, why });
    await refs.add(owner, { tree, commit: kept, parents: parents.join(' ') });
    for (const name of names) left.add(name);
  }
  if (left.size === 0) return undefined;
  const shown = [...left].slice(0, NAMED);
  const more = left.size > NAMED ? ` and ${left.size - NAMED} more` : '';
  return (
    `Task ${request.taskId} had left ${shown.join(', ')}${more} in the repository. ` +
    'That is not there any more, but kept: `recover list` shows it.'
  );
}

const ENTRY = 'an entry of the stash';
const NAMED = 5;
