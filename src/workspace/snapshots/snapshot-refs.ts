import type { TaskId } from '../../domain/task.ts';
import { recordCommit } from '../git/commit.ts';
import { GitFailed, type Git } from '../git/git.ts';
import { OWN_REFS } from '../git/ref-names.ts';

/** A task in a run. */
export interface TaskOfRun {
  readonly runId: string;
  readonly taskId: TaskId;
}

/** Whose work a snapshot is taken of, and why. */
export interface SnapshotRequest extends TaskOfRun {
  /** For the list of snapshots, e.g. `when its attempt was interrupted`. */
  readonly why: string;
  /** The commit that the work began at. It becomes the parent where the worktree has lost its HEAD. */
  readonly base?: string | null;
  /** Files that are not part of the work, whether or not git ignores them. */
  readonly without?: readonly string[];
  /** When a worker began, in Unix milliseconds. What it wrote since and git excludes is kept in a side snapshot. */
  readonly workingSince?: number | null;
  /** Makes the index of the snapshot the worktree's own. Only allowed when nobody works there any more. */
  readonly takesIndex?: boolean;
}

/** Makes the commit of a snapshot; `why` tells people what it is. */
export async function commitSnapshot(
  git: Git,
  content: { readonly tree: string; readonly parents: readonly string[] },
  { runId, taskId, why }: Pick<SnapshotRequest, 'runId' | 'taskId' | 'why'>,
): Promise<string> {
  const subject = why.replace(/\p{Cc}+/gu, ' ').trim();
  const message = `${subject}\n\nOrchestrator-Task: ${taskId}\nOrchestrator-Run: ${runId}\n`;
  return await recordCommit(git, { ...content, message });
}

/** What the next snapshot of a task is compared with; empty texts where there is no snapshot yet. */
export interface NewestSnapshot {
  readonly commit: string;
  readonly tree: string;
  readonly parents: string;
}

/** The ref of a snapshot: `refs/orchestrator/<run>/<task>/<n>`. */
export const SNAPSHOT_REF = /^refs\/orchestrator\/([^/]+)\/([^/]+)\/(\d+)$/;

/** The snapshots of a task in a run. */
interface TaskSnapshots {
  newest: NewestSnapshot;
  /** The highest number that was ever used. */
  last: number;
  /** By number. */
  readonly commits: Map<number, string>;
}

/** The refs of snapshots. Git lists those of a run once; from then on, all of them are made here. */
export class SnapshotRefs {
  readonly #git: Git;
  readonly #runs = new Map<string, Promise<Map<TaskId, TaskSnapshots>>>();

  constructor(git: Git) {
    this.#git = git;
  }

  async newest(runId: string, taskId: TaskId): Promise<NewestSnapshot> {
    return (await this.#of(runId, taskId)).newest;
  }

  /** Lists the commits by number. */
  async list(runId: string, taskId: TaskId): Promise<ReadonlyMap<number, string>> {
    return (await this.#of(runId, taskId)).commits;
  }

  /**
   * Makes the ref of a snapshot, under the next number that no other process has used, and returns it. The next
   * snapshot is not compared with one that comes without a tree.
   */
  async add(
    { runId, taskId }: TaskOfRun,
    kept: { readonly commit: string } & Partial<NewestSnapshot>,
  ): Promise<string> {
    for (let tries = 1; ; tries++) {
      const of = await this.#of(runId, taskId);
      const number = of.last + 1;
      const ref = `${snapshotFolder(runId, taskId)}/${number}`;
      const commands = [`create ${ref} ${kept.commit}`];
      const result = await this.#git.tryMoveRefs(commands);
      if (result.exitCode === 0) {
        of.last = number;
        of.commits.set(number, kept.commit);
        if (kept.tree !== undefined) of.newest = { ...NONE, ...kept };
        return ref;
      }
      this.#runs.delete(runId);
      if (tries === STORE_TRIES) throw new GitFailed(['update-ref', ...commands], result);
    }
  }

  /** Removes snapshots that are still what was listed. Their numbers are not used again. */
  async remove(runId: string, taskId: TaskId, numbers: readonly number[]): Promise<void> {
    if (numbers.length === 0) return;
    const of = await this.#of(runId, taskId);
    const place = snapshotFolder(runId, taskId);
    const commands = numbers.map((number) => `delete ${place}/${number} ${of.commits.get(number) ?? ''}`);
    try {
      await this.#git.exclusive(() => this.#git.moveRefs(commands));
    } catch (error) {
      // Another process may have removed some of them.
      this.#runs.delete(runId);
      throw error;
    }
    for (const number of numbers) of.commits.delete(number);
    of.newest = NONE;
  }

  async #of(runId: string, taskId: TaskId): Promise<TaskSnapshots> {
    const asked = this.#runs.get(runId) ?? this.#ask(runId);
    this.#runs.set(runId, asked);
    // After a failure, the next call asks again.
    asked.catch(() => this.#runs.delete(runId));
    const tasks = await asked;
    const found = tasks.get(taskId) ?? { newest: NONE, last: 0, commits: new Map<number, string>() };
    tasks.set(taskId, found);
    return found;
  }

  async #ask(runId: string): Promise<Map<TaskId, TaskSnapshots>> {
    const format = '%(refname) %(objectname) %(tree) %(parent)';
    const lines = await this.#git.run(['for-each-ref', `--format=${format}`, `${OWN_REFS}${runId}`]);
    const tasks = new Map<TaskId, TaskSnapshots>();
    for (const line of lines.split('\n')) {
      const [ref = '', commit = '', tree = '', ...parents] = line.split(' ');
      const [, , taskId, digits] = SNAPSHOT_REF.exec(ref) ?? [];
      if (taskId === undefined) continue;
      const number = Number(digits);
      const of = tasks.get(taskId) ?? { newest: NONE, last: 0, commits: new Map<number, string>() };
      of.commits.set(number, commit);
      if (number > of.last) {
        of.last = number;
        of.newest = { commit, tree, parents: parents.join(' ') };
      }
      tasks.set(taskId, of);
    }
    return tasks;
  }
}

const NONE: NewestSnapshot = { commit: '', tree: '', parents: '' };
const STORE_TRIES = 10;

/** The folder of the refs of a task in a run. */
export function snapshotFolder(runId: string, taskId: TaskId): string {
  return `${OWN_REFS}${runId}/${taskId}`;
}

/** Finds the newest snapshot of a task in a run. */
export async function findNewestSnapshot(
  git: Git,
  { runId, taskId }: TaskOfRun,
): Promise<string | undefined> {
  const newest = ['for-each-ref', '--sort=-version:refname', '--count=1', '--format=%(objectname)'];
  const commit = await git.run([...newest, `refs/orchestrator/${runId}/${taskId}`]);
  return commit === '' ? undefined : commit;
}
