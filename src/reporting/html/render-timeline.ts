import { PHASES } from '../../domain/attempt.ts';
import type { PauseReason } from '../../domain/event.ts';
import type { TaskId } from '../../domain/task.ts';
import { truncate } from '../../domain/text/display-text.ts';
import { formatDuration, plural } from '../../domain/text/format.ts';
import type { LocalClock } from './local-clock.ts';
import { html, NOTHING, type Markup } from './markup.ts';
import { stateAfter, type Report } from './report-model.ts';
import { ticks } from './ticks.ts';
import { phaseTimes, type Bar, type Span } from './timeline.ts';
import { STATE_WORDS } from './words.ts';

const LEFT = 64;
const TOP = 40;
const PLOT = 980;
const LANE = 32;
const BAR = 18;
const STRIP = 5;
const MOST_TICKS = 12;

/** When was what worked on: a lane for each worker slot, a bar for each attempt, and its phases below it. */
export function renderTimeline({ timeline, states, summary }: Report, clock: LocalClock): Markup {
  const { start, end, lanes, bars, pauses } = timeline;
  if (bars.length === 0) return NOTHING;
  const bottom = TOP + lanes * LANE;
  const scale = PLOT / Math.max(1, end - start);
  const x = (at: number): number => round(LEFT + (at - start) * scale);
  const width = (span: Span): number => round((span.end - span.start) * scale);
  const titleOf = (id: TaskId): string => states.get(id)?.title ?? '';
  return html`<section id="timeline">
    <h2>Timeline</h2>
    <p class="dim">
      ${plural(bars.length, 'attempt')} in the places of ${plural(lanes, 'worker')}, local time
      (${clock.zone}). Point at a bar to read more; the same figures stand in the table of attempts.
    </p>
    <p class="legend">
      ${(['done', 'failed', 'stopped', 'running'] as const).map(
        (state) =>
          html`<span><i class="fill-${state}"></i>${STATE_WORDS[state].symbol} ${LEGEND[state]}</span>`,
      )}${PHASES.map((phase) => html`<span><i class="thin fill-${phase}"></i>${phase}</span>`)}${
        pauses.length === 0 ? NOTHING : html`<span><i class="fill-pause"></i>pause</span>`
      }
    </p>
    <div class="scroll" tabindex="0" role="region" aria-label="Timeline">
      <svg
        width="${LEFT + PLOT + 24}"
        height="${bottom + 24}"
        viewBox="0 0 ${LEFT + PLOT + 24} ${bottom + 24}"
        role="img"
        aria-label="Timeline of ${plural(bars.length, 'attempt')} from ${clock.moment(start)} to ${clock.moment(end)}"
      >
        ${pauses.map((pause) => {
          const text = `Paused (${PAUSE_WORDS[pause.reason]}) ${timesOf(pause, clock)}. ${pause.message}`;
          return html`<g
            ><title>${text}</title
            ><rect
              class="pause"
              x="${x(pause.start)}"
              y="${TOP - 6}"
              width="${Math.max(1, width(pause))}"
              height="${bottom - TOP + 6}"
            />${
              width(pause) < 96
                ? NOTHING
                : html`<text class="pause-label" x="${x(pause.start) + 4}" y="${bottom + 16}"
                    >paused: ${PAUSE_WORDS[pause.reason]}</text
                  >`
            }</g
          >`;
        })}
        ${ticks(start, end, MOST_TICKS, clock).map(
          ({ at, label, day }) =>
            html`<path class="tick" d="M${x(at)} ${TOP - 8}V${bottom}" /><text
                class="axis"
                x="${x(at)}"
                y="${TOP - 12}"
                >${label}</text
              >${
                day === null
                  ? NOTHING
                  : html`<text class="axis day" x="${x(at)}" y="${TOP - 26}">${day}</text>`
              }`,
        )}
        ${Array.from({ length: lanes }, (_, lane) => html`<text class="lane" x="0" y="${TOP + lane * LANE + 14}">worker ${lane + 1}</text>`)}
        ${bars.map((bar) => {
          const state = stateAfter(bar.attempt.end?.outcome);
          const label = `${STATE_WORDS[state].symbol} ${bar.attempt.taskId}`;
          const wide = width(bar);
          const y = TOP + bar.lane * LANE;
          return html`<g
            ><title>${describeBar(bar, titleOf(bar.attempt.taskId), clock)}</title
            ><rect
              class="fill-${state}${bar.isTakenOver ? ' taken-over' : ''}"
              x="${x(bar.start)}"
              y="${y}"
              width="${wide}"
              height="${BAR}"
            />${
              wide < 10 + label.length * 7
                ? NOTHING
                : html`<text class="on" x="${x(bar.start) + 4}" y="${y + 13}">${label}</text>`
            }</g
          >`;
        })}
        ${PHASES.map((phase) => {
          const strips = bars.flatMap(({ lane, phases }) =>
            phases
              .filter((each) => each.phase === phase)
              .map(
                (each) =>
                  `M${x(each.start)} ${TOP + lane * LANE + BAR + 1}h${width(each)}v${STRIP}h-${width(each)}z`,
              ),
          );
          return strips.length === 0 ? NOTHING : html`<path class="fill-${phase}" d="${strips.join('')}" />`;
        })}
      </svg>
    </div>
    ${summary.outcome === null ? html`<p class="dim">The run had not ended when this was written.</p>` : NOTHING}
  </section>`;
}

const LEGEND = {
  done: 'landed',
  failed: 'failed',
  stopped: 'ended, not charged',
  running: 'not ended',
} as const;

const PAUSE_WORDS: Readonly<Record<PauseReason, string>> = {
  'usage-limit': 'usage limit',
  reserve: 'reserve',
  pacing: 'too little left',
  outage: 'outage',
};

function describeBar(bar: Bar, title: string, clock: LocalClock): string {
  const { attempt } = bar;
  const times = [...phaseTimes(bar)].filter(([, time]) => time > 0);
  return [
    `${attempt.taskId} ${truncate(title, 40)}`,
    `try ${attempt.number}: ${attempt.end === null ? 'not ended' : attempt.end.outcome.replaceAll('-', ' ')}`,
    timesOf(bar, clock),
    times.map(([phase, time]) => `${phase} ${formatDuration(time)}`).join(', '),
    ...(bar.isTakenOver ? ['begun by an earlier run'] : []),
  ].join(' · ');
}

function timesOf(span: Span, clock: LocalClock): string {
  return `${clock.second(span.start)}–${clock.second(span.end)}, ${formatDuration(span.end - span.start)}`;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
