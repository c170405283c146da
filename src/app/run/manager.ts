import { totalCost, type ProcessIdentity } from '../../domain/attempt.ts';
import type { Budget } from '../../engine/budget.ts';
import type { Event } from '../../domain/event.ts';
import { Failed } from '../../domain/failure.ts';
import { recordCalls } from '../../manager/record-calls.ts';
import type { Manager, Reviewer } from '../../manager/manager.ts';
import { err } from '../../domain/result.ts';
import type { IntendedCall } from '../../store/store.ts';
import type { UsageLedger } from '../../usage/ledger.ts';
import { planTasks, lacksEstimates } from '../planning/plan-tasks.ts';
import type { RunJob } from './job.ts';

/** What the manager does for a run. It is asked for only when it is needed first, and all it costs is booked. */
export interface RunManager {
  /** Improves the stored plan, unless `--no-plan` forbids it; whatever goes wrong is a warning. */
  plan(signal: AbortSignal): Promise<'manager' | 'cache' | 'stored'>;
  /** Null where changes are not to be reviewed. */
  readonly reviewer: Reviewer | null;
}

/** What a run has for its manager. */
export interface RunManagerParts {
  readonly runId: string;
  /** This process. */
  readonly process: ProcessIdentity;
  /** Stores an event and tells it to the reporters. */
  readonly record: (event: Event) => void;
  /** The manager is asked only while there is money. */
  readonly budget: Budget;
  readonly ledger: UsageLedger;
}

/** The manager of one run. */
export function managerForRun(
  { services, request, project, settings, store }: RunJob,
  { runId, process, record, budget, ledger }: RunManagerParts,
): RunManager {
  const { manager: model } = settings.config.models;
  const book = (event: Event): void => {
    if (event.type === 'manager-called') {
      budget.chargeManager(totalCost(event.usage));
      ledger.book({ role: 'manager', runId, taskId: null, usage: event.usage });
    }
    record(event);
  };
  let opened: Promise<Manager> | undefined;
  const open = (signal: AbortSignal): Promise<Manager> => {
    opened ??= (async () => {
      const { createManager } = await import('../planning/manager.ts');
      const manager = await createManager(services, project, settings, signal, (observation) =>
        ledger.observe('manager', observation),
      );
      if (!manager.ok) throw new Failed(manager.error);
      const intend = (call: IntendedCall): number => store.calls.intend(call);
      const books = { intend, record: book, runId, process, model: model.model };
      return withinBudget(recordCalls(manager.value, books), budget);
    })();
    // What could not be opened is tried again the next time.
    opened.catch(() => (opened = undefined));
    return opened;
  };

  return {
    async plan(signal) {
      if (request.plan === false || !lacksEstimates(store.tasks())) return 'stored';
      try {
        const warn = (message: string): void => record({ type: 'warning', message });
        return await planTasks(store, model.model, () => open(signal), signal, warn);
      } catch (error) {
        // What cannot be stored ends the run at its next step; an interrupt ends it anyway.
        if (error instanceof Failed) return 'stored';
        throw error;
      }
    },

    reviewer: settings.config.monitoring.enable_opus_review ? lazyReviewer(open) : null,
  };
}

/** The same manager, who is not asked once the money is spent. */
function withinBudget(manager: Manager, budget: Budget): Manager {
  return {
    ...manager,
    ask: async (question, signal) => {
      if (budget.mayAskManager()) return await manager.ask(question, signal);
      const message = `The run's budget is spent, so the manager was not asked to ${question.purpose}.`;
      const fix = 'Raise budget.max_cost_usd or --max-cost, then `run` again.';
      return err({ failure: { reason: 'over-budget', message, fix }, usage: [], durationMs: 0 });
    },
  };
}

/** One reviewer for the whole run: it knows which ids it has given to findings. */
function lazyReviewer(open: (signal: AbortSignal) => Promise<Manager>): Reviewer {
  let reviewer: Reviewer | undefined;
  return {
    async review(request, signal) {
      try {
        if (reviewer === undefined) {
          const { createReviewer } = await import('../../manager/review/reviewer.ts');
          const manager = await open(signal);
          reviewer ??= createReviewer(manager);
        }
      } catch (error) {
        if (error instanceof Failed) return err(error.failure);
        throw error;
      }
      return await reviewer.review(request, signal);
    },
  };
}
