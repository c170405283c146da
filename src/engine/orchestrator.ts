import { Dispatcher } from './dispatcher.ts';
import type { Delivery, RunEnd } from '../domain/event.ts';
import { messageOf } from '../domain/failure.ts';
import type { RunOptions, RunParts, RunResult } from './run.ts';
import { formatMoney } from '../domain/text/format.ts';

/**
 * Runs the stored tasks in dependency order, from the attempts that a killed run has left to the delivery of what landed.
 * The dispatcher does the tasks (each: work, verify, review, land).
 *
 * When `signal` aborts, nothing new starts, running workers are ended, and the run ends as `interrupted`.
 */
export async function orchestrate(
  parts: RunParts,
  options: RunOptions,
  signal: AbortSignal,
): Promise<RunResult> {
  const { store, worker, workspaces, reporter, budget, isAlive } = parts;
  const { runId, process, workers, billing, accounts } = options;
  const { maxCostUsd, maxCostPerTaskUsd } = budget.options;
  const dispatcher = new Dispatcher(parts, options, signal);

  // Until the run is stored, a refusal leaves no trace: nothing has started.
  store.requireAlone(isAlive);
  const unfinished = store.attempts({ running: true });
  await worker.endOrphans(new Set(unfinished.map(({ id }) => id)));
  const notes = await workspaces.begin(runId, unfinished);
  const tasks = dispatcher.counts().total + unfinished.length;
  const run = { id: runId, process, workers, tasks, billing, accounts, maxCostUsd, maxCostPerTaskUsd };
  reporter.report(store.startRun(run, isAlive));

  try {
    for (const message of notes) reporter.report(store.record({ type: 'warning', message }));
    await dispatcher.run(unfinished);
    const delivery = await workspaces.deliver();
    if (delivery.kind !== 'none') reporter.report(store.record({ type: 'run-delivered', runId, delivery }));
    const end = concludeRun(dispatcher, signal.aborted, delivery);
    reporter.report(store.endRun(runId, end.outcome, end.message));
    return { ...end, delivery, results: dispatcher.results() };
  } catch (error) {
    endBrokenRun(parts, runId, error);
    throw error;
  }
}

/** Decides how a run ended that has nothing left to do. */
function concludeRun(dispatcher: Dispatcher, isInterrupted: boolean, delivery: Delivery): RunEnd {
  const { stop, overBudget } = dispatcher;
  const { total, done, failed } = dispatcher.counts();
  if (isInterrupted) return { outcome: 'interrupted', message: 'Stopped by a person; `run` continues it.' };
  const needed = `The rest is expected to cost about ${formatMoney(dispatcher.expectedUsd())}`;
  if (stop?.outcome === 'over-budget') {
    const message = `${stop.message} ${needed}; raise budget.max_cost_usd or --max-cost to continue.`;
    return { ...stop, message };
  }
  if (stop !== null) return stop;
  if (done === total) {
    const message = delivery.kind === 'left' ? 'The results are not delivered.' : '';
    return { outcome: 'completed', message };
  }
  const left = total - done - failed;
  const figures = [...(failed > 0 ? [`${failed} failed`] : []), ...(left > 0 ? [`${left} still to do`] : [])];
  const message = `${figures.join(', ')}.`;
  if (overBudget === 0) return { outcome: 'completed-with-failures', message };
  const tasks = overBudget === 1 ? '1 task' : `${overBudget} tasks`;
  return {
    outcome: 'over-budget',
    message: `${message} The budget cut short ${tasks}. ${needed}; raise the budget to continue.`,
  };
}

/** Ends the stored run where that is still possible, so that nothing takes it for a run that goes on. */
function endBrokenRun({ store, reporter }: RunParts, runId: string, error: unknown): void {
  try {
    reporter.report(store.endRun(runId, 'interrupted', messageOf(error)));
  } catch {
    // The store itself has failed. The next run finds this one without an end, and settles it.
  }
}
