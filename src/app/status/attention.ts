import type { RunOutcome } from '../../domain/event.ts';
import { OUTCOME_POLICY } from '../../domain/outcome.ts';
import { plural } from '../../domain/text/format.ts';
import type { TaskStore } from '../../store/store.ts';
import type { TaskCounts } from '../../domain/task-outline.ts';
import type { Attention, RunStatus } from '../contract/status.ts';

/** What needs a person: a run that does not go on by itself first, then the tasks that failed. */
export function attentionFor(
  store: TaskStore,
  run: RunStatus | null,
  { total, done, cancelled }: TaskCounts,
  unfinished: number,
): Attention[] {
  const isOpen = total > done + cancelled;
  return [
    ...(run?.state === 'dead' ? [deadRun(run, unfinished)] : []),
    ...(run?.state === 'ended' && isOpen ? stoppedRun(run) : []),
    ...failedTasks(store),
  ];
}

const ABOUT_RUN = { taskId: null, title: '' } as const;

function deadRun({ runId, pid }: RunStatus, unfinished: number): Attention {
  const work = unfinished === 0 ? '' : `, in the middle of ${plural(unfinished, 'task')}`;
  return {
    ...ABOUT_RUN,
    outcome: null,
    message: `Run ${runId} was killed${work}: its process ${pid} is gone.`,
    advice: '`run` takes it up where it stopped.',
  };
}

/** How a person lets a run go on that was stopped by something other than its tasks. */
const STOPPED: Readonly<Partial<Record<RunOutcome, string>>> = {
  'paused-usage-limit':
    '`run` goes on with the same sessions once the limit has reset; no task lost an attempt.',
  unauthenticated: OUTCOME_POLICY.unauthenticated.advice,
  'model-unavailable': OUTCOME_POLICY['model-unavailable'].advice,
  outage: 'Look what fails with `check`, then `run` again; no task lost an attempt.',
};

/** How a person gives a run more to spend. */
const MORE: Readonly<Record<NonNullable<RunStatus['shortage']>['key'], string>> = {
  'budget.max_cost_usd':
    'Raise budget.max_cost_usd, or give it more with `run --max-cost`; both count what is spent already.',
  'budget.max_cost_per_task_usd':
    'Raise budget.max_cost_per_task_usd; it counts what all attempts at a task have spent already.',
};

function stoppedRun({ outcome, message, shortage }: RunStatus): Attention[] {
  const advice = shortage !== null ? MORE[shortage.key] : outcome === null ? undefined : STOPPED[outcome];
  return advice === undefined ? [] : [{ ...ABOUT_RUN, outcome, message, advice }];
}

function failedTasks(store: TaskStore): Attention[] {
  return store.failedTasks().map(({ id, title }) => {
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
