import { existsSync } from 'node:fs';
import type { AttemptEnd, ModelUsage, ProcessIdentity } from '../domain/attempt.ts';
import type { Event, RunOutcome } from '../domain/event.ts';
import { fail } from '../domain/failure.ts';
import type { Task, TaskChanges, TaskDraft, TaskId, TaskStatus } from '../domain/task.ts';
import {
  claimTask,
  endAttempt,
  moveAttemptFiles,
  readAttempts,
  readFinishedWork,
  readSettledFiles,
} from './attempts.ts';
import { readPlan, readVerdict, savePlanReply, saveVerdict } from './caches.ts';
import { Database } from './database.ts';
import type { DriverOptions } from './driver.ts';
import { EventLog, type StoreContext } from './event-log.ts';
import { readFailedTasks, readListedTasks, readOutline } from './listed-tasks.ts';
import { StoredManagerCalls, noteUsed, readUnfinishedSpending, readUsage, readUsedSoFar } from './usage.ts';
import { STORE_SCHEMA } from './migrations.ts';
import { describeCopyProblem, saveCopy } from './store-copies.ts';
import { isTransient, recordEvent } from './recorded-events.ts';
import { endRun, readRun, requireAlone, type RunStart, startRun } from './runs.ts';
import type { EventFilter, AttemptClaim, TaskStore } from './store.ts';
import { addDrafts, readDocuments } from './task-additions.ts';
import { addDependency, deleteTasks, editTask, removeDependency } from './task-changes.ts';
import { failNotFound, readStates, readTask, readTasks, readTasksAround } from './task-rows.ts';
import { setStatuses } from './task-status.ts';

/** How long after the start of a run a copy of the store is made, in milliseconds. */
const START_COPY_DELAY_MS = 1000;

/** Which store to open, and how. */
export interface StoreOptions extends DriverOptions {
  /** The database file, `.taskmaster/tasks.db` of the project. */
  readonly file: string;
  /** The list of tasks to work on. */
  readonly tag: string;
  /** Makes a new store if there is none; its directory must exist. */
  readonly create: boolean;
  /** Unix milliseconds; the machine's clock by default. */
  readonly clock?: () => number;
  /**
   * The folder where copies of the store are kept, and what to call, once, if a copy cannot be made. Without it, no
   * copies are made. A copy is made soon after a run starts, and when a store is closed in which tasks were added or
   * a run ended.
   */
  readonly copies?: { readonly folder: () => string; readonly failed: (message: string) => void };
}

/**
 * Opens the store of a project, migrated to what this version needs.
 *
 * Throws `Failed`: "no-project" if there is none and `create` is false, "store-unusable" if the store is damaged, newer
 * than this version, locked, or cannot be opened.
 */
export function openStore(options: StoreOptions): TaskStore {
  const { file, tag, create, clock = Date.now, copies } = options;
  if (!create && !existsSync(file)) {
    fail(
      'no-project',
      `There is no task store at ${file}.`,
      'Run `claude-orchestrator init` in the root of your repository.',
    );
  }
  return new SqliteStore(
    new Database(file, STORE_SCHEMA, { ...options, readCopy: true }),
    tag,
    clock,
    copies,
  );
}

class SqliteStore implements TaskStore {
  readonly path: string;
  readonly calls: StoredManagerCalls;
  readonly #db: Database;
  readonly #log: EventLog;
  readonly #context: StoreContext;
  #copies: StoreOptions['copies'];
  #isWorthCopying = false;
  #startCopy: NodeJS.Timeout | undefined;
  /** How many changes of tasks this process has made. */
  #edits = 0;

  constructor(db: Database, tag: string, clock: () => number, copies: StoreOptions['copies']) {
    this.path = db.path;
    this.#db = db;
    this.#log = new EventLog(db, tag, clock);
    this.#context = { db, tag, log: this.#log };
    this.calls = new StoredManagerCalls(this.#context);
    this.#copies = copies;
  }

  tasks() {
    return this.#db.read(() => readTasks(this.#db, this.#context.tag));
  }

  listedTasks() {
    return this.#db.read(() => readListedTasks(this.#db, this.#context.tag));
  }

  task(id: TaskId) {
    return this.#db.read(() => readTask(this.#db, this.#context.tag, id));
  }

  tasksAround(ids: readonly TaskId[]) {
    return this.#db.read(() => readTasksAround(this.#db, this.#context.tag, ids));
  }

  failedTasks() {
    return this.#db.read(() => readFailedTasks(this.#db, this.#context.tag));
  }

  outline() {
    return this.#db.read(() => readOutline(this.#db, this.#context.tag));
  }

  addTasks(drafts: readonly TaskDraft[], options: Parameters<TaskStore['addTasks']>[1]) {
    this.#isWorthCopying = true;
    return this.#edit(() => this.#tasks(addDrafts(this.#context, drafts, options)));
  }

  settledFiles(before: string) {
    return this.#db.read(() => readSettledFiles(this.#context, before));
  }

  documents() {
    return this.#db.read(() => readDocuments(this.#context));
  }

  editTask(id: TaskId, changes: TaskChanges) {
    return this.#edit(() => editTask(this.#context, id, changes) ?? failNotFound(this.#context.tag, [id]));
  }

  deleteTasks(ids: readonly TaskId[], { force }: { force: boolean }) {
    return this.#edit(() => deleteTasks(this.#context, ids, force));
  }

  setStatus(ids: readonly TaskId[], status: TaskStatus, why: string) {
    return this.#edit(() => {
      setStatuses(this.#context, ids, status, why);
      return this.#tasks(ids);
    });
  }

  addDependency(id: TaskId, dependsOn: TaskId) {
    return this.#edit(() => addDependency(this.#context, id, dependsOn));
  }

  removeDependency(id: TaskId, dependsOn: TaskId) {
    return this.#edit(() => {
      readStates(this.#db, this.#context.tag, [id, dependsOn]);
      return removeDependency(this.#context, id, dependsOn, this.#log.now());
    });
  }

  savePlan(plan: readonly ({ readonly id: TaskId } & TaskChanges)[]) {
    this.#edit(() => {
      for (const { id, ...changes } of plan) editTask(this.#context, id, changes);
    });
  }

  version() {
    return `${this.#db.version()}.${this.#edits}`;
  }

  requireAlone(isAlive: (process: ProcessIdentity) => boolean) {
    this.#db.read(() => requireAlone(this.#context, isAlive));
  }

  startRun(run: RunStart, isAlive: (process: ProcessIdentity) => boolean) {
    const started = this.#db.write(() => startRun(this.#context, run, isAlive));
    this.#log.run = run.id;
    // Later, so that the first workers do not wait for it.
    if (this.#copies !== undefined)
      this.#startCopy = setTimeout(() => this.#saveCopy(), START_COPY_DELAY_MS).unref();
    return started;
  }

  endRun(runId: string, outcome: RunOutcome, message: string) {
    this.#isWorthCopying = true;
    const ended = this.#db.write(() => endRun(this.#context, runId, outcome, message));
    this.#log.run = null;
    return ended;
  }

  run(id: string) {
    return this.#db.read(() => readRun(this.#context, id));
  }

  lastRun() {
    return this.#db.read(() => readRun(this.#context));
  }

  claim(claim: AttemptClaim) {
    return this.#db.write(() => claimTask(this.#context, claim));
  }

  attempts(filter: { taskId?: TaskId; runId?: string; running?: boolean } = {}) {
    return this.#db.read(() => readAttempts(this.#context, filter));
  }

  copyInto(file: string) {
    this.#db.copyInto(file);
  }

  moveAttemptFiles(folder: string) {
    this.#db.write(() => moveAttemptFiles(this.#db, folder));
  }

  endAttempt(attemptId: number, end: AttemptEnd, status: TaskStatus, why: string) {
    return this.#db.write(() => endAttempt(this.#context, attemptId, end, status, why));
  }

  record(event: Event) {
    const record = () => recordEvent(this.#context, event);
    if (event.type === 'attempt-progress') return record();
    return isTransient(event) ? this.#db.writeRelaxed(record) : this.#db.write(record);
  }

  events(filter: EventFilter = {}) {
    return this.#db.read(() => this.#log.list(filter));
  }

  noteUsed(attemptId: number, usage: readonly ModelUsage[]) {
    this.#db.writeRelaxed(() => noteUsed(this.#context, attemptId, usage));
  }

  usedSoFar(runId?: string) {
    return this.#db.read(() => readUsedSoFar(this.#context, runId));
  }

  usage(filter: { runId?: string; attemptId?: number; since?: string } = {}) {
    return this.#db.read(() => readUsage(this.#context, filter));
  }

  unfinishedSpending() {
    return this.#db.read(() => readUnfinishedSpending(this.#context));
  }

  finishedWork() {
    return this.#db.read(() => readFinishedWork(this.#context));
  }

  cachedPlan(hash: string) {
    return this.#db.read(() => readPlan(this.#context, hash));
  }

  cachePlan(hash: string, reply: string) {
    this.#db.write(() => savePlanReply(this.#context, hash, reply));
  }

  gateVerdict(runId: string, tree: string, command: string) {
    return this.#db.read(() => readVerdict(this.#context, runId, tree, command));
  }

  saveGateVerdict(runId: string, tree: string, command: string, verdict: string) {
    // The gate can be run again, so this is not worth waiting for the disk.
    this.#db.writeRelaxed(() => saveVerdict(this.#context, runId, tree, command, verdict));
  }

  atomically<T>(work: () => T): T {
    return this.#db.transaction(work);
  }

  close() {
    clearTimeout(this.#startCopy);
    if (this.#isWorthCopying) this.#saveCopy();
    this.#db.close();
  }

  #edit<T>(work: () => T): T {
    const result = this.#db.write(work);
    this.#edits++;
    return result;
  }

  #saveCopy(): void {
    if (this.#copies === undefined) return;
    try {
      saveCopy(this.#db, this.#copies.folder(), this.#log.now());
      this.#isWorthCopying = false;
    } catch (error) {
      this.#copies.failed(describeCopyProblem(error));
      // Reported once: a disk without room for a copy has none a moment later either.
      this.#copies = undefined;
    }
  }

  #tasks(ids: readonly TaskId[]): Task[] {
    const { tag } = this.#context;
    return ids.map((id) => readTask(this.#db, tag, id) ?? failNotFound(tag, [id]));
  }
}
