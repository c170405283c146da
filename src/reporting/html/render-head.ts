import { formatDuration, formatMoney, formatTokens, plural } from '../../domain/text/format.ts';
import { nextCommand, describeOutcome } from '../../domain/text/run-outcome.ts';
import type { LocalClock } from './local-clock.ts';
import { html, NOTHING, type Markup } from './markup.ts';
import type { ChangeSize, Report } from './report-model.ts';
import { sentence, shorten } from './words.ts';

const LONGEST = 2000;

/** How the run ended, what became of its results, and its figures. */
export function renderHead(report: Report, clock: LocalClock): Markup {
  const { summary } = report;
  const { outcome, message, startedAt, endedAt, durationMs, billing, delivery } = summary;
  const from = clock.moment(Date.parse(startedAt));
  const to = endedAt === null ? 'not ended' : clock.moment(Date.parse(endedAt));
  const tone = outcome === 'completed' ? 'done' : outcome === null ? 'running' : 'stopped';
  return html`<header>
      <p class="dim">Run ${summary.runId}</p>
      <h1 class="${tone}">${describeOutcome(summary)}</h1>
      ${message === '' ? NOTHING : html`<p>${sentence(shorten(message, LONGEST))}</p>`}
      <dl>
        ${row('When', html`${from} to ${to} (${clock.zone}), ${formatDuration(durationMs)}`)}
        ${billing === '' ? NOTHING : row('Paid by', html`${shorten(billing, LONGEST)}`)}
        ${delivery === null ? NOTHING : row('Results', html`${sentence(shorten(delivery.message, LONGEST))}`)}
        ${delivery === null || delivery.commands.length === 0 ? NOTHING : row('Take them with', commands(delivery.commands))}
        ${summary.directories.length === 0 ? NOTHING : row('Changes are in', html`${summary.directories.map((directory) => html`<code>${directory}</code> `)}`)}
        ${summary.resetsAt === null || outcome === 'completed' ? NOTHING : row('Limit resets', html`${clock.moment(Date.parse(summary.resetsAt))}`)}
        ${row('Next', commands([nextCommand(summary)]))}
      </dl>
    </header>
    ${renderTiles(report)}`;
}

/** A change in one line: `3 files, +120 −4`. */
export function describeSize({ files, added, removed }: ChangeSize): string {
  return `${plural(files, 'file')}, +${added} −${removed}`;
}

function row(name: string, value: Markup): Markup {
  return html`<dt>${name}</dt>
    <dd>${value}</dd>`;
}

function commands(all: readonly string[]): Markup {
  return html`<pre>${all.join('\n')}</pre>`;
}

function renderTiles({ summary, workMs, pausedMs, size, timeline }: Report): Markup {
  const { counts, costUsd, tokens, durationMs, workers } = summary;
  const setAside = summary.failed.length - counts.failed - Math.max(0, counts.waiting - summary.left.length);
  const atOnce = durationMs > 0 ? workMs / durationMs : 0;
  const landed = summary.done.filter(({ outcome }) => outcome === 'landed').length;
  return html`<section aria-label="Figures" class="tiles">
    ${tile('Done', `${counts.done} of ${counts.total}`, size === null ? plural(landed, 'change') : describeSize(size))}
    ${tile('Failed', String(counts.failed), setAside > 0 ? `${setAside} set aside` : '')}
    ${tile('Still to do', String(counts.waiting), counts.running > 0 ? `${counts.running} at work` : '')}
    ${tile('Cost', formatMoney(costUsd), 'at list price')}
    ${tile('Tokens', formatTokens(tokens), counts.done > 0 ? `${formatTokens(tokens / counts.done)} for each that is done` : '')}
    ${tile('Took', formatDuration(durationMs), `with ${plural(workers, 'worker')}`)}
    ${tile('Work', formatDuration(workMs), `${atOnce.toFixed(1)} at once on average`)}
    ${tile('Paused', formatDuration(pausedMs), timeline.pauses.length === 0 ? 'never' : plural(timeline.pauses.length, 'time'))}
  </section>`;
}

function tile(name: string, value: string, remark: string): Markup {
  return html`<div class="tile">
    <span class="dim">${name}</span><strong>${value}</strong><span class="dim">${remark}</span>
  </div>`;
}
