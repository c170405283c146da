import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TaskId } from '../../domain/task.ts';
import { WorkerPool } from '../../domain/worker-pool.ts';
import type { Git } from '../git/git.ts';
import { findWorkTree, type WorkTree } from '../git/private-index.ts';
import { OWN_REFS } from '../git/ref-names.ts';
import { readReflog } from '../git/reflog.ts';
import type { Change, ExcludedFiles } from '../workspace.ts';
import { captureTree } from './capture.ts';
import { isContentLanded, isLandedUnchanged } from './landed-content.ts';
import {
  SIDE_SUFFIXES,
  keepExcludedFiles,
  keepWorkerRefs,
  parseTaskPart,
  type SideSnapshotContext,
} from './side-snapshots.ts';
import {
  snapshotFolder,
  commitSnapshot,
  SNAPSHOT_REF,
  SnapshotRefs,
  type SnapshotRequest,
  type TaskOfRun,
} from './snapshot-refs.ts';
import type { WorkerRef } from './worker-refs.ts';

/** A snapshot that was just taken. */
export interface TakenSnapshot {
  readonly commit: string;
  readonly tree: string;
  /** What git said about files that it could not read; empty where everything is kept. */
  readonly unread: string;
  /** Whether the worktree has repositories in it, submodules included. */
  readonly hasRepositories: boolean;
  /** Files that are not part of the snapshot and are kept in a side snapshot. */
  readonly excluded: ExcludedFiles;
}

/** One snapshot, as `recover` lists it. */
export interface Snapshot {
  readonly ref: string;
  readonly runId: string;
  readonly taskId: TaskId;
  /** 1 for the first one of the task in that run. */
  readonly number: number;
  readonly commit: string;
  /** ISO 8601, with an offset. */
  readonly date: string;
  readonly why: string;
  /** The kind of a side snapshot: files that git excludes, or refs of the worker; null for a snapshot of the work. */
  readonly beside: keyof typeof SIDE_SUFFIXES | null;
  /** Whether what landed has all of its content, in the same places. */
  readonly landed: boolean;
}

/** Keeps everything that workers write, as commits under `refs/orchestrator/<run>/<task>/<n>`. */
export class Snapshots {
  readonly #git: Git;
  #common: Promise<string> | undefined;
  readonly #turns = new Map<string, WorkerPool>();
  readonly #refs: SnapshotRefs;

  constructor(git: Git) {
    this.#git = git;
    this.#refs = new SnapshotRefs(git);
  }

  /**
   * Takes a snapshot of all files of a worktree that are not ignored, whatever state it is in, and changes nothing in
   * it. If nothing is new since the last snapshot, it returns that one; if nothing differs from the base, it returns
   * the base.
   */
  take(worktree: string, request: SnapshotRequest): Promise<TakenSnapshot> {
    const turn = this.#turns.get(worktree) ?? new WorkerPool(1);
    this.#turns.set(worktree, turn);
    return turn.run(() => this.#take(worktree, request));
  }

  /**
   * Takes side snapshots of refs that a worker has made. Its work is at `commit`. Returns what to tell people;
   * undefined where all of the refs are part of the work.
   */
  async takeRefs(
    worktree: string,
    request: SnapshotRequest,
    made: readonly WorkerRef[],
    commit: string,
  ): Promise<string | undefined> {
    const place = findWorkTree(worktree, await this.#commonDirectory());
    return await keepWorkerRefs(this.#sideContext(place, request), made, commit);
  }

  /** Lists the side snapshots of refs that a worker has made. */
  async listRefSnapshots({ runId, taskId }: TaskOfRun): Promise<string[]> {
    const place = `${taskId}${SIDE_SUFFIXES.refs}`;
    const kept = await this.#refs.list(runId, place);
    return [...kept.keys()].map((number) => `${snapshotFolder(runId, place)}/${number}`);
  }

  /** Lists all snapshots, the newest first; `landed` names a commit or ref that holds what landed. */
  async list(landed: string | null): Promise<Snapshot[]> {
    const format = '%(refname)%09%(objectname)%09%(committerdate:iso-strict)%09%(contents:subject)';
    const args = ['for-each-ref', '--sort=-committerdate', `--format=${format}`, OWN_REFS];
    const lines = await this.#git.run(args);
    const found = lines.split('\n').flatMap((line) => {
      const [ref = '', commit = '', date = '', ...why] = line.split('\t');
      const [, runId, place, number] = SNAPSHOT_REF.exec(ref) ?? [];
      if (runId === undefined || place === undefined || runId === 'delivered') return [];
      const { taskId, beside } = parseTaskPart(place);
      return [{ ref, runId, taskId, number: Number(number), commit, date, why: why.join(' '), beside }];
    });
    const landings = landed === null ? new Map<TaskId, string[]>() : await this.#landings(landed);
    const checks = new WorkerPool(4);
    return Promise.all(
      found.map(async (snapshot) => {
        if (landed === null) return { ...snapshot, landed: false };
        const from = [landed, ...(landings.get(snapshot.taskId) ?? [])] as const;
        return {
          ...snapshot,
          landed: await checks.run(() => isContentLanded(this.#git, snapshot.commit, from)),
        };
      }),
    );
  }

  /** Removes the snapshots of a task whose content is all part of the commit that landed. */
  async prune(
    { runId, taskId }: TaskOfRun,
    landed: string,
    change: Pick<Change, 'commit' | 'base' | 'files'> | null = null,
  ): Promise<void> {
    const gone: number[] = [];
    for (const [number, commit] of await this.#refs.list(runId, taskId)) {
      const isLanded = change?.commit === commit && (await isLandedUnchanged(this.#git, change, landed));
      if (isLanded || (await isContentLanded(this.#git, commit, [landed]))) gone.push(number);
    }
    await this.#refs.remove(runId, taskId, gone);
  }

  /** Removes these snapshots, whatever is in them. */
  async remove(snapshots: readonly Snapshot[]): Promise<void> {
    const places = new Map<string, number[]>();
    for (const { ref, number } of snapshots) {
      const place = ref.slice(0, ref.lastIndexOf('/'));
      places.set(place, [...(places.get(place) ?? []), number]);
    }
    for (const [place, numbers] of places) {
      const [runId = '', name = ''] = place.slice(OWN_REFS.length).split('/');
      await this.#refs.remove(runId, name, numbers);
    }
  }

  async #take(worktree: string, request: SnapshotRequest): Promise<TakenSnapshot> {
    const place = findWorkTree(worktree, await this.#commonDirectory());
    const head = place.linked ? await this.#head(place) : undefined;
    const base = request.base ?? null;
    const [{ tree, unread, hasRepositories, submodules }, parents] = await Promise.all([
      captureTree(this.#git, place, head?.commit ?? base, request),
      this.#parents(place, head?.commit, base),
    ]);
    await this.#keepAbandoned(place, request, head?.commit);
    const commit = await this.#record(request, { tree, parents, head });
    return {
      commit,
      tree,
      unread,
      hasRepositories,
      excluded: await keepExcludedFiles(this.#sideContext(place, request), { commit, tree, submodules }),
    };
  }

  #sideContext(place: WorkTree, request: SnapshotRequest): SideSnapshotContext {
    return { git: this.#git, refs: this.#refs, place, request };
  }

  async #record(
    request: SnapshotRequest,
    { tree, parents, head }: { tree: string; parents: readonly string[]; head: Head | undefined },
  ): Promise<string> {
    const base = request.base ?? null;
    const newest = await this.#refs.newest(request.runId, request.taskId);
    const same = newest.tree === tree && newest.parents === parents.join(' ');
    if (newest.commit !== '' && (same || isExactly(parents, newest.commit, head, tree))) return newest.commit;
    if (base !== null && isExactly(parents, base, head, tree)) return base;

    const commit = await commitSnapshot(this.#git, { tree, parents }, request);
    await this.#refs.add(request, { tree, commit, parents: parents.join(' ') });
    return commit;
  }

  async #head({ directory, gitDirectory, head }: WorkTree): Promise<Head | undefined> {
    const commit = head === undefined ? undefined : await this.#git.commitAt(head);
    if (commit !== undefined) return { commit, tree: await this.#git.treeOf(commit) };
    // Such as a HEAD on a branch that only this worktree has.
    const { exitCode, stdout } = await this.#git.attempt(['rev-parse', 'HEAD^{commit}', 'HEAD^{tree}'], {
      directory,
      environment: { GIT_DIR: gitDirectory },
    });
    const [id, tree] = stdout.split('\n');
    return exitCode === 0 && id !== undefined && tree !== undefined ? { commit: id, tree } : undefined;
  }

  async #parents(place: WorkTree, head: string | undefined, base: string | null): Promise<string[]> {
    if (head === undefined) return base === null ? [] : [base];
    const merged = await readFile(join(place.gitDirectory, 'MERGE_HEAD'), 'utf8').catch(() => '');
    const parents = [head, ...merged.split('\n').filter((line) => /^[0-9a-f]{40,64}$/.test(line))];
    // Without the base, a worker that began a new history would have a change that cannot be merged.
    if (
      base !== null &&
      base !== head &&
      (await this.#git.attempt(['merge-base', head, base])).exitCode === 1
    )
      parents.push(base);
    return [...new Set(parents)];
  }

  /** Keeps commits that were made in a worktree and that no ref has any more, such as after `commit --amend`. */
  async #keepAbandoned(place: WorkTree, request: SnapshotRequest, head: string | undefined): Promise<void> {
    if (!place.linked) return;
    const known = [head, request.base].filter((commit) => typeof commit === 'string');
    const { commits } = readReflog(place.gitDirectory);
    const made = commits.filter((commit) => !known.includes(commit));
    if (made.length === 0) return;
    const others = [...known, '--branches', '--tags', '--remotes'];
    const kept = `--glob=${snapshotFolder(request.runId, request.taskId)}/*`;
    const listed = await this.#git.run(
      ['rev-list', '--parents', '--ignore-missing', '--stdin', '--not', ...others, kept],
      { input: made.map((commit) => `${commit}\n`).join('') },
    );
    const lines = listed === '' ? [] : listed.split('\n').map((line) => line.split(' '));
    const inner = new Set(lines.flatMap(([, ...parents]) => parents));
    const [tip, ...more] = lines.flatMap(([commit = '']) => (inner.has(commit) ? [] : [commit]));
    if (tip === undefined) return;
    const why = 'as commits that no branch of its worker has';
    const commit =
      more.length === 0
        ? tip
        : await commitSnapshot(
            this.#git,
            { tree: await this.#git.treeOf(tip), parents: [tip, ...more] },
            { ...request, why },
          );
    await this.#refs.add(request, { commit });
  }

  async #landings(landed: string): Promise<Map<TaskId, string[]>> {
    const format = '--format=%H %(trailers:key=Orchestrator-Task,valueonly,separator=%x20)';
    const lines = await this.#git.run(['log', '--grep=^Orchestrator-Task: ', format, landed]);
    const byTask = new Map<TaskId, string[]>();
    for (const line of lines.split('\n')) {
      const [commit = '', taskId = ''] = line.split(' ');
      byTask.set(taskId, [...(byTask.get(taskId) ?? []), commit]);
    }
    return byTask;
  }

  #commonDirectory(): Promise<string> {
    const args = ['rev-parse', '--path-format=absolute', '--git-common-dir'];
    const found = (this.#common ??= this.#git.run(args));
    // The failure may have been temporary: the next call asks again.
    found.catch(() => (this.#common = undefined));
    return found;
  }
}

interface Head {
  readonly commit: string;
  readonly tree: string;
}

/** Whether a worktree is exactly at a commit. */
function isExactly(
  parents: readonly string[],
  commit: string,
  head: Head | undefined,
  tree: string,
): boolean {
  return parents.length === 1 && parents[0] === commit && head?.commit === commit && head.tree === tree;
}
