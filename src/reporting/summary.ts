import { sumUsage, totalTokens, type Attempt, type ModelUsage } from '../domain/attempt.ts';
import type { Delivery, PauseReason, RunCounts, RunOutcome, Stamped } from '../domain/event.ts';
import { OUTCOME_POLICY, type AttemptOutcome } from '../domain/outcome.ts';
import type { CutOffCalls, Run, UsageRecord } from '../store/store.ts';
import type { FinishedWork } from '../domain/estimate.ts';
import { Pauses } from '../domain/text/pauses.ts';
import { shortageOf, type Shortage } from '../domain/budget-shortfall.ts';
import { buildTaskGraph, readiness } from '../domain/task-graph.ts';
import { isRunnable, parentOf, type Task, type TaskId, type TaskStatus } from '../domain/task.ts';

/** What a summary is made from: the run, its own attempts and usage, and all tasks. */
export interface SummarySource {
  readonly run: Run;
  readonly attempts: readonly Attempt[];
  readonly tasks: readonly Task[];
  readonly usage: readonly UsageRecord[];
  /** Of the run, at least those of `SUMMARY_EVENTS`. */
  readonly events: readonly Stamped[];
  /** What the run and those that it continues have spent of a budget, in US dollars; its own cost if left away. */
  readonly spentUsd?: number;
  /** Calls of the manager in those runs that a kill has cut off. */
  readonly cutOff?: CutOffCalls;
  /** What finished work has cost, for a run that a budget has ended. */
  readonly history?: readonly FinishedWork[];
  /** Unix milliseconds. */
  readonly now: number;
}

/** The types of events that a summary is made from. */
export const SUMMARY_EVENTS = [
  'run-started',
  'run-paused',
  'run-resumed',
  'budget-wait',
  'run-delivered',
  'run-ended',
] as const;

/** What every task in a summary has. */
interface SummarizedTask {
  readonly taskId: TaskId;
  readonly title: string;
  /** Attempts in this run. */
  readonly attempts: number;
  /** Working time of all its attempts in this run. */
  readonly durationMs: number;
  readonly tokens: number;
  readonly costUsd: number;
  /** The folder of its last attempt: prompt, transcript, stderr. */
  readonly files: string;
  /** Allow rules that would have let through what was denied to it. */
  readonly deniedRules: readonly string[];
}

/** A task that this run did. */
export interface DoneTask extends SummarizedTask {
  readonly outcome: AttemptOutcome;
  /** What the worker says it did. */
  readonly summary: string;
  /** What the worker says should follow. */
  readonly followUps: readonly string[];
  /** What is to be said of it besides, such as files that git ignores; mostly empty. */
  readonly note: string;
}

/** A task that this run tried and did not do. */
export interface FailedTaskSummary extends SummarizedTask {
  readonly outcome: AttemptOutcome;
  readonly message: string;
  /** What a person can do about it. */
  readonly advice: string;
  readonly status: TaskStatus;
}

/** A task that a worker works on right now. */
interface RunningTask {
  readonly taskId: TaskId;
  readonly title: string;
  readonly files: string;
}

/** A task that is still to do and that this run did not try. */
export interface LeftTask {
  readonly taskId: TaskId;
  readonly title: string;
  readonly status: TaskStatus;
  /** Unsettled tasks it needs; empty if it could start. */
  readonly waitingFor: readonly TaskId[];
}

/** What one model used for one role. */
interface RoleUsage extends ModelUsage {
  readonly role: 'manager' | 'worker';
}

/** A pause that lasts. Times in ISO 8601, UTC. */
interface PausedSummary {
  readonly reason: PauseReason;
  readonly since: string;
  readonly until: string;
  readonly message: string;
}

/** One run, summed up: the shape that `--json` prints and scripts rely on; fields are only ever added. */
export interface RunSummary {
  readonly runId: string;
  /** Null while the run goes on. */
  readonly outcome: RunOutcome | null;
  readonly message: string;
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  readonly endedAt: string | null;
  /** From its start to its end, or until now. */
  readonly durationMs: number;
  /** The part of it in which nothing was allowed to start. */
  readonly pausedMs: number;
  /** Why nothing starts right now; null while something may, and once the run is over. */
  readonly paused: PausedSummary | null;
  /** How many tasks could start but for the money that running ones hold. */
  readonly waitingForBudget: number;
  readonly workers: number;
  readonly billing: string;
  readonly counts: RunCounts;
  readonly done: readonly DoneTask[];
  readonly failed: readonly FailedTaskSummary[];
  readonly running: readonly RunningTask[];
  readonly left: readonly LeftTask[];
  readonly usage: readonly RoleUsage[];
  readonly tokens: number;
  readonly costUsd: number;
  /** The same with what the runs have cost that this one continues: what a budget counts. */
  readonly spentUsd: number;
  /** What of it was booked for calls of the manager that a kill has cut off; null where there are none. */
  readonly cutOff: CutOffCalls | null;
  /** The ceiling that ended the run, and what it has to be at least; null where no budget did. */
  readonly shortage: Shortage | null;
  /** When a usage limit that holds the run up, or has stopped it, resets: ISO 8601, UTC; else null. */
  readonly resetsAt: string | null;
  /** What became of what landed; null while the run goes on, and where workers share a directory. */
  readonly delivery: Delivery | null;
  /** The directories in which workers worked that had none of their own: the changes are there. */
  readonly directories: readonly string[];
}

/** Sums a run up from what the store has of it. */
export function summarize(source: SummarySource): RunSummary {
  const { run, attempts, tasks, usage, events, now } = source;
  const byTask = groupByTask(attempts);
  const titles = new Map(tasks.map((task) => [task.id, task]));
  const done: DoneTask[] = [];
  const failed: FailedTaskSummary[] = [];
  const running: RunningTask[] = [];
  for (const [taskId, tries] of byTask) {
    const last = tries.at(-1);
    const task = titles.get(taskId);
    const common = summarizeTries(taskId, task?.title ?? '', tries, now);
    if (last?.end == null) {
      if (run.endedAt === null) running.push({ taskId, title: common.title, files: common.files });
      continue;
    }
    const { outcome, message, report } = last.end;
    const { success, advice } = OUTCOME_POLICY[outcome];
    if (success) {
      const { summary = '', followUps = [] } = report ?? {};
      done.push({ ...common, outcome, summary, followUps, note: message });
    } else {
      const status = task?.status ?? 'cancelled';
      failed.push({ ...common, outcome, message, advice: adviceFor(task, advice), status });
    }
  }
  const left = leftTasks(tasks, byTask);
  const perRole = usagePerRole(usage);
  const costUsd = perRole.reduce((sum, each) => sum + each.costUsd, 0);
  const spentUsd = Math.max(costUsd, source.spentUsd ?? 0);
  const end = run.endedAt === null ? now : Date.parse(run.endedAt);
  const pauses = new Pauses();
  for (const event of events) pauses.apply(event);
  // What a usage limit or a person stopped is still to do, and no failure of the task.
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
    paused: run.endedAt === null ? pausedSummary(pauses) : null,
    waitingForBudget: run.endedAt === null ? waitingForBudget(events) : 0,
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
    usage: perRole,
    tokens: perRole.reduce((sum, each) => sum + totalTokens(each), 0),
    costUsd,
    spentUsd,
    cutOff: source.cutOff === undefined || source.cutOff.calls === 0 ? null : source.cutOff,
    shortage: run.outcome === 'over-budget' ? shortage(source, spentUsd, failed, left) : null,
    resetsAt: resetOf(run, pauses, attempts),
    delivery: deliveryOf(events),
    directories: [
      ...new Set(
        attempts
          .filter(({ branch, phase }) => branch === null && phase !== 'preparing')
          .map(({ directory }) => directory),
      ),
    ],
  };
}

/** Whether a person has said meanwhile what becomes of a task: it has not failed, and no run goes on with it. */
export function isDecided(status: TaskStatus): boolean {
  return !isRunnable(status) && status !== 'in-progress';
}

function adviceFor(task: Task | undefined, advice: string): string {
  if (task === undefined) return 'It was deleted meanwhile.';
  if (!isDecided(task.status)) return advice;
  return `It was set to ${task.status} meanwhile; \`retry ${task.id}\` lets it be tried again.`;
}

function groupByTask(attempts: readonly Attempt[]): Map<TaskId, Attempt[]> {
  const byTask = new Map<TaskId, Attempt[]>();
  for (const attempt of attempts.toSorted((a, b) => a.id - b.id)) {
    const tries = byTask.get(attempt.taskId);
    if (tries === undefined) byTask.set(attempt.taskId, [attempt]);
    else tries.push(attempt);
  }
  return byTask;
}

function summarizeTries(
  taskId: TaskId,
  title: string,
  tries: readonly Attempt[],
  now: number,
): SummarizedTask {
  const usages = tries.flatMap((attempt) => attempt.end?.usage ?? []);
  const times = tries.map(({ startedAt, endedAt }) =>
    Math.max(0, (endedAt === null ? now : Date.parse(endedAt)) - Date.parse(startedAt)),
  );
  const rules = tries.flatMap((attempt) => attempt.end?.denials ?? []).map((denial) => denial.rule);
  return {
    taskId,
    title,
    attempts: tries.length,
    durationMs: times.reduce((sum, time) => sum + time, 0),
    tokens: usages.reduce((sum, usage) => sum + totalTokens(usage), 0),
    costUsd: usages.reduce((sum, usage) => sum + usage.costUsd, 0),
    files: tries.at(-1)?.files ?? '',
    deniedRules: [...new Set(rules)],
  };
}

/** Open leaves that the run did not try, with what they wait for; groups are no work of their own. */
function leftTasks(tasks: readonly Task[], tried: ReadonlyMap<TaskId, unknown>): LeftTask[] {
  const graph = buildTaskGraph(tasks);
  const groups = new Set(tasks.map((task) => parentOf(task.id)));
  return tasks
    .filter((task) => isRunnable(task.status) && !groups.has(task.id) && !tried.has(task.id))
    .map(({ id, title, status }) => {
      const waitingFor = graph.ok ? readiness(graph.value, id).waitingFor : [];
      return { taskId: id, title, status, waitingFor };
    });
}

function shortage(
  { events, tasks, attempts, history = [] }: SummarySource,
  spentUsd: number,
  failed: readonly FailedTaskSummary[],
  left: readonly LeftTask[],
): Shortage {
  const open = new Set(
    [...failed, ...left].filter(({ status }) => isRunnable(status)).map(({ taskId }) => taskId),
  );
  return shortageOf({
    events,
    spentUsd,
    dearestUsd: Math.max(0, ...failed.map(({ costUsd }) => costUsd)),
    open: tasks.filter(({ id }) => open.has(id)),
    history,
    model: attempts.at(-1)?.model ?? '',
  });
}

function usagePerRole(usage: readonly UsageRecord[]): RoleUsage[] {
  return (['manager', 'worker'] as const).flatMap((role) =>
    sumUsage(usage.filter((record) => record.role === role)).map((sum) => ({ role, ...sum })),
  );
}

function waitingForBudget(events: readonly Stamped[]): number {
  return events.findLast((event) => event.type === 'budget-wait')?.waiting ?? 0;
}

function deliveryOf(events: readonly Stamped[]): Delivery | null {
  const delivered = events.findLast((event) => event.type === 'run-delivered');
  return delivered === undefined || delivered.delivery.kind === 'none' ? null : delivered.delivery;
}

function pausedSummary({ current }: Pauses): PausedSummary | null {
  if (current === null) return null;
  const { reason, since, until, message } = current;
  return { reason, since: iso(since), until: iso(until), message };
}

/** When what holds a run up, or has stopped it, is over; what was over before its end has stopped nothing. */
function resetOf(run: Run, { current, atEnd }: Pauses, attempts: readonly Attempt[]): string | null {
  const pause = current ?? atEnd;
  if (pause !== null && pause.reason !== 'outage') return iso(pause.until);
  if (run.endedAt === null) return null;
  const ended = Date.parse(run.endedAt);
  const resets = attempts.flatMap(({ end }) => end?.resetsAt ?? []).filter((reset) => reset > ended);
  return resets.length === 0 ? null : iso(Math.max(...resets));
}

function iso(time: number): string {
  return new Date(time).toISOString();
}
