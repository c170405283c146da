import type { Finding } from '../../attempt.ts';
import { firstLine, truncate } from '../display-text.ts';
import { formatDuration, formatMoney, plural } from '../format.ts';
import { html, NOTHING, type Markup } from './markup.ts';
import type { Report, ReportTask } from './report-model.ts';
import { sentence, shorten, stateLabel } from './words.ts';

/** All messages together get about so many characters. */
const ROOM = 160_000;
const MOST_FINDINGS = 10;

/** What was tried and is not done: what happened, what a review found, and what to do about it. */
export function renderFailures({ tasks }: Report): Markup {
  const failed = tasks.filter(({ state }) => state !== 'done' && state !== 'running');
  if (failed.length === 0) return NOTHING;
  const room = Math.max(200, Math.min(6000, Math.floor(ROOM / failed.length)));
  return html`<section id="failures">
    <h2>Not done</h2>
    ${failed.map((task) => renderFailure(task, room))}
  </section>`;
}

function renderFailure(task: ReportTask, room: number): Markup {
  const { id, title, state, attempts, outcome, message, advice, deniedRules, review, costUsd, durationMs } =
    task;
  const findings = review?.verdict === 'rejected' ? review.findings : [];
  const figures = `${plural(attempts.length, 'attempt')}, ${formatDuration(durationMs)}, ${formatMoney(costUsd)}`;
  return html`<article class="card">
    <h3>${id} ${truncate(title, 200)}</h3>
    <p>${stateLabel(state)} · ${words(outcome)} · ${figures}</p>
    ${message === '' ? NOTHING : html`<pre>${shorten(message, room)}</pre>`}
    ${attempts.length < 2 ? NOTHING : renderTries(task)}
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

function renderTries({ attempts }: ReportTask): Markup {
  const shown = attempts.slice(-MOST_TRIES);
  const before = attempts.length - shown.length;
  return html`${before === 0 ? NOTHING : html`<p class="dim">${plural(before, 'earlier attempt')} left out.</p>`}
    <ul>
      ${shown.map(
        ({ number, end }) =>
          html`<li>
            Try ${number}:
            ${words(end?.outcome ?? null)}${end === null || end.message === '' ? NOTHING : html` – ${truncate(firstLine(end.message), 160)}`}
          </li>`,
      )}
    </ul>`;
}

function renderFindings(findings: readonly Finding[], room: number): Markup {
  const shown = findings.slice(0, MOST_FINDINGS);
  const rest = findings.length - shown.length;
  const each = Math.max(120, Math.floor(room / MOST_FINDINGS));
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
