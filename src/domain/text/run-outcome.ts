import type { BudgetShortfall } from '../budget-shortfall.ts';
import type { Delivery, RunCounts, RunOutcome } from '../event.ts';
import { isDecided, type TaskId, type TaskStatus } from '../task.ts';

/** How a run ended, in plain words. */
export const RUN_OUTCOME_WORDS: Readonly<Record<RunOutcome, string>> = {
  completed: 'Everything is done.',
  'completed-with-failures': 'The run is over, but not everything is done.',
  'paused-usage-limit': 'Stopped at a usage limit; the rest is still to do.',
  'over-budget': 'Stopped at the budget; the rest is still to do.',
  unauthenticated: 'Stopped: the credentials do not work.',
  'model-unavailable': 'Stopped: the model cannot be used.',
  outage: 'Stopped: the API or this machine did not recover; the rest is still to do.',
  interrupted: 'Interrupted; what was done so far is saved.',
};

/** The part of a run's summary that says how the run ended. */
interface EndedRun {
  /** Null while the run goes on. */
  readonly outcome: RunOutcome | null;
  readonly counts: RunCounts;
  readonly delivery: Delivery | null;
}

/** Says in one sentence how a run ended. */
export function describeOutcome({ outcome, counts, delivery }: EndedRun): string {
  if (outcome === null) return 'The run goes on.';
  if (outcome !== 'completed') return RUN_OUTCOME_WORDS[outcome];
  const words =
    counts.waiting > 0
      ? 'Everything this run was asked for is done.'
      : counts.done < counts.total
        ? 'Everything but what was set aside is done.'
        : RUN_OUTCOME_WORDS.completed;
  // A reader must not take it for granted that the results are in the checkout.
  return delivery?.kind === 'left' ? words.replace(/\.$/, ', but the results are not delivered.') : words;
}

/** The part of a run's summary that says what to do next. */
interface ContinuableRun extends Omit<EndedRun, 'counts'> {
  readonly failed: readonly { readonly taskId: TaskId; readonly status: TaskStatus }[];
  readonly left: readonly unknown[];
  readonly shortage: BudgetShortfall | null;
}

/** The one command that a person would give next: for what failed, else for results that are not delivered. */
export function nextCommand({ outcome, failed, left, shortage, delivery }: ContinuableRun): string {
  switch (outcome) {
    case null:
      return 'claude-orchestrator status --watch';
    case 'completed-with-failures': {
      const first = failed.find(({ status }) => !isDecided(status)) ?? failed[0];
      return first === undefined ? 'claude-orchestrator list' : `claude-orchestrator show ${first.taskId}`;
    }
    case 'completed': {
      const take = delivery?.kind === 'staged' ? 'git diff --staged' : delivery?.commands[0];
      return take ?? (left.length > 0 ? 'claude-orchestrator run' : 'claude-orchestrator list');
    }
    case 'over-budget':
      return runWithMore(shortage);
    case 'unauthenticated':
    case 'model-unavailable':
      return 'claude-orchestrator check';
    case 'paused-usage-limit':
    case 'outage':
    case 'interrupted':
      return 'claude-orchestrator run';
  }
}

/** Both ceilings count what was spent before; the ceiling for a task has no option of its own. */
function runWithMore(shortfall: BudgetShortfall | null): string {
  if (shortfall === null) return 'claude-orchestrator run';
  const { key, neededUsd } = shortfall;
  return key === 'budget.max_cost_usd'
    ? `claude-orchestrator run --max-cost ${neededUsd}`
    : `CLAUDE_ORCHESTRATOR__BUDGET__MAX_COST_PER_TASK_USD=${neededUsd} claude-orchestrator run`;
}
