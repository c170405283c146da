import { sumUsage, type ModelUsage, type Phase, type ProcessIdentity } from '../../attempt.ts';
import { OUTCOME_POLICY, type AttemptOutcome } from '../../outcome.ts';
import { plural } from '../../reporting/format.ts';
import { nextCommand } from '../../reporting/format-summary.ts';
import { summarize, type RunSummary } from '../../reporting/summary.ts';
import type { Run, TaskStore } from '../../store/store.ts';
import type { Task, TaskId } from '../../task.ts';
import { countTasks, type TaskCounts } from '../tasks/counts.ts';
import { loadBoard, viewTask } from '../tasks/view.ts';

/** Everything that `status` tells; also the documented shape of `status --json`. */
export interface StatusReport {
  readonly run: RunStatus | null;
  readonly running: readonly RunningAttempt[];
  /** Tasks that are work, so groups are left out. */
  readonly tasks: TaskCounts;
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
export interface RunStatus extends RunSummary {
  /** `dead`: its process is gone without an end; the next `run` takes it up. */
  readonly state: 'running' | 'ended' | 'dead';
  readonly pid: number;
}

/** One worker at work. */
interface RunningAttempt {
  readonly taskId: TaskId;
  readonly title: string;
  readonly number: number;
  readonly model: string;
  readonly phase: Phase;
  readonly startedAt: string;
}

/** Something that does not go on without a person. */
interface Attention {
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
  const board = loadBoard(store);
  const { tasks } = board;
  const counts = countTasks(tasks.map((task) => viewTask(board, task)));
  const titles = new Map(tasks.map(({ id, title }) => [id, title]));
  const last = store.lastRun();
  const run = last === undefined ? null : runStatus(store, last, tasks, isAlive, now);
  const unfinished = store.attempts({ running: true });
  const usage = store.usage({ since: new Date(now - 7 * DAY_MS).toISOString() });
  const since5h = new Date(now - DAY_MS * (5 / 24)).toISOString();
  return {
    run,
    running: (run?.state === 'running' ? unfinished : []).map(
      ({ taskId, number, model, phase, startedAt }) => ({
        taskId,
        title: titles.get(taskId) ?? '',
        number,
        model,
        phase,
        startedAt,
      }),
    ),
    tasks: counts,
    usage: {
      run: sumUsage(run?.usage ?? []),
      last5h: sumUsage(usage.filter(({ at }) => at >= since5h)),
      last7d: sumUsage(usage),
    },
    attention: [...deadRun(run, unfinished.length), ...failedTasks(store, tasks)],
    next: nextStep(run, counts),
  };
}

const DAY_MS = 86_400_000;

/** What a run was delivered as is among its last words. */
const LAST_EVENTS = 10;

function runStatus(
  store: TaskStore,
  run: Run,
  tasks: readonly Task[],
  isAlive: (process: ProcessIdentity) => boolean,
  now: number,
): RunStatus {
  const state = run.endedAt !== null ? 'ended' : isAlive(run.process) ? 'running' : 'dead';
  const attempts = store.attempts({ runId: run.id });
  const summary = summarize({
    run,
    attempts,
    tasks,
    usage: store.usage({ runId: run.id }),
    events: store.events({ runId: run.id, limit: LAST_EVENTS }),
    now,
  });
  return { ...summary, state, pid: run.process.pid };
}

function deadRun(run: RunStatus | null, unfinished: number): Attention[] {
  if (run?.state !== 'dead') return [];
  const work = unfinished === 0 ? '' : `, in the middle of ${plural(unfinished, 'task')}`;
  return [
    {
      taskId: null,
      title: '',
      outcome: null,
      message: `Run ${run.runId} was killed${work}: its process ${run.pid} is gone.`,
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
        advice: denials.length === 0 ? advice : `${advice} To add: ${[...new Set(denials)].join(', ')}`,
      };
    });
}

function nextStep(run: RunStatus | null, tasks: TaskCounts): string {
  if (tasks.total === 0) return 'claude-orchestrator parse prd.md';
  if (tasks.done + tasks.cancelled === tasks.total) return stepAfter(run);
  if (run?.state === 'running') return 'claude-orchestrator status --watch';
  if (run?.state === 'ended' && run.outcome !== 'completed') return nextCommand(run);
  return run?.state === 'dead' || tasks.ready > 0 ? 'claude-orchestrator run' : 'claude-orchestrator list';
}

/** With every task done: what became of the results since is looked up by the commands that are named. */
function stepAfter(run: RunStatus | null): string {
  if (run?.state === 'dead' || run?.delivery?.kind === 'left') return 'claude-orchestrator run';
  return run?.delivery?.kind === 'staged' ? 'git diff --staged' : 'claude-orchestrator add "what comes next"';
}
