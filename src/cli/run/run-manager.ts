import type { Event } from '../../event.ts';
import { Failed } from '../../failure.ts';
import { booked } from '../../manager/booked.ts';
import type { Manager, Reviewer } from '../../manager/manager.ts';
import { err } from '../../result.ts';
import { improvePlan, lacksEstimates } from '../planning.ts';
import type { RunContext } from './run-context.ts';

/** What the manager does for a run. It is asked for only when it is needed first, and all it costs is booked. */
export interface RunManager {
  /** Improves the stored plan, unless `--no-plan` forbids it; whatever goes wrong is a warning. */
  plan(signal: AbortSignal): Promise<'manager' | 'cache' | 'stored'>;
  /** Null where changes are not to be reviewed. */
  readonly reviewer: Reviewer | null;
  /** What it has cost in this run so far, in US dollars. */
  readonly costUsd: () => number;
}

/** The manager of one run; `record` stores an event and tells it to the reporters. */
export function managerForRun(
  { cli, options, project, settings, store }: RunContext,
  { runId, record }: { readonly runId: string; readonly record: (event: Event) => void },
): RunManager {
  const { manager: model } = settings.config.models;
  let spentUsd = 0;
  const book = (event: Event): void => {
    if (event.type === 'manager-called')
      spentUsd += event.usage.reduce((sum, { costUsd }) => sum + costUsd, 0);
    record(event);
  };
  let opened: Promise<Manager> | undefined;
  const open = (signal: AbortSignal): Promise<Manager> => {
    opened ??= (async () => {
      const { createManager } = await import('../manager.ts');
      const manager = await createManager(cli, project, settings, signal);
      if (!manager.ok) throw new Failed(manager.error);
      return booked(manager.value, book, runId);
    })();
    // What could not be opened is tried again the next time.
    opened.catch(() => (opened = undefined));
    return opened;
  };

  return {
    async plan(signal) {
      if (options.plan === false || !lacksEstimates(store.tasks())) return 'stored';
      try {
        const warn = (message: string): void => record({ type: 'warning', message });
        return await improvePlan(store, model.model, () => open(signal), signal, warn);
      } catch (error) {
        // What cannot be stored ends the run at its next step; an interrupt ends it anyway.
        if (error instanceof Failed) return 'stored';
        throw error;
      }
    },

    reviewer: settings.config.monitoring.enable_opus_review ? lazyReviewer(open) : null,

    costUsd: () => spentUsd,
  };
}

/** One reviewer for the whole run: it knows which ids it has given to findings. */
function lazyReviewer(open: (signal: AbortSignal) => Promise<Manager>): Reviewer {
  let reviewer: Reviewer | undefined;
  return {
    async review(request, signal) {
      try {
        if (reviewer === undefined) {
          const { createReviewer } = await import('../../manager/review.ts');
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
