import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TaskId } from '../../domain/task.ts';
import { WorkerPool } from '../../domain/worker-pool.ts';
import { BESIDE, keepLeftOut, keepWorkerRefs, parsePlace, type Keeping } from './beside.ts';
import { captureTree } from './capture.ts';
import type { Git } from '../git/git.ts';
import { readHeadLog } from '../git/reflog.ts';
import { isPartOf, isWithin } from './landed-content.ts';
import { OWN_REFS } from '../git/ref-names.ts';
import { findWorkTree, type WorkTree } from '../git/private-index.ts';
import { folderOf, recordKept, SNAPSHOT_REF, SnapshotRefs, type KeepRequest } from './snapshot-refs.ts';
import type { WorkerRef } from './worker-refs.ts';
import type { Change, LeftOut } from '../workspace.ts';

/** What was kept. */
export interface Kept {
  readonly commit: string;
  readonly tree: string;
  /** What git said about files that it could not read; empty where all is kept. */
  readonly unread: string;
  /** Whether there are repositories in it, submodules included. */
  readonly hasRepositories: boolean;
  /** What is kept on the side. */
  readonly leftOut: LeftOut;
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
  /** What it is beside the work: files that git does not take, or what was put elsewhere in git; null for the work. */
  readonly beside: keyof typeof BESIDE | null;
  /** Whether all of its content is part of what landed too, in the same places. */
  readonly landed: boolean;
}

/** Keeps everything that workers wrote as commits under `refs/orchestrator/<run>/<task>/<n>`. */
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
   * Keeps all files of a worktree that are not ignored, whatever state it is in, and changes nothing in it. Where nothing
   * is new since the last snapshot, that one is the answer; where nothing differs from the base, the base is.
   */
  keep(worktree: string, request: KeepRequest): Promise<Kept> {
    const turn = this.#turns.get(worktree) ?? new WorkerPool(1);
    this.#turns.set(worktree, turn);
    return turn.run(() => this.#keep(worktree, request));
  }

  /**
   * Keeps what a worker had put elsewhere in git than in its work, which is at `commit`. Returns what to tell people;
   * undefined where all of it is in the work.
   */
  async keepRefs(
    worktree: string,
    request: KeepRequest,
    made: readonly WorkerRef[],
    commit: string,
  ): Promise<string | undefined> {
    const place = findWorkTree(worktree, await this.#commonDirectory());
    return await keepWorkerRefs(this.#keeping(place, request), made, commit);
  }

  /** The refs of what is kept that a worker had put elsewhere in git. */
  async refsBeside({
    runId,
    taskId,
  }: {
    readonly runId: string;
    readonly taskId: TaskId;
  }): Promise<string[]> {
    const place = `${taskId}${BESIDE.refs}`;
    const kept = await this.#refs.list(runId, place);
    return [...kept.keys()].map((number) => `${folderOf(runId, place)}/${number}`);
  }

  /** All snapshots, the newest first; `landed` names a commit or ref that holds what landed. */
  async list(landed: string | null): Promise<Snapshot[]> {
    const format = '%(refname)%09%(objectname)%09%(committerdate:iso-strict)%09%(contents:subject)';
    const lines = await this.#git.run([
      'for-each-ref',
      '--sort=-committerdate',
      `--format=${format}`,
      OWN_REFS,
    ]);
    const found = lines.split('\n').flatMap((line) => {
      const [ref = '', commit = '', date = '', ...why] = line.split('\t');
      const [, runId, place, number] = SNAPSHOT_REF.exec(ref) ?? [];
      if (runId === undefined || place === undefined || runId === 'delivered') return [];
      const { taskId, beside } = parsePlace(place);
      return [{ ref, runId, taskId, number: Number(number), commit, date, why: why.join(' '), beside }];
    });
    const landings = landed === null ? new Map<TaskId, string[]>() : await this.#landings(landed);
    const checks = new WorkerPool(4);
    return Promise.all(
      found.map(async (snapshot) => {
        if (landed === null) return { ...snapshot, landed: false };
        const from = [landed, ...(landings.get(snapshot.taskId) ?? [])] as const;
        return { ...snapshot, landed: await checks.run(() => isPartOf(this.#git, snapshot.commit, from)) };
      }),
    );
  }

  /** Removes those snapshots of a task all of whose content is part of the commit that landed. */
  async prune(
    { runId, taskId }: { readonly runId: string; readonly taskId: TaskId },
    landed: string,
    change: Pick<Change, 'commit' | 'base' | 'files'> | null = null,
  ): Promise<void> {
    const gone: number[] = [];
    for (const [number, commit] of await this.#refs.list(runId, taskId)) {
      const isLanded = change?.commit === commit && (await isWithin(this.#git, change, landed));
      if (isLanded || (await isPartOf(this.#git, commit, [landed]))) gone.push(number);
    }
    await this.#refs.remove(runId, taskId, gone);
  }

  /** Removes these, whatever is in them. */
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

  async #keep(worktree: string, request: KeepRequest): Promise<Kept> {
    const place = findWorkTree(worktree, await this.#commonDirectory());
    const head = place.linked ? await this.#head(place) : undefined;
    const base = request.base ?? null;
    const [{ tree, unread, hasRepositories, submodules }, parents] = await Promise.all([
      captureTree(this.#git, place, head?.commit ?? base, request),
      this.#parents(place, head?.commit, base),
    ]);
    await this.#keepAbandoned(place, request, head?.commit);
    const commit = await this.#keepTree(request, { tree, parents, head });
    return {
      commit,
      tree,
      unread,
      hasRepositories,
      leftOut: await keepLeftOut(this.#keeping(place, request), { commit, tree, submodules }),
    };
  }

  #keeping(place: WorkTree, request: KeepRequest): Keeping {
    return { git: this.#git, refs: this.#refs, place, request };
  }

  async #keepTree(
    request: KeepRequest,
    { tree, parents, head }: { tree: string; parents: readonly string[]; head: Head | undefined },
  ): Promise<string> {
    const base = request.base ?? null;
    const newest = await this.#refs.newest(request.runId, request.taskId);
    const same = newest.tree === tree && newest.parents === parents.join(' ');
    if (newest.commit !== '' && (same || isOnly(parents, newest.commit, head, tree))) return newest.commit;
    if (base !== null && isOnly(parents, base, head, tree)) return base;

    const commit = await recordKept(this.#git, { tree, parents }, request);
    await this.#refs.add(request, { tree, commit, parents: parents.join(' ') });
    return commit;
  }

  async #head({ directory, gitDirectory, head }: WorkTree): Promise<Head | undefined> {
    const commit = head === undefined ? undefined : await this.#git.commitAt(head);
    if (commit !== undefined) return { commit, tree: await this.#git.treeOf(commit) };
    // Such as one on a branch that only this worktree has.
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
    // A worker that began a history of its own would have a change that nothing can be merged with.
    if (
      base !== null &&
      base !== head &&
      (await this.#git.attempt(['merge-base', head, base])).exitCode === 1
    )
      parents.push(base);
    return [...new Set(parents)];
  }

  /** What was committed in a worktree and is in nothing any more, as after an amendment or on a branch that was left. */
  async #keepAbandoned(place: WorkTree, request: KeepRequest, head: string | undefined): Promise<void> {
    if (!place.linked) return;
    const known = [head, request.base].filter((commit) => typeof commit === 'string');
    const { commits } = readHeadLog(place.gitDirectory);
    const made = commits.filter((commit) => !known.includes(commit));
    if (made.length === 0) return;
    const others = [...known, '--branches', '--tags', '--remotes'];
    const kept = `--glob=${folderOf(request.runId, request.taskId)}/*`;
    const listed = await this.#git.run(
      ['rev-list', '--parents', '--ignore-missing', '--stdin', '--not', ...others, kept],
      { input: made.map((commit) => `${commit}\n`).join('') },
    );
    const lines = listed === '' ? [] : listed.split('\n').map((line) => line.split(' '));
    const inner = new Set(lines.flatMap(([, ...parents]) => parents));
    const [tip, ...more] = lines.flatMap(([commit = '']) => (inner.has(commit) ? [] : [commit]));
    if (tip === undefined) return;
    const why = 'as commits that its worker had left behind';
    const commit =
      more.length === 0
        ? tip
        : await recordKept(
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
    const found = (this.#common ??= this.#git.run([
      'rev-parse',
      '--path-format=absolute',
      '--git-common-dir',
    ]));
    // Git may have been away for a moment only.
    found.catch(() => (this.#common = undefined));
    return found;
  }
}

interface Head {
  readonly commit: string;
  readonly tree: string;
}

/** Whether the worktree is exactly at a commit. */
function isOnly(parents: readonly string[], commit: string, head: Head | undefined, tree: string): boolean {
  return parents.length === 1 && parents[0] === commit && head?.commit === commit && head.tree === tree;
}
