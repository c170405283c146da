import type { TaskId } from '../../domain/task.ts';
import { truncate } from '../../domain/text/display-text.ts';
import { plural } from '../../domain/text/format.ts';
import type { GraphDrawing } from './graph-drawing.ts';
import { html, NOTHING, type Markup } from './markup.ts';
import type { Report, State } from './report-model.ts';
import { STATE_WORDS, stateLabel } from './words.ts';

const NODE_WIDTH = 178;
const NODE_HEIGHT = 28;
const COLUMN = NODE_WIDTH + 46;
const ROW = NODE_HEIGHT + 12;
/** A larger graph could not be read any more. */
const MOST_NODES = 150;
const MOST_ROWS = 40;

/** Which task needs which: as a drawing if that can be read, else as a table of waves. */
export function renderGraph(report: Report): Markup {
  const { graph } = report;
  if (graph === undefined || graph.waves.length === 0) return NOTHING;
  const rows = Math.max(0, ...graph.nodes.map(({ row }) => row + 1));
  const isReadable = graph.nodes.length <= MOST_NODES && rows <= MOST_ROWS;
  return html`<section id="graph">
    <h2>Dependencies</h2>
    ${isReadable ? drawing(graph, report, rows) : waveTable(graph, report)}
  </section>`;
}

function drawing({ nodes, edges, single }: GraphDrawing, report: Report, rows: number): Markup {
  const columns = Math.max(0, ...nodes.map(({ column }) => column + 1));
  const heights = new Map<number, number>();
  for (const { column, row } of nodes) heights.set(column, Math.max(heights.get(column) ?? 0, row + 1));
  const places = new Map(
    nodes.map(({ id, column, row }) => [
      id,
      { x: column * COLUMN + 1, y: (row + (rows - (heights.get(column) ?? 0)) / 2) * ROW + 1 },
    ]),
  );
  const [width, height] = [columns * COLUMN - 44, rows * ROW - 8];
  const lines = edges.flatMap(([from, to]) => {
    const [a, b] = [places.get(from), places.get(to)];
    if (a === undefined || b === undefined) return [];
    const [x1, y1, x2, y2] = [a.x + NODE_WIDTH, a.y + NODE_HEIGHT / 2, b.x, b.y + NODE_HEIGHT / 2];
    return [`M${x1} ${y1}C${x1 + 30} ${y1} ${x2 - 30} ${y2} ${x2} ${y2}`];
  });
  return html`${
    nodes.length === 0
      ? NOTHING
      : html`<div class="scroll" tabindex="0" role="region" aria-label="Dependency graph">
          <svg
            width="${width}"
            height="${height}"
            viewBox="0 0 ${width} ${height}"
            role="img"
            aria-label="Graph of ${plural(nodes.length, 'task')}: what stands to the right needs what it is tied to on the left"
          >
            <path class="edge" d="${lines.join('')}" />
            ${[...places].map(([id, { x, y }]) => {
              const { title, state } = stateOf(report, id);
              return html`<g class="node ${state}"
                ><title>${id} ${title}: ${STATE_WORDS[state].word}</title
                ><rect x="${x}" y="${y}" width="${NODE_WIDTH}" height="${NODE_HEIGHT}" rx="5" /><text
                  x="${x + 8}"
                  y="${y + 18}"
                  >${STATE_WORDS[state].symbol} ${truncate(`${id} ${title}`, 23)}</text
                ></g
              >`;
            })}
          </svg>
        </div>`
  }${single.length === 0 ? NOTHING : html`<p>Tied to no other: ${list(single, report)}</p>`}`;
}

function waveTable({ waves }: GraphDrawing, report: Report): Markup {
  return html`<p class="dim">
      ${plural(waves.flat().length, 'task')} are too many to be drawn. Each wave can run at once when those
      before it are done.
    </p>
    <div class="scroll" tabindex="0" role="region" aria-label="Waves">
      <table>
        <thead>
          <tr>
            <th scope="col">Wave</th>
            <th scope="col">Tasks</th>
            <th scope="col">How they stand</th>
            <th scope="col">Which</th>
          </tr>
        </thead>
        <tbody>
          ${waves.map(
            (wave, index) =>
              html`<tr>
                <th scope="row">${index + 1}</th>
                <td class="number">${wave.length}</td>
                <td>${countStates(wave, report)}</td>
                <td class="ids">${list(wave, report)}</td>
              </tr>`,
          )}
        </tbody>
      </table>
    </div>`;
}

function countStates(ids: readonly TaskId[], report: Report): Markup[] {
  const counts = new Map<State, number>();
  for (const id of ids) {
    const { state } = stateOf(report, id);
    counts.set(state, (counts.get(state) ?? 0) + 1);
  }
  return [...counts].map(([state, count]) => html`<span class="count">${count} ${stateLabel(state)}</span> `);
}

function list(ids: readonly TaskId[], report: Report): Markup[] {
  return ids.map((id) => {
    const { state } = stateOf(report, id);
    return html`<span class="chip ${state}">${STATE_WORDS[state].symbol} ${id}</span> `;
  });
}

function stateOf({ states }: Report, id: TaskId): { title: string; state: State } {
  return states.get(id) ?? { title: '', state: 'left' };
}
