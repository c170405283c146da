import { totalCost, PHASES, type GateVerdict } from '../../domain/attempt.ts';
import { formatDuration, formatMoney, formatTokens } from '../../domain/text/format.ts';
import type { LocalClock } from './local-clock.ts';
import { html, NOTHING, type Markup } from './markup.ts';
import { describeSize } from './render-head.ts';
import { stateAfter, type ChangeSize, type Report, type ReportTask } from './report-model.ts';
import { phaseTimes } from './timeline.ts';
import { stateLabel } from './words.ts';

/** Every task that was tried, with its cost and its changes, and below it every attempt. */
export function renderTasks(report: Report, clock: LocalClock): Markup {
  const { tasks } = report;
  if (tasks.length === 0) return NOTHING;
  const largest = Math.max(1, ...tasks.map(({ size }) => (size === null ? 0 : size.added + size.removed)));
  return html`<section id="tasks">
    <h2>Tasks</h2>
    <div class="scroll" tabindex="0" role="region" aria-label="Tasks">
      <table>
        <thead>
          <tr>
            ${columns(['Task', 'How it stands'])}${columns(['Tries', 'Time', 'Tokens', 'USD'], 'number')}${columns(['Verified', 'Review', 'Change', 'Commit'])}
          </tr>
        </thead>
        <tbody>
          ${tasks.map((task) => taskRow(task, largest))}
        </tbody>
      </table>
    </div>
    <details>
      <summary>All attempts</summary>
      <div class="scroll" tabindex="0" role="region" aria-label="Attempts">
        <table class="figures">
          <thead>
            <tr>
              ${columns(['Task'])}${columns(['Try', 'Start', 'Time'], 'number')}${columns([...PHASES], 'number')}${columns(['USD'], 'number')}${columns(['End'])}
            </tr>
          </thead>
          <tbody>
            ${attemptRows(report, clock)}
          </tbody>
        </table>
      </div>
    </details>
  </section>`;
}

function columns(names: readonly string[], kind = ''): Markup[] {
  return names.map((name) => html`<th scope="col" class="${kind}">${name}</th>`);
}

function taskRow(task: ReportTask, largest: number): Markup {
  const { id, title, state, attempts, durationMs, tokens, costUsd, gates, review, commit, size } = task;
  return html`<tr>
    <th scope="row">${id} ${title}</th>
    <td>${stateLabel(state)}</td>
    <td class="number">${attempts.length}</td>
    <td class="number">${formatDuration(durationMs)}</td>
    <td class="number">${formatTokens(tokens)}</td>
    <td class="number">${formatMoney(costUsd)}</td>
    <td>${describeGates(gates)}</td>
    <td>
      ${review === null ? '' : review.round === 1 ? review.verdict : `${review.verdict} in round ${review.round}`}
    </td>
    <td class="change">${size === null ? NOTHING : sizeBar(size, largest)}</td>
    <td>${commit === null ? NOTHING : html`<code>${commit.slice(0, 10)}</code>`}</td>
  </tr> `;
}

function describeGates(gates: readonly GateVerdict[]): string {
  const verdicts = (['failed', 'flaky', 'red-before', 'passed'] as const).flatMap((verdict) => {
    const count = gates.filter((gate) => gate.verdict === verdict).length;
    return count === 0 ? [] : [`${count} ${GATE_WORDS[verdict]}`];
  });
  return verdicts.join(', ');
}

const GATE_WORDS: Readonly<Record<GateVerdict['verdict'], string>> = {
  passed: 'passed',
  failed: 'failed',
  flaky: 'flaky',
  'red-before': 'red before',
};

const BAR = 90;

/** The root of the size, since one huge change must not make all others invisible. */
function sizeBar(size: ChangeSize, largest: number): Markup {
  const lines = size.added + size.removed;
  const whole = BAR * Math.sqrt(lines / largest);
  const added = lines === 0 ? 0 : Math.round((whole * size.added) / lines);
  return html`<svg class="bar" width="${BAR}" height="8" aria-hidden="true">
      <rect class="fill-done" width="${added}" height="8" />
      <rect class="fill-failed" x="${added}" width="${Math.max(0, Math.round(whole) - added)}" height="8" />
    </svg>
    ${describeSize(size)}`;
}

function attemptRows({ timeline }: Report, clock: LocalClock): Markup[] {
  return timeline.bars.map((bar) => {
    const { attempt, start, end } = bar;
    const times = phaseTimes(bar);
    const cost = totalCost(attempt.end?.usage ?? []);
    const outcome = attempt.end?.outcome;
    return html`<tr>
      <th scope="row">${attempt.taskId}</th>
      ${[
        String(attempt.number),
        clock.second(start),
        formatDuration(end - start),
        ...PHASES.map((phase) =>
          (times.get(phase) ?? 0) === 0 ? '' : formatDuration(times.get(phase) ?? 0),
        ),
        formatMoney(cost),
      ].map((text) => html`<td>${text}</td>`)}
      <td class="${stateAfter(outcome)}">${outcome?.replaceAll('-', ' ') ?? 'not ended'}</td>
    </tr> `;
  });
}
