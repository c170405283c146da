import { truncate } from '../../domain/text/display-text.ts';
import { html, NOTHING, type Markup } from './markup.ts';
import type { Report } from './report-model.ts';
import { shorten } from './words.ts';

const MOST_LEFT = 200;
const MOST_WARNINGS = 100;
const MOST_FOLLOW_UPS = 100;
const LONGEST = 300;

/** What is still to do, what the workers suggest, and the warnings of the run. */
export function renderRest({ summary, warnings }: Report): Markup {
  const left = summary.left.map(({ taskId, title, waitingFor }) => {
    const reason = waitingFor.length === 0 ? 'ready' : `needs ${waitingFor.slice(0, 8).join(', ')}`;
    return html`<li>${taskId} ${truncate(title, 120)} <span class="dim">${reason}</span></li>`;
  });
  const followUps = summary.done.flatMap(({ taskId, followUps: texts }) =>
    texts.map((text) => html`<li>${taskId}: ${truncate(text, LONGEST)}</li>`),
  );
  const warned = warnings.map(
    ({ text, count }) =>
      html`<li>
        ${shorten(text, LONGEST)}${count === 1 ? NOTHING : html` <span class="dim">${count} times</span>`}
      </li>`,
  );
  return html`${list('left', 'Still to do', left, MOST_LEFT)}${list('follow-ups', 'Suggested by the workers', followUps, MOST_FOLLOW_UPS)}${list('warnings', 'Warnings', warned, MOST_WARNINGS)}`;
}

function list(id: string, name: string, items: readonly Markup[], most: number): Markup {
  if (items.length === 0) return NOTHING;
  const rest = items.length - most;
  return html`<section id="${id}">
    <h2>${name}</h2>
    <ul>
      ${items.slice(0, most)}
    </ul>
    ${rest > 0 ? html`<p class="dim">${rest} more.</p>` : NOTHING}
  </section>`;
}
