import { sumUsage, totalCost, totalTokens, type Attempt } from '../domain/attempt.ts';
import { findBudgetShortfall } from '../domain/budget-shortfall.ts';
import type { FinishedWork } from '../domain/estimate.ts';
import type { Delivery, Stamped } from '../domain/event.ts';
import { OUTCOME_POLICY } from '../domain/outcome.ts';
import { buildTaskGraph, checkReadiness } from '../domain/task-graph.ts';
import { isDecided, isRunnable, parentOf, type Task, type TaskId } from '../domain/task.ts';
import { Pauses } from '../domain/text/pauses.ts';
import type { CutOffCalls, Run, TaskStore, UsageRecord } from '../store/store.ts';
import type { DoneTask, FailedTaskSummary, LeftTask, RunSummary } from './summary.ts';

/** What a summary is made from: the run, its own attempts and usage, and all tasks. */
export interface SummarySource {
  readonly run: Run;
  readonly attempts: readonly Attempt[];
  readonly tasks: readonly Task[];
  readonly usage: readonly UsageRecord[];
  /** The events of the run, at least those of `SUMMARY_EVENTS`. */
  readonly events: readonly Stamped[];
  /** What this run and the runs that it continues have spent, in US dollars; its own cost by default. */
  readonly spentUsd?: number;
  /** Calls of the manager in those runs that a kill has cut off. */
  readonly cutOff?: CutOffCalls;
  /** What finished work has cost, for a run that a budget has stopped. */
  readonly history?: readonly FinishedWork[];
  /** Unix milliseconds. */
  readonly now: number;
}

const SUMMARY_EVENTS = [
  'run-started',
  'run-paused',
  'run-resumed',
  'budget-wait',
  'run-delivered',
  'run-ended',
] as const;

/** Sums a run up from what the store has of it; `now` is in Unix milliseconds. */
export function readSummary(store: TaskStore, run: Run, now: number): RunSummary {
  const runId = run.id;
  const running = run.endedAt === null ? store.usedSoFar() : [];
  return summarize({
    run,
    attempts: store.attempts({ runId }),
    tasks: store.tasks(),
    usage: [...store.usage({ runId }), ...running.filter((used) => used.runId === runId)],
    events: store.events({ runId, types: SUMMARY_EVENTS }),
    cutOff: store.calls.cutOff(),
    spentUsd: store.unfinishedSpending() + totalCost(running),
    ...(run.outcome === 'over-budget' ? { history: store.finishedWork() } : {}),
    now,
  });
}

/** Sums a run up. */
export function summarize(source: SummarySource): RunSummary {
  const { run, attempts, tasks, events, now, cutOff } = source;
  const byTask = groupByTask(attempts);
  const { done, failed, running } = triedTasks(source, byTask);
  const left = leftTasks(tasks, byTask);
  const usage = (['manager', 'worker'] as const).flatMap((role) =>
    sumUsage(source.usage.filter((record) => record.role === role)).map((sum) => ({ role, ...sum })),
  );
  const costUsd = totalCost(usage);
  const spentUsd = Math.max(costUsd, source.spentUsd ?? 0);
  const isOver = run.endedAt !== null;
  const end = isOver ? Date.parse(run.endedAt) : now;
  const pauses = new Pauses();
  for (const event of events) pauses.apply(event);
  // A task that a usage limit or a person stopped is still to do, and has not failed.
  const open = failed.filter(({ status }) => status === 'pending' || status === 'in-progress').length;
  const setAside = failed.filter(({ status }) => isDecided(status)).length;
  return {
    runId: run.id,
    outcome: run.outcome,
    message: run.message,
    startedAt: run.startedAt,
    endedAt: run.endedAt,
    durationMs: Math.max(0, end - Date.parse(run.startedAt)),
    pausedMs: pauses.totalMs(end),
    paused: isOver ? null : currentPause(pauses),
    waitingForBudget: isOver ? 0 : (events.findLast((event) => event.type === 'budget-wait')?.waiting ?? 0),
    workers: run.workers,
    billing: run.billing,
    counts: {
      total: done.length + failed.length + running.length + left.length,
      done: done.length,
      running: running.length,
      failed: failed.length - open - setAside,
      waiting: left.length + open,
    },
    done,
    failed,
    running,
    left,
    usage,
    tokens: sumOf(usage, totalTokens),
    costUsd,
    spentUsd,
    cutOff: cutOff === undefined || cutOff.calls === 0 ? null : cutOff,
    shortage: run.outcome === 'over-budget' ? shortfall(source, spentUsd, failed, left) : null,
    resetsAt: resetTime(run, pauses, attempts),
    delivery: deliveryOf(events),
    directories: sharedDirectories(attempts),
  };
}

/** The tasks that the run tried, by what has become of them. */
function triedTasks(
  { run, tasks, now }: SummarySource,
  byTask: ReadonlyMap<TaskId, readonly Attempt[]>,
): Pick<RunSummary, 'done' | 'failed' | 'running'> {
  const stored = new Map(tasks.map((task) => [task.id, task]));
  const done: DoneTask[] = [];
  const failed: FailedTaskSummary[] = [];
  const running: RunSummary['running'][number][] = [];
  for (const [taskId, attempts] of byTask) {
    const task = stored.get(taskId);
    const common = { taskId, title: task?.title ?? '', ...sumOfAttempts(attempts, now) };
    const end = attempts.at(-1)?.end ?? null;
    if (end === null) {
      if (run.endedAt === null) running.push({ taskId, title: common.title, files: common.files });
      continue;
    }
    const { outcome, message, report } = end;
    const { success, advice } = OUTCOME_POLICY[outcome];
    if (success) {
      const { summary = '', followUps = [] } = report ?? {};
      done.push({ ...common, outcome, summary, followUps, note: message });
    } else {
      const status = task?.status ?? 'cancelled';
      failed.push({ ...common, outcome, message, advice: adviceFor(task, advice), status });
    }
  }
  return { done, failed, running };
}

function groupByTask(attempts: readonly Attempt[]): Map<TaskId, Attempt[]> {
  const byTask = new Map<TaskId, Attempt[]>();
  for (const attempt of attempts.toSorted((a, b) => a.id - b.id)) {
    const ofTask = byTask.get(attempt.taskId);
    if (ofTask === undefined) byTask.set(attempt.taskId, [attempt]);
    else ofTask.push(attempt);
  }
  return byTask;
}

function sumOfAttempts(
  attempts: readonly Attempt[],
  now: number,
): Omit<DoneTask, 'taskId' | 'title' | 'outcome' | 'summary' | 'followUps' | 'note'> {
  const usage = attempts.flatMap(({ end }) => end?.usage ?? []);
  const timeOf = ({ startedAt, endedAt }: Attempt): number =>
    Math.max(0, (endedAt === null ? now : Date.parse(endedAt)) - Date.parse(startedAt));
  return {
    attempts: attempts.length,
    durationMs: sumOf(attempts, timeOf),
    tokens: sumOf(usage, totalTokens),
    costUsd: totalCost(usage),
    files: attempts.at(-1)?.files ?? '',
    deniedRules: [...new Set(attempts.flatMap(({ end }) => end?.denials ?? []).map(({ rule }) => rule))],
  };
}

function adviceFor(task: Task | undefined, advice: string): string {
  if (task === undefined) return 'It was deleted meanwhile.';
  if (!isDecided(task.status)) return advice;
  return `It was set to ${task.status} meanwhile; \`retry ${task.id}\` lets it be tried again.`;
}

/**
 * The open tasks that the run did not try, with what they wait for. Groups are left out: their subtasks are the work.
 */
function leftTasks(tasks: readonly Task[], tried: ReadonlyMap<TaskId, unknown>): LeftTask[] {
  const graph = buildTaskGraph(tasks);
  const groups = new Set(tasks.map((task) => parentOf(task.id)));
  return tasks
    .filter((task) => isRunnable(task.status) && !groups.has(task.id) && !tried.has(task.id))
    .map(({ id, title, status }) => {
      const waitingFor = graph.ok ? checkReadiness(graph.value, id).waitingFor : [];
      return { taskId: id, title, status, waitingFor };
    });
}

function shortfall(
  { events, tasks, attempts, history = [] }: SummarySource,
  spentUsd: number,
  failed: RunSummary['failed'],
  left: RunSummary['left'],
): RunSummary['shortage'] {
  const unfinished = [...failed, ...left].filter(({ status }) => isRunnable(status));
  const open = new Set(unfinished.map(({ taskId }) => taskId));
  return findBudgetShortfall({
    events,
    spentUsd,
    maxTaskUsd: Math.max(0, ...failed.map(({ costUsd }) => costUsd)),
    open: tasks.filter(({ id }) => open.has(id)),
    history,
    model: attempts.at(-1)?.model ?? '',
  });
}

function deliveryOf(events: readonly Stamped[]): Delivery | null {
  const delivered = events.findLast((event) => event.type === 'run-delivered');
  return delivered === undefined || delivered.delivery.kind === 'none' ? null : delivered.delivery;
}

/** Where workers worked that had no worktree of their own. */
function sharedDirectories(attempts: readonly Attempt[]): string[] {
  const shared = attempts.filter(({ branch, phase }) => branch === null && phase !== 'preparing');
  return [...new Set(shared.map(({ directory }) => directory))];
}

function currentPause({ current }: Pauses): RunSummary['paused'] {
  if (current === null) return null;
  const { reason, since, until, message } = current;
  return { reason, since: iso(since), until: iso(until), message };
}

/**
 * When the limit resets that holds the run up or stopped it. A limit that reset before the run's end did not stop it.
 */
function resetTime(run: Run, { current, atEnd }: Pauses, attempts: readonly Attempt[]): string | null {
  const pause = current ?? atEnd;
  if (pause !== null && pause.reason !== 'outage') return iso(pause.until);
  if (run.endedAt === null) return null;
  const ended = Date.parse(run.endedAt);
  const resets = attempts.flatMap(({ end }) => end?.resetsAt ?? []).filter((reset) => reset > ended);
  return resets.length === 0 ? null : iso(Math.max(...resets));
}

function sumOf<T>(items: readonly T[], figure: (item: T) => number): number {
  return items.reduce((sum, item) => sum + figure(item), 0);
}

function iso(time: number): string {
  return new Date(time).toISOString();
}
