import { LAYOUT } from './layout.ts';
import { localClock } from './local-clock.ts';
import { html, renderMarkup } from './markup.ts';
import { PALETTE } from './palette.ts';
import { renderCosts } from './render-costs.ts';
import { renderFailures } from './render-failures.ts';
import { renderGraph } from './render-graph.ts';
import { renderHead } from './render-head.ts';
import { renderRest } from './render-rest.ts';
import { renderTasks } from './render-tasks.ts';
import { renderTimeline } from './render-timeline.ts';
import type { Report } from './report-model.ts';

/**
 * A report as one HTML document that needs nothing else: no script, no font, no picture from anywhere. The same report
 * in the same time zone (an IANA name) is always the same text.
 */
export function renderReport(report: Report, timeZone: string): string {
  const clock = localClock(timeZone);
  return renderMarkup(
    html`<!doctype html>
      <html lang="en">
        <head>
          <meta charset="utf-8" />
          <meta
            http-equiv="Content-Security-Policy"
            content="default-src 'none'; style-src 'unsafe-inline'"
          />
          <meta name="viewport" content="width=device-width, initial-scale=1" />
          <meta name="referrer" content="no-referrer" />
          <title>Run ${report.summary.runId}</title>
          ${PALETTE} ${LAYOUT}
        </head>
        <body>
          <main>
            ${renderHead(report, clock)} ${renderTimeline(report, clock)} ${renderFailures(report)}
            ${renderGraph(report)} ${renderTasks(report, clock)} ${renderCosts(report)} ${renderRest(report)}
          </main>
        </body>
      </html> `,
  );
}
