import type { TaskId } from '../../domain/task.ts';
import { GitFailed, type Git } from '../git/git.ts';
import { recordCommit } from '../git/commit.ts';
import { OWN_REFS } from '../git/ref-names.ts';

/** Whose work is kept, and why now. */
export interface KeepRequest {
  readonly runId: string;
  readonly taskId: TaskId;
  /** For the list of snapshots, e.g. `when its attempt was interrupted`. */
  readonly why: string;
  /** Where the work began: its parent, where the worktree itself cannot tell any more. */
  readonly base?: string | null;
  /** Files that are not part of the work, whether or not git ignores them. */
  readonly without?: readonly string[];
  /** When a worker began, in Unix milliseconds: what it wrote and git does not take is kept on the side. */
  readonly workingSince?: number | null;
  /** Makes what is kept the worktree's own index: nobody works there any more. */
  readonly takesIndex?: boolean;
}

/** Makes a commit of something that is kept of a task: `why` tells people what it is. */
export async function recordKept(
  git: Git,
  content: { readonly tree: string; readonly parents: readonly string[] },
  { runId, taskId, why }: Pick<KeepRequest, 'runId' | 'taskId' | 'why'>,
): Promise<string> {
  const subject = why.replace(/\p{Cc}+/gu, ' ').trim();
  const message = `${subject}\n\nOrchestrator-Task: ${taskId}\nOrchestrator-Run: ${runId}\n`;
  return await recordCommit(git, { ...content, message });
}

/** A snapshot as it is compared with the next one; empty texts where there is none. */
export interface Newest {
  readonly commit: string;
  readonly tree: string;
  readonly parents: string;
}

/** The ref of a snapshot: `refs/orchestrator/<run>/<task>/<n>`. */
export const SNAPSHOT_REF = /^refs\/orchestrator\/([^/]+)\/([^/]+)\/(\d+)$/;

/** What is known of the snapshots of a task in a run. */
interface TaskSnapshots {
  newest: Newest;
  /** The highest number that was ever given. */
  last: number;
  /** By number. */
  readonly commits: Map<number, string>;
}

/** The refs of snapshots. Git is asked once for those of a run: from then on they are made here. */
export class SnapshotRefs {
  readonly #git: Git;
  readonly #runs = new Map<string, Promise<Map<TaskId, TaskSnapshots>>>();

  constructor(git: Git) {
    this.#git = git;
  }

  async newest(runId: string, taskId: TaskId): Promise<Newest> {
    return (await this.#of(runId, taskId)).newest;
  }

  /** Commits by number. */
  async list(runId: string, taskId: TaskId): Promise<ReadonlyMap<number, string>> {
    return (await this.#of(runId, taskId)).commits;
  }

  /**
   * Under the next number that is free, whoever else may be counting. What comes without a tree is kept on the side, and
   * is not what the next snapshot is compared with. Returns the ref.
   */
  async add(
    { runId, taskId }: { readonly runId: string; readonly taskId: TaskId },
    kept: { readonly commit: string } & Partial<Newest>,
  ): Promise<string> {
    for (let tries = 1; ; tries++) {
      const of = await this.#of(runId, taskId);
      const number = of.last + 1;
      const ref = `${folderOf(runId, taskId)}/${number}`;
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

  /** Removes them where they are what was listed; the numbers are not given again. */
  async remove(runId: string, taskId: TaskId, numbers: readonly number[]): Promise<void> {
    if (numbers.length === 0) return;
    const of = await this.#of(runId, taskId);
    const place = folderOf(runId, taskId);
    const commands = numbers.map((number) => `delete ${place}/${number} ${of.commits.get(number) ?? ''}`);
    try {
      await this.#git.exclusive(() => this.#git.moveRefs(commands));
    } catch (error) {
      // Somebody else may have removed some.
      this.#runs.delete(runId);
      throw error;
    }
    for (const number of numbers) of.commits.delete(number);
    of.newest = NONE;
  }

  async #of(runId: string, taskId: TaskId): Promise<TaskSnapshots> {
    const asked = this.#runs.get(runId) ?? this.#ask(runId);
    this.#runs.set(runId, asked);
    // What failed is asked again the next time.
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

const NONE: Newest = { commit: '', tree: '', parents: '' };
const STORE_TRIES = 10;

/** Where the snapshots of a task in a run are. */
export function folderOf(runId: string, taskId: TaskId): string {
  return `${OWN_REFS}${runId}/${taskId}`;
}

/** The commit that was kept last of a task in a run; undefined where there is none. */
export async function newestSnapshot(
  git: Git,
  { runId, taskId }: { readonly runId: string; readonly taskId: TaskId },
): Promise<string | undefined> {
  const newest = ['for-each-ref', '--sort=-version:refname', '--count=1', '--format=%(objectname)'];
  const commit = await git.run([...newest, `refs/orchestrator/${runId}/${taskId}`]);
  return commit === '' ? undefined : commit;
}
