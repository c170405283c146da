import { sumUsage } from '../../domain/attempt.ts';
import { formatMoney } from '../../domain/text/format.ts';
import type { TaskStore } from '../../store/store.ts';

/** What a pull request says of the run whose results it offers: what was done, how it was proven, what it cost. */
export function describePullRequest(store: TaskStore, runId: string): { title: string; body: string } {
  const titles = new Map(store.tasks().map(({ id, title }) => [id, title]));
  const landed = store
    .attempts({ runId })
    .flatMap(({ taskId, end }) => (end?.outcome === 'landed' ? [{ taskId, end }] : []));
  const done = landed.map(({ taskId, end: { report, review, gates } }) => {
    const proof = [
      ...gates.map(({ command, verdict }) => `\`${command}\` ${verdict.replace('-', ' ')}`),
      ...(review === null ? [] : [`review ${review.verdict} in round ${review.round}`]),
    ].join(', ');
    const summary = (report?.summary ?? '').replace(/\s+/g, ' ').trim();
    return `- **${taskId} ${titles.get(taskId) ?? ''}**: ${summary}${proof === '' ? '' : ` (${proof})`}`;
  });
  const usage = sumUsage(store.usage({ runId }));
  const cost = usage.map(({ model, costUsd }) => `${model} ${formatMoney(costUsd)}`).join(', ');
  const only = landed.length === 1 ? landed[0] : undefined;
  const title =
    only === undefined ? `${landed.length} tasks by claude-orchestrator` : (titles.get(only.taskId) ?? runId);
  return { title, body: [...done, '', `Run ${runId}${cost === '' ? '' : `, cost: ${cost}`}`].join('\n') };
}
