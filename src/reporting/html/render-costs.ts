import { totalTokens } from '../../domain/attempt.ts';
import { truncate } from '../../domain/text/display-text.ts';
import { formatMoney, formatTokens } from '../../domain/text/format.ts';
import { html, NOTHING, type Markup } from './markup.ts';
import type { Report } from './report-model.ts';

const MOST_DEAR = 10;

/** What was spent, by role and model, and the tasks that cost most. */
export function renderCosts({ summary, tasks }: Report): Markup {
  const { usage, tokens, costUsd } = summary;
  if (usage.length === 0) return NOTHING;
  const dear = tasks
    .filter((task) => task.costUsd > 0)
    .toSorted((a, b) => b.costUsd - a.costUsd)
    .slice(0, MOST_DEAR);
  const dearest = dear[0]?.costUsd ?? 0;
  return html`<section id="costs">
    <h2>Costs</h2>
    <div class="scroll" tabindex="0" role="region" aria-label="Costs by model">
      <table>
        <thead>
          <tr>
            <th scope="col">Role</th>
            <th scope="col">Model</th>
            ${['Input', 'Output', 'Cached', 'To cache', 'Tokens', 'USD'].map((name) => html`<th scope="col" class="number">${name}</th>`)}
          </tr>
        </thead>
        <tbody>
          ${usage.map(
            (each) =>
              html`<tr>
                <td>${each.role}</td>
                <td>${truncate(each.model, 60)}</td>
                ${[each.input, each.output, each.cacheRead, each.cacheWrite, totalTokens(each)].map((count) => html`<td class="number">${formatTokens(count)}</td>`)}
                <td class="number">${formatMoney(each.costUsd)}</td>
              </tr>`,
          )}
        </tbody>
        ${
          usage.length < 2
            ? NOTHING
            : html`<tfoot>
                <tr>
                  <th scope="row" colspan="6">Together</th>
                  <td class="number">${formatTokens(tokens)}</td>
                  <td class="number">${formatMoney(costUsd)}</td>
                </tr>
              </tfoot>`
        }
      </table>
    </div>
    ${
      dear.length < 2
        ? NOTHING
        : html`<h3>The dearest tasks</h3>
            <table>
              <thead>
                <tr>
                  <th scope="col">Task</th>
                  <th scope="col" class="number">USD</th>
                  <th scope="col">Share of the dearest</th>
                </tr>
              </thead>
              <tbody>
                ${dear.map(
                  (task) =>
                    html`<tr>
                      <td>${task.id} ${task.title}</td>
                      <td class="number">${formatMoney(task.costUsd)}</td>
                      <td>
                        <svg class="bar" width="160" height="10" aria-hidden="true">
                          <rect
                            class="fill-working"
                            width="${Math.round((160 * task.costUsd) / dearest)}"
                            height="10"
                          />
                        </svg>
                      </td>
                    </tr>`,
                )}
              </tbody>
            </table>`
    }
  </section>`;
}
