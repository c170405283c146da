import type { Attempt, AttemptEnd, ModelUsage, ProcessIdentity } from '../domain/attempt.ts';
import type { FinishedWork } from '../domain/estimate.ts';
import type { Event, PayingAccounts, RunOutcome, Stamped } from '../domain/event.ts';
import type { TaskOutline } from '../domain/task-outline.ts';
import type { ListedTask, Task, TaskChanges, TaskDraft, TaskId, TaskStatus } from '../domain/task.ts';

/** One run, as stored. */
export interface Run {
  readonly id: string;
  /** The orchestrator's own process; a run without an end whose process is gone was killed. */
  readonly process: ProcessIdentity;
  readonly workers: number;
  readonly billing: string;
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  readonly endedAt: string | null;
  readonly outcome: RunOutcome | null;
  readonly message: string;
}

/** What one attempt or manager call cost with one model. */
export interface UsageRecord extends ModelUsage {
  readonly role: 'manager' | 'worker';
  readonly runId: string | null;
  readonly attemptId: number | null;
  readonly at: string;
}

/** A call of the manager that is about to be made. */
export interface IntendedCall {
  readonly purpose: string;
  /** Null outside of a run. */
  readonly runId: string | null;
  /** Who makes it: once this process is gone, nobody learns what the call has cost. */
  readonly process: ProcessIdentity;
  /** What is booked for it then, estimated high. */
  readonly bound: ModelUsage;
}

/** Calls that a kill has cut off. */
export interface CutOffCalls {
  readonly calls: number;
  /** What was booked for them, estimated high. */
  readonly costUsd: number;
}

/**
 * The calls of the manager that have no outcome yet: each is stored before it is made, and forgotten with the event
 * that tells what it has cost (`manager-called`). Of one whose process is gone the estimate is booked instead.
 */
export interface ManagerCalls {
  /** Stores that a call is about to be made; returns its number. */
  intend(call: IntendedCall): number;
  /** How many have neither an outcome nor an estimate booked. */
  underWay(): number;
  /** Books those whose process is gone, and returns what happened; writes nothing where there are none. */
  bookCutOff(isAlive: (process: ProcessIdentity) => boolean): Stamped[];
  /** Those that were booked in the runs that a run begun now goes on with. */
  cutOff(): CutOffCalls;
}

/** A document that tasks were made of. */
export interface SourceDocument {
  /** Its real path; null where it came from stdin. */
  readonly path: string | null;
  /** SHA-256 of its bytes, in hexadecimal. */
  readonly digest: string;
}

/** Which events are asked for; all that are not ruled out. */
export interface EventFilter {
  readonly taskId?: TaskId;
  readonly runId?: string;
  readonly types?: readonly Event['type'][];
  /** How many at most, the newest. */
  readonly limit?: number;
}

/** What a new attempt needs to know before it is spawned. */
export interface AttemptClaim {
  readonly runId: string;
  readonly taskId: TaskId;
  readonly sessionId: string;
  readonly resumed: boolean;
  /** The session that the new one begins as a copy of. */
  readonly forkedFrom?: string | null;
  /** What is held of the run's budget for it, in US dollars. */
  readonly maxCostUsd?: number | null;
  readonly model: string;
  readonly directory: string;
  /** The folder that holds the folders of all attempts; the attempt's own is named after its id. */
  readonly filesRoot: string;
  readonly why: string;
}

/**
 * The one place that knows what was decided. Every method is synchronous and atomic, writes its events in the
 * transaction that changes the state, and throws `Failed` ("store-unusable") when the database cannot be used.
 * Any number of processes may use one store at the same time.
 */
export interface TaskStore {
  /** The database file. */
  readonly path: string;

  // Tasks of this store's tag. Methods that name an unknown task throw `Failed` ("task-not-found").
  /** Every task, ordered by id. */
  tasks(): Task[];
  /** The same without their texts, sooner. */
  listedTasks(): ListedTask[];
  task(id: TaskId): Task | undefined;
  /**
   * These tasks, ordered by id, and what is around each: its group, its subtasks, what it or its group needs and what
   * needs it, with the subtasks of what it needs. Enough to tell what each of them waits for, without the whole list.
   */
  tasksAround(ids: readonly TaskId[]): Task[];
  /** Those whose status is `failed`. */
  failedTasks(): Pick<Task, 'id' | 'title'>[];
  /** What decides which tasks can start and in which order, of the whole list. */
  outline(): TaskOutline;
  /**
   * Stores all drafts or none; ids taken meanwhile are renumbered, references inside the batch with them.
   * Drafts with ids like `3.2` become subtasks of 3. With `replace`, every task that is not in progress goes first;
   * with a list, those of it that are still pending, and not if others need them ("task-needed").
   * Throws `Failed` ("plan-invalid" or "dependency-cycle") where the result would not be a valid graph, or where a
   * task that is being worked on would become a group.
   */
  addTasks(
    drafts: readonly TaskDraft[],
    options: {
      source: string;
      replace?: boolean | readonly TaskId[];
      /** What they were made of. */
      documents?: readonly SourceDocument[];
    },
  ): Task[];
  /**
   * The folders of attempts, of whatever tag, that ended until `before` (ISO 8601, UTC), at tasks that are done,
   * cancelled or deleted. Other tasks go on where their attempts have ended, and need to know how.
   */
  settledFiles(before: string): string[];
  /** What the tasks were made of; documents whose tasks were all replaced are forgotten. */
  documents(): SourceDocument[];
  editTask(id: TaskId, changes: TaskChanges): Task;
  /** Refuses ("task-needed") when other tasks depend on one of them, unless `force`, which drops those dependencies. */
  deleteTasks(ids: readonly TaskId[], options: { force: boolean }): TaskId[];
  /**
   * All or nothing. Done, cancelled and pending on a group go to its subtasks too, deferred to its open ones; a group
   * follows its subtasks, so that another status may not be what it has in the end.
   */
  setStatus(ids: readonly TaskId[], status: TaskStatus, why: string): Task[];
  /** Refuses cycles ("dependency-cycle"), with the cycle in the message. False if it was there already. */
  addDependency(id: TaskId, dependsOn: TaskId): boolean;
  removeDependency(id: TaskId, dependsOn: TaskId): boolean;
  /** Stores what a plan found out about tasks; unknown ids are ignored, since they may be deleted meanwhile. */
  savePlan(plan: readonly ({ readonly id: TaskId } & TaskChanges)[]): void;
  /**
   * Changes whenever another process has changed the database, or this one the tasks other than by working on them:
   * claims, ends and events are known to whoever stores them. Cheap enough to be polled.
   */
  version(): string;

  // Runs and attempts.
  /** Throws `Failed` ("run-in-progress") naming the holder, if `isAlive` says that a run without an end is still alive. */
  requireAlone(isAlive: (process: ProcessIdentity) => boolean): void;
  /**
   * Begins a run, where `requireAlone` has nothing against it; another one without an end is ended as `interrupted`
   * first.
   */
  startRun(
    run: {
      id: string;
      process: ProcessIdentity;
      workers: number;
      billing: string;
      tasks: number;
      accounts?: PayingAccounts;
      maxCostUsd?: number | null;
      maxCostPerTaskUsd?: number | null;
    },
    isAlive: (process: ProcessIdentity) => boolean,
  ): Stamped;
  endRun(runId: string, outcome: RunOutcome, message: string): Stamped;
  run(id: string): Run | undefined;
  /** The newest run, finished or not. */
  lastRun(): Run | undefined;
  /** Claims a runnable task for an attempt in one statement: undefined if it is no longer runnable. */
  claim(claim: AttemptClaim): { attempt: Attempt; events: Stamped[] } | undefined;
  /** The oldest first; a task's are those since it was added, a run's also those that it took over and ended. */
  attempts(filter?: { taskId?: TaskId; runId?: string; running?: boolean }): Attempt[];
  /** Copies all of it, of one moment, into a new file. */
  copyInto(file: string): void;
  /** Says that the folders of all runs, which hold the files of their attempts, are in this folder from now on. */
  moveAttemptFiles(folder: string): void;
  /**
   * Ends an attempt, books its usage, and sets the task's status, in one transaction. Refused (undefined) when the
   * attempt has an end already. A status that a person set meanwhile wins over `failed` and `pending`.
   */
  endAttempt(attemptId: number, end: AttemptEnd, status: TaskStatus, why: string): Stamped[] | undefined;
  /**
   * Appends events that change no task: phases, spawned processes (kept on the attempt too), plans, warnings, calls of
   * the manager with what they cost. Processes and phases before landing do not wait for the disk: they outlive any
   * crash of a process, and mean nothing after a power failure.
   */
  record(event: Event): Stamped;
  /**
   * Events in the order in which they happened, with `types` only those, with `limit` only the newest. A task's are those since it was added:
   * ids are used again after a deletion.
   */
  events(filter?: EventFilter): Stamped[];

  // What it cost, and what was learned from it.
  /** Keeps what a running attempt has used so far; it waits for no disk, and its end takes its place. */
  noteUsed(attemptId: number, usage: readonly ModelUsage[]): void;
  /** What attempts that have no end yet have used so far, of this run or of all; it is not in `usage`. */
  usedSoFar(runId?: string): UsageRecord[];
  usage(filter?: { runId?: string; attemptId?: number; since?: string }): UsageRecord[];
  /**
   * What was spent by the runs that a run begun now goes on with, in US dollars: those since the last one that came to
   * an end of its own. Attempts that have no end yet are not in it.
   */
  unfinishedSpending(): number;
  /** The calls of the manager that have no outcome. */
  readonly calls: ManagerCalls;
  /** Landed attempts, for estimates. */
  finishedWork(): FinishedWork[];

  // The plan cache, keyed by the hash of a plan's inputs.
  cachedPlan(hash: string): string | undefined;
  cachePlan(hash: string, reply: string): void;
  /** What a verify command said of a tree in a run, as JSON. */
  gateVerdict(runId: string, tree: string, command: string): string | undefined;
  saveGateVerdict(runId: string, tree: string, command: string, verdict: string): void;

  /**
   * Stores everything that `work` changes, by any number of calls, durably at once, or nothing of it when it throws.
   * What a call inside refused must not be gone past: let its failure through.
   */
  atomically<T>(work: () => T): T;

  close(): void;
}
