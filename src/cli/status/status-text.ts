import { totalTokens, type ModelUsage } from '../../attempt.ts';
import { firstLine, fit, neutralise, truncate, wrap } from '../../reporting/display-text.ts';
import { formatDuration, formatMoney, formatTokens, plural } from '../../reporting/format.ts';
import type { Styles } from '../../reporting/styles.ts';
import { describeCounts } from '../tasks/counts.ts';
import type { RunStatus, StatusReport } from './collect.ts';

/** The report for a terminal of `columns` cells; no line is longer. `now` is in Unix milliseconds. */
export function formatStatus(
  report: StatusReport,
  options: { columns: number; style: Styles; now: number },
): string {
  const { columns, style, now } = options;
  const lines = [...runLines(report.run).flatMap((line) => wrap(line, columns)), ''];
  lines.push(...wrap(taskCounts(report), columns));
  for (const { taskId, title, number, phase, startedAt } of report.running) {
    const since = formatDuration(now - Date.parse(startedAt));
    const tail = `  ${phase}${number > 1 ? `, try ${number}` : ''}, ${since}`;
    const start = `  ${taskId}  `;
    const room = Math.max(8, columns - start.length - tail.length);
    lines.push(truncate(start + fit(neutralise(title), room) + tail, columns));
  }
  if (report.usage.last7d.length + report.usage.run.length > 0)
    lines.push('', ...usageLines(report.usage, columns));
  if (report.attention.length > 0) {
    lines.push('', style.bold('Needs you'));
    for (const { taskId, title, outcome, message, advice } of report.attention) {
      const what = [taskId, neutralise(title)].filter((part) => part !== null && part !== '').join('  ');
      const why = [outcome, firstLine(message)].filter((part) => part !== null && part !== '').join(': ');
      if (what !== '') lines.push(style.red(truncate(`  ${what}`, columns)));
      for (const line of [...wrap(why, columns - 4), ...wrap(neutralise(advice), columns - 4)])
        if (line !== '') lines.push(`    ${line}`);
    }
  }
  lines.push('', `Next: ${style.bold(report.next)}`);
  return `${lines.join('\n')}\n`;
}

/** The report in one line, for a log. */
export function formatStatusLine(report: StatusReport, now: number): string {
  const { run, usage } = report;
  const state =
    run === null ? 'no run yet' : `run ${run.state === 'ended' ? (run.outcome ?? 'ended') : run.state}`;
  const tokens = usage.run.reduce((sum, model) => sum + totalTokens(model), 0);
  const cost = usage.run.reduce((sum, model) => sum + model.costUsd, 0);
  return `${new Date(now).toISOString()} ${state} · ${taskCounts(report)} · ${formatTokens(tokens)} tokens · ${formatMoney(cost)}\n`;
}

function runLines(run: RunStatus | null): string[] {
  if (run === null) return ['No run yet.'];
  const { runId, state, pid, outcome, durationMs, workers, message, delivery, billing, resetsAt } = run;
  const took = formatDuration(durationMs);
  const headline = {
    running: `Run ${runId} in progress for ${took} (process ${pid}, ${plural(workers, 'worker')})`,
    dead: `Run ${runId} was killed; its process ${pid} is gone`,
    ended: `Last run ${runId}: ${(outcome ?? 'ended').replaceAll('-', ' ')} after ${took} (${plural(workers, 'worker')})`,
  }[state];
  const reset = state === 'ended' && outcome === 'paused-usage-limit' && resetsAt !== null;
  const more = [
    message,
    delivery?.message ?? '',
    reset ? `The usage limit resets at ${resetsAt}.` : '',
    billing,
  ];
  return [headline, ...more.map(neutralise).filter((line) => line !== '')];
}

function taskCounts({ tasks }: StatusReport): string {
  return tasks.total === 0 ? 'no tasks yet' : describeCounts(tasks);
}

function usageLines(usage: StatusReport['usage'], columns: number): string[] {
  const spans = [
    ['this run', usage.run],
    ['last 5 h', usage.last5h],
    ['last 7 d', usage.last7d],
  ] as const;
  const models = [...new Set(spans.flatMap(([, used]) => used.map(({ model }) => model)))].sort();
  const longest = Math.max(0, ...models.map(({ length }) => length));
  const width = Math.max(5, Math.min(columns - spans.length * 18, longest));
  const cell = (used: readonly ModelUsage[], model?: string): string => {
    const own = used.filter((each) => model === undefined || each.model === model);
    if (own.length === 0) return fit('-', 17, 'right');
    const tokens = own.reduce((sum, each) => sum + totalTokens(each), 0);
    const cost = own.reduce((sum, each) => sum + each.costUsd, 0);
    return fit(`${formatTokens(tokens)} ${fit(formatMoney(cost), 9, 'right')}`, 17, 'right');
  };
  const row = (name: string, cells: string[]): string =>
    truncate([fit(neutralise(name), width), ...cells].join(' '), columns);
  return [
    row(
      'usage',
      spans.map(([name]) => fit(name, 17, 'right')),
    ),
    ...models.map((model) =>
      row(
        model,
        spans.map(([, used]) => cell(used, model)),
      ),
    ),
    ...(models.length > 1
      ? [
          row(
            'total',
            spans.map(([, used]) => cell(used)),
          ),
        ]
      : []),
  ];
}
