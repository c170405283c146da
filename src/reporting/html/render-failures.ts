import type { Finding } from '../../domain/attempt.ts';
import { firstLine, truncate } from '../../domain/text/display-text.ts';
import { formatDuration, formatMoney, plural } from '../../domain/text/format.ts';
import { html, NOTHING, type Markup } from './markup.ts';
import type { Report, ReportTask } from './report-model.ts';
import { sentence, shorten, stateLabel } from './words.ts';

/** About how many characters all messages together get. */
const ROOM = 60_000;
const MOST_ROOM = 4000;
const MOST_TASKS = 100;
const MOST_FINDINGS = 10;

/** The tasks that were tried and are not done: what happened, what a review found, and what to do about it. */
export function renderFailures({ tasks }: Report): Markup {
  const failed = tasks.filter(({ state }) => state !== 'done' && state !== 'running');
  if (failed.length === 0) return NOTHING;
  const room = Math.min(MOST_ROOM, Math.floor(ROOM / Math.min(failed.length, MOST_TASKS)));
  return html`<section id="failures">
    <h2>Not done</h2>
    ${failed.slice(0, MOST_TASKS).map((task) => renderFailure(task, room))}
    ${failed.length > MOST_TASKS ? html`<p class="dim">${failed.length - MOST_TASKS} more: they are in the table of tasks.</p>` : NOTHING}
  </section>`;
}

function renderFailure(task: ReportTask, room: number): Markup {
  const { id, title, state, attempts, outcome, message, advice, deniedRules, review, costUsd, durationMs } =
    task;
  const findings = review?.verdict === 'rejected' ? review.findings : [];
  const figures = `${plural(attempts.length, 'attempt')}, ${formatDuration(durationMs)}, ${formatMoney(costUsd)}`;
  return html`<article class="card">
    <h3>${id} ${title}</h3>
    <p>${stateLabel(state)} · ${words(outcome)} · ${figures}</p>
    ${message === '' ? NOTHING : html`<pre>${shorten(message, room)}</pre>`}
    ${attempts.length < 2 ? NOTHING : renderTries(task, room)}
    ${findings.length === 0 ? NOTHING : renderFindings(findings, room)}
    ${
      deniedRules.length === 0
        ? NOTHING
        : html`<p>Denied; these rules would allow it:</p>
            <pre>${shorten(deniedRules.join('\n'), room)}</pre>`
    }
    ${advice === '' ? NOTHING : html`<p><strong>What to do:</strong> ${sentence(advice)}</p>`}
  </article>`;
}

const MOST_TRIES = 10;

function renderTries({ attempts }: ReportTask, room: number): Markup {
  const shown = attempts.slice(-MOST_TRIES);
  const before = attempts.length - shown.length;
  return html`${before === 0 ? NOTHING : html`<p class="dim">${plural(before, 'earlier attempt')} left out.</p>`}
    <ul>
      ${shown.map(
        ({ number, end }) =>
          html`<li>
            Try ${number}:
            ${words(end?.outcome ?? null)}${end === null || end.message === '' ? NOTHING : html` – ${truncate(firstLine(end.message), Math.min(160, Math.floor(room / MOST_TRIES)))}`}
          </li>`,
      )}
    </ul>`;
}

function renderFindings(findings: readonly Finding[], room: number): Markup {
  const shown = findings.slice(0, MOST_FINDINGS);
  const rest = findings.length - shown.length;
  const each = Math.max(80, Math.floor(room / MOST_FINDINGS));
  return html`<h4>What the review found</h4>
    <ul>
      ${shown.map(
        ({ id, severity, file, line, title, evidence }) =>
          html`<li>
            <strong>${id} ${severity}</strong>
            ${file === null ? NOTHING : html`<code>${truncate(file, 120)}${line === null ? '' : `:${line}`}</code> `}${truncate(title, each)}${evidence === '' ? NOTHING : html`<br /><span class="dim">${truncate(evidence, each)}</span>`}
          </li>`,
      )}
    </ul>
    ${rest === 0 ? NOTHING : html`<p class="dim">${rest} more.</p>`}`;
}

function words(outcome: string | null): string {
  return outcome === null ? 'not ended' : outcome.replaceAll('-', ' ');
}
