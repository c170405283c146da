import type { Attempt, AttemptEnd, ModelUsage, ProcessIdentity } from '../domain/attempt.ts';
import type { FinishedWork } from '../domain/estimate.ts';
import type { Event, PayingAccounts, RunOutcome, Stamped } from '../domain/event.ts';
import type { TaskOutline } from '../domain/task-outline.ts';
import type { ListedTask, Task, TaskChanges, TaskDraft, TaskId, TaskStatus } from '../domain/task.ts';

/** A run, as stored. */
export interface Run {
  readonly id: string;
  /** The orchestrator's process. A run without an end whose process is gone was killed. */
  readonly process: ProcessIdentity;
  readonly workers: number;
  readonly billing: string;
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  readonly endedAt: string | null;
  readonly outcome: RunOutcome | null;
  readonly message: string;
}

/** What an attempt or a call of the manager used of one model. */
export interface UsageRecord extends ModelUsage {
  readonly role: 'manager' | 'worker';
  readonly runId: string | null;
  readonly attemptId: number | null;
  readonly at: string;
}

/** A call of the manager that is about to be made. */
export interface IntendedCall {
  readonly purpose: string;
  /** Null outside a run. */
  readonly runId: string | null;
  /** The process that makes the call. Once it is gone, nobody learns what the call has cost. */
  readonly process: ProcessIdentity;
  /** What is booked for the call in that case, estimated high. */
  readonly bound: ModelUsage;
}

/** Calls of the manager that were cut off because their process was killed. */
export interface CutOffCalls {
  readonly calls: number;
  /** What was booked for them, estimated high. */
  readonly costUsd: number;
}

/**
 * The calls of the manager that have no outcome yet. A call is stored before it is made, and deleted with the event
 * that has its cost (`manager-called`). If its process is gone, the estimate is booked instead.
 */
export interface ManagerCalls {
  /** Stores a call that is about to be made; returns its number. */
  intend(call: IntendedCall): number;
  /** How many calls have neither an outcome nor a booked estimate. */
  underWay(): number;
  /** Books the calls whose process is gone, and returns the events; writes nothing if there are none. */
  bookCutOff(isAlive: (process: ProcessIdentity) => boolean): Stamped[];
  /** The cut-off calls that were booked in the runs that a new run continues. */
  cutOff(): CutOffCalls;
}

/** A document that tasks were made from. */
export interface SourceDocument {
  /** Its real path; null if it came from stdin. */
  readonly path: string | null;
  /** SHA-256 of its bytes, in hexadecimal. */
  readonly digest: string;
}

/** Which events to read. Every field that is given must match. */
export interface EventFilter {
  readonly taskId?: TaskId;
  readonly runId?: string;
  readonly types?: readonly Event['type'][];
  /** The largest number of events, the newest ones. */
  readonly limit?: number;
}

/** What is known of a new attempt before its worker is started. */
export interface AttemptClaim {
  readonly runId: string;
  readonly taskId: TaskId;
  readonly sessionId: string;
  readonly resumed: boolean;
  /** The session of which the new one starts as a copy. */
  readonly forkedFrom?: string | null;
  /** What the attempt reserves of the run's budget, in US dollars. */
  readonly maxCostUsd?: number | null;
  readonly model: string;
  readonly directory: string;
  /** The folder with the folders of all attempts. The attempt's own folder is named after its id. */
  readonly filesRoot: string;
  readonly why: string;
}

/**
 * The task store: the one place that knows what was decided. Every method is synchronous and atomic, writes its
 * events in the transaction that changes the state, and throws `Failed` ("store-unusable") if the database cannot be
 * used. Any number of processes may use a store at the same time.
 */
export interface TaskStore {
  /** The database file. */
  readonly path: string;

  // The tasks of this store's tag. Methods that get an unknown task throw `Failed` ("task-not-found").
  /** Every task, ordered by id. */
  tasks(): Task[];
  /** Every task without its texts, which is faster. */
  listedTasks(): ListedTask[];
  task(id: TaskId): Task | undefined;
  /**
   * These tasks, ordered by id, and the tasks around each: its group, its subtasks, the tasks that it or its group
   * needs with their subtasks, and the tasks that need it. This is enough to tell what each task waits for, without
   * the whole list.
   */
  tasksAround(ids: readonly TaskId[]): Task[];
  /** The tasks with the status `failed`. */
  failedTasks(): Pick<Task, 'id' | 'title'>[];
  /** The part of the whole list that decides which tasks can start, and in which order. */
  outline(): TaskOutline;
  /**
   * Stores all drafts or none. Ids that were taken meanwhile are renumbered, and so are the references among the
   * drafts. Drafts with ids like `3.2` become subtasks of 3. With `replace`, every task that is not in progress is
   * deleted first. If `replace` is a list, those of its tasks that are still pending are deleted, unless others need
   * them ("task-needed"). Throws `Failed` ("plan-invalid" or "dependency-cycle") if the result would be no valid
   * graph, or if a task that is being worked on would become a group.
   */
  addTasks(
    drafts: readonly TaskDraft[],
    options: {
      source: string;
      replace?: boolean | readonly TaskId[];
      /** The documents that they were made from. */
      documents?: readonly SourceDocument[];
    },
  ): Task[];
  /**
   * The folders of attempts, of any tag, that ended until `before` (ISO 8601, UTC) and whose tasks are done,
   * cancelled or deleted. Other tasks continue from their last attempt, and still need its files.
   */
  settledFiles(before: string): string[];
  /** The documents that the tasks were made from, without those whose tasks were all replaced. */
  documents(): SourceDocument[];
  editTask(id: TaskId, changes: TaskChanges): Task;
  /** Deletes tasks. Refuses ("task-needed") if other tasks need one of them; with `force`, drops those dependencies. */
  deleteTasks(ids: readonly TaskId[], options: { force: boolean }): TaskId[];
  /**
   * Sets all or none. On a group, done, cancelled and pending apply to its subtasks too, and deferred to the open
   * ones. A group follows its subtasks, so it may end up with another status than the one that was set.
   */
  setStatus(ids: readonly TaskId[], status: TaskStatus, why: string): Task[];
  /** Adds a dependency; false if it was there already. Refuses a cycle ("dependency-cycle") and names it. */
  addDependency(id: TaskId, dependsOn: TaskId): boolean;
  removeDependency(id: TaskId, dependsOn: TaskId): boolean;
  /** Stores what a plan says about tasks. Unknown ids are ignored, since tasks may be deleted meanwhile. */
  savePlan(plan: readonly ({ readonly id: TaskId } & TaskChanges)[]): void;
  /**
   * Changes whenever another process has changed the database, or this process has changed tasks other than by claims,
   * ends and events, which the caller knows about. It is cheap enough to poll.
   */
  version(): string;

  // Runs and attempts.
  /**
   * Throws `Failed` ("run-in-progress") naming the holder, if `isAlive` says that a run without an end is still
   * alive.
   */
  requireAlone(isAlive: (process: ProcessIdentity) => boolean): void;
  /**
   * Starts a run, unless `requireAlone` throws. Another run without an end is ended as `interrupted` first.
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
  /** Claims a runnable task for an attempt; undefined if it is not runnable any more. */
  claim(claim: AttemptClaim): { attempt: Attempt; events: Stamped[] } | undefined;
  /**
   * Attempts, the oldest first: of a task those since it was added, of a run also those that it took over and ended.
   */
  attempts(filter?: { taskId?: TaskId; runId?: string; running?: boolean }): Attempt[];
  /** Copies a snapshot of the store into a new file. */
  copyInto(file: string): void;
  /** Stores that the folders with the attempts' files, one for each run, are in this folder from now on. */
  moveAttemptFiles(folder: string): void;
  /**
   * Ends an attempt, books its usage and sets the task's status, in one transaction; undefined if the attempt has an
   * end already. A status that a person set meanwhile wins over `failed` and `pending`.
   */
  endAttempt(attemptId: number, end: AttemptEnd, status: TaskStatus, why: string): Stamped[] | undefined;
  /**
   * Appends an event that changes no task: a phase, a started process (which the attempt gets too), a plan, a
   * warning, a call of the manager with its cost. Processes and phases before landing do not wait for the disk: they
   * outlive any crash of a process, and mean nothing after a power failure.
   */
  record(event: Event): Stamped;
  /**
   * Events in the order in which they happened. Of a task, only those since it was added, since ids are used again
   * after a deletion.
   */
  events(filter?: EventFilter): Stamped[];

  // Usage, and what is learned from it.
  /** Stores what a running attempt has used so far, until its end replaces it. Does not wait for the disk. */
  noteUsed(attemptId: number, usage: readonly ModelUsage[]): void;
  /** What attempts without an end have used so far, of this run or of all runs; it is not in `usage`. */
  usedSoFar(runId?: string): UsageRecord[];
  usage(filter?: { runId?: string; attemptId?: number; since?: string }): UsageRecord[];
  /**
   * The cost, in US dollars, of the runs that a new run continues: those since the last run that came to an end of its
   * own. Attempts without an end are not in it.
   */
  unfinishedSpending(): number;
  /** The calls of the manager that have no outcome. */
  readonly calls: ManagerCalls;
  /** Landed attempts, for estimates. */
  finishedWork(): FinishedWork[];

  // The plan cache, by the hash of a plan's inputs.
  cachedPlan(hash: string): string | undefined;
  cachePlan(hash: string, reply: string): void;
  /** The verdict of a verify command on a tree in a run, as JSON. */
  gateVerdict(runId: string, tree: string, command: string): string | undefined;
  saveGateVerdict(runId: string, tree: string, command: string, verdict: string): void;

  /**
   * Stores everything that `work` changes, by any number of calls, in one durable transaction, or nothing if it
   * throws. If a call inside throws, `work` must throw too.
   */
  atomically<T>(work: () => T): T;

  close(): void;
}
