import type { Delivery, RunCounts, RunEnd } from '../domain/event.ts';
import type { Governor } from './governor.ts';
import { formatMoney } from '../domain/text/format.ts';

/** How a run ended that has nothing left to do, and what is to be said of it. */
export function runEnding(
  isInterrupted: boolean,
  { stop, overBudget }: Pick<Governor, 'stop' | 'overBudget'>,
  { total, done, failed }: RunCounts,
  toComeUsd: number,
  delivery: Pick<Delivery, 'kind'>,
): RunEnd {
  if (isInterrupted)
    return { outcome: 'interrupted', message: 'Stopped by a person; `run` goes on where it was.' };
  const needed = `About ${formatMoney(toComeUsd)} more is expected for what is left`;
  if (stop?.outcome === 'over-budget')
    return {
      ...stop,
      message: `${stop.message} ${needed}; raise budget.max_cost_usd or --max-cost to go on.`,
    };
  if (stop !== null) return stop;
  if (done === total)
    return {
      outcome: 'completed',
      message: delivery.kind === 'left' ? 'The results are not delivered.' : '',
    };
  const left = total - done - failed;
  const figures = [...(failed > 0 ? [`${failed} failed`] : []), ...(left > 0 ? [`${left} still to do`] : [])];
  const message = `${figures.join(', ')}.`;
  if (overBudget === 0) return { outcome: 'completed-with-failures', message };
  return {
    outcome: 'over-budget',
    message: `${message} The budget cut short ${overBudget === 1 ? '1 task' : `${overBudget} tasks`}. ${needed}; raise the budget to go on.`,
  };
}
