import { totalTokens, type ModelUsage } from '../../attempt.ts';
import { fit, neutralise, truncate, wrap } from '../../reporting/display-text.ts';
import { formatDuration, formatMoney, formatTokens, plural } from '../../reporting/format.ts';
import type { Styles } from '../../reporting/styles.ts';
import { TASK_STATUSES } from '../../task.ts';
import type { RunStatus, StatusReport } from './collect.ts';

/** The report for a terminal of `columns` cells; no line is longer. `now` is in Unix milliseconds. */
export function formatStatus(
  report: StatusReport,
  options: { columns: number; style: Styles; now: number },
): string {
  const { columns, style, now } = options;
  const lines = [...runLines(report.run, now).flatMap((line) => wrap(line, columns)), ''];
  lines.push(...wrap(`Tasks: ${taskCounts(report)}`, columns));
  for (const { taskId, title, number, phase, startedAt } of report.running) {
    const since = formatDuration(now - Date.parse(startedAt));
    const tail = `  ${phase}${number > 1 ? `, try ${number}` : ''}, ${since}`;
    const start = `  ${taskId}  `;
    lines.push(start + fit(neutralise(title), Math.max(8, columns - start.length - tail.length)) + tail);
  }
  if (report.usage.last7d.length + report.usage.run.length > 0)
    lines.push('', ...usageLines(report.usage, columns));
  if (report.attention.length > 0) {
    lines.push('', style.bold('Needs you'));
    for (const { taskId, title, outcome, message, advice } of report.attention) {
      const what = [taskId, neutralise(title)].filter((part) => part !== null && part !== '').join('  ');
      const why = [outcome, neutralise(message)].filter((part) => part !== null && part !== '').join(': ');
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

function runLines(run: RunStatus | null, now: number): string[] {
  if (run === null) return ['No run yet.'];
  const took = formatDuration(
    (run.endedAt === null ? now : Date.parse(run.endedAt)) - Date.parse(run.startedAt),
  );
  const size = `${plural(run.workers, 'worker')}, ${plural(run.attempts, 'attempt')}`;
  const billing = run.billing === '' ? [] : [neutralise(run.billing)];
  switch (run.state) {
    case 'running':
      return [`Run ${run.id} in progress for ${took} (process ${run.pid}, ${size})`, ...billing];
    case 'dead':
      return [`Run ${run.id} was killed; it had ${size}`, ...billing];
    case 'ended':
      return [
        `Last run ${run.id}: ${run.outcome ?? 'ended'} after ${took} (${size})`,
        ...[neutralise(run.message)].filter((message) => message !== ''),
        ...billing,
      ];
  }
}

function taskCounts({ tasks }: StatusReport): string {
  if (tasks.total === 0) return 'none';
  const counts = TASK_STATUSES.filter((status) => tasks[status] > 0).map(
    (status) => `${tasks[status]} ${status}`,
  );
  return `${tasks.total} (${counts.join(', ')}), ${tasks.ready} ready`;
}

function usageLines(usage: StatusReport['usage'], columns: number): string[] {
  const spans = [
    ['this run', usage.run],
    ['last 5 h', usage.last5h],
    ['last 7 d', usage.last7d],
  ] as const;
  const models = [...new Set(spans.flatMap(([, used]) => used.map(({ model }) => model)))].sort();
  const width = Math.max(
    5,
    Math.min(columns - 3 * 18, ...[Math.max(5, ...models.map(({ length }) => length))]),
  );
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
