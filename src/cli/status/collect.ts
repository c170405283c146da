import {
  OUTCOME_POLICY,
  sumUsage,
  type AttemptOutcome,
  type ModelUsage,
  type Phase,
  type ProcessIdentity,
} from '../../attempt.ts';
import type { RunOutcome } from '../../event.ts';
import type { Run, TaskStore } from '../../store/store.ts';
import { isRunnable, TASK_STATUSES, type Task, type TaskId, type TaskStatus } from '../../task.ts';
import { buildTaskGraph, readiness } from '../../task-graph.ts';

/** Everything that `status` tells; also the documented shape of `status --json`. */
export interface StatusReport {
  readonly run: RunStatus | null;
  readonly running: readonly RunningAttempt[];
  /** Tasks that are work, so groups are left out. */
  readonly tasks: Readonly<Record<TaskStatus, number>> & { readonly total: number; readonly ready: number };
  /** Per model, of the manager's calls and the workers together. */
  readonly usage: {
    readonly run: readonly ModelUsage[];
    readonly last5h: readonly ModelUsage[];
    readonly last7d: readonly ModelUsage[];
  };
  readonly attention: readonly Attention[];
  /** The command that a person would give now. */
  readonly next: string;
}

/** The run in progress, or else the last one. */
export interface RunStatus {
  readonly id: string;
  /** `dead`: its process is gone without an end; the next `run` takes it up. */
  readonly state: 'running' | 'ended' | 'dead';
  readonly pid: number;
  readonly workers: number;
  readonly billing: string;
  readonly startedAt: string;
  readonly endedAt: string | null;
  readonly outcome: RunOutcome | null;
  readonly message: string;
  readonly attempts: number;
}

/** One worker at work. */
export interface RunningAttempt {
  readonly taskId: TaskId;
  readonly title: string;
  readonly number: number;
  readonly model: string;
  readonly phase: Phase;
  readonly startedAt: string;
}

/** Something that does not go on without a person. */
export interface Attention {
  readonly taskId: TaskId | null;
  readonly title: string;
  readonly outcome: AttemptOutcome | null;
  readonly message: string;
  readonly advice: string;
}

/** Looks everything up; `now` is in Unix milliseconds. */
export function collectStatus(
  store: TaskStore,
  isAlive: (process: ProcessIdentity) => boolean,
  now: number,
): StatusReport {
  const tasks = store.tasks();
  const titles = new Map(tasks.map(({ id, title }) => [id, title]));
  const last = store.lastRun();
  const run = last === undefined ? null : runStatus(store, last, isAlive);
  const counts = countTasks(tasks);
  const usage = store.usage({ since: new Date(now - 7 * DAY_MS).toISOString() });
  const since5h = new Date(now - DAY_MS * (5 / 24)).toISOString();
  return {
    run,
    running: store.attempts({ running: true }).map(({ taskId, number, model, phase, startedAt }) => ({
      taskId,
      title: titles.get(taskId) ?? '',
      number,
      model,
      phase,
      startedAt,
    })),
    tasks: counts,
    usage: {
      run: run === null ? [] : sumUsage(store.usage({ runId: run.id })),
      last5h: sumUsage(usage.filter(({ at }) => at >= since5h)),
      last7d: sumUsage(usage),
    },
    attention: [...deadRun(run), ...failedTasks(store, tasks)],
    next: nextCommand(run, counts),
  };
}

const DAY_MS = 86_400_000;

function runStatus(store: TaskStore, run: Run, isAlive: (process: ProcessIdentity) => boolean): RunStatus {
  const { id, workers, billing, startedAt, endedAt, outcome, message } = run;
  const state = endedAt !== null ? 'ended' : isAlive(run.process) ? 'running' : 'dead';
  const attempts = store.attempts({ runId: id }).length;
  return {
    id,
    state,
    pid: run.process.pid,
    workers,
    billing,
    startedAt,
    endedAt,
    outcome,
    message,
    attempts,
  };
}

function countTasks(tasks: readonly Task[]): StatusReport['tasks'] {
  const counts = Object.fromEntries(TASK_STATUSES.map((status) => [status, 0])) as Record<TaskStatus, number>;
  const built = buildTaskGraph(tasks);
  let total = 0;
  let ready = 0;
  for (const task of tasks) {
    if (built.ok && built.value.isGroup(task.id)) continue;
    total++;
    counts[task.status]++;
    if (built.ok && isRunnable(task.status) && readiness(built.value, task.id).ready) ready++;
  }
  return { total, ready, ...counts };
}

function deadRun(run: RunStatus | null): Attention[] {
  if (run?.state !== 'dead') return [];
  return [
    {
      taskId: null,
      title: '',
      outcome: null,
      message: `Run ${run.id} was killed: its process ${run.pid} is gone.`,
      advice: '`run` takes it up where it stopped.',
    },
  ];
}

function failedTasks(store: TaskStore, tasks: readonly Task[]): Attention[] {
  return tasks
    .filter(({ status }) => status === 'failed')
    .map(({ id, title }) => {
      const end = store.attempts({ taskId: id }).findLast((attempt) => attempt.end !== null)?.end;
      const denials = end?.denials.map(({ rule }) => rule) ?? [];
      const advice = end === undefined || end === null ? 'Run again.' : OUTCOME_POLICY[end.outcome].advice;
      return {
        taskId: id,
        title,
        outcome: end?.outcome ?? null,
        message: end?.message ?? '',
        advice: denials.length === 0 ? advice : `${advice} Denied: ${[...new Set(denials)].join(', ')}.`,
      };
    });
}

function nextCommand(run: RunStatus | null, tasks: StatusReport['tasks']): string {
  if (tasks.total === 0) return 'claude-orchestrator parse prd.md';
  if (run?.state === 'running') return 'claude-orchestrator status --watch';
  if (run?.state === 'dead' || tasks.ready > 0 || tasks['in-progress'] > 0) return 'claude-orchestrator run';
  return tasks.done + tasks.cancelled === tasks.total
    ? 'claude-orchestrator add "what comes next"'
    : 'claude-orchestrator list';
}
