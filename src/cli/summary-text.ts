import { totalTokens } from '../domain/attempt.ts';
import { formatDue, withClockTimes } from '../domain/text/clock.ts';
import {
  displayWidth,
  firstLine,
  fit,
  neutralise,
  truncate,
  truncateWords,
  wrap,
} from '../domain/text/display-text.ts';
import { formatDuration, formatMoney, formatTokens, plural } from '../domain/text/format.ts';
import { nextCommand, describeOutcome } from '../domain/text/run-outcome.ts';
import { styles, type Styles } from '../domain/text/styles.ts';
import { isDecided } from '../domain/task.ts';
import type { RunSummary } from '../app/contract/run-summary.ts';

const MOST_DONE = 40;
const MOST_LEFT = 10;
const MOST_DETAILS = 5;
/** Has room for attempts, time and money even on the narrowest terminal. */
const SHORTEST_REMARK = 26;

/**
 * Describes a run for people: what was done, what failed and why, what to do about it, the cost, and the next step.
 * `now` is in Unix milliseconds; without it, times to come are given as seen from the end of the run.
 */
export function formatSummary(
  summary: RunSummary,
  options: { columns: number; color: boolean; now?: number },
): string {
  const columns = Math.max(40, options.columns - 1);
  const style = styles(options.color);
  const now = options.now ?? endOf(summary);
  const sections = [
    headline(summary, now, columns, style),
    doneSection(summary.done, columns, style),
    failedSection(summary.failed, columns, style),
    leftSection(summary, columns, style),
    [...costSection(summary, columns, style), ...paragraph(describeCutOff(summary.cutOff), columns)],
    endSection(summary, now, columns, style),
  ];
  const text = sections.filter((section) => section.length > 0).map((section) => section.join('\n'));
  return `${text.join('\n\n')}\n`;
}

function headline(summary: RunSummary, now: number, columns: number, style: Styles): string[] {
  const { outcome, counts, durationMs, pausedMs, tokens, costUsd } = summary;
  const setAside = summary.failed.filter(({ status }) => isDecided(status)).length;
  const isDelivered = outcome === 'completed' && summary.delivery?.kind !== 'left';
  const tone = isDelivered ? style.green : outcome === null ? style.cyan : style.yellow;
  const figures = [
    `${counts.done} of ${plural(counts.total, 'task')} done`,
    ...(counts.running > 0 ? [`${counts.running} running`] : []),
    ...(counts.failed > 0 ? [`${counts.failed} failed`] : []),
    ...(setAside > 0 ? [`${setAside} set aside`] : []),
    ...(counts.waiting > 0 ? [`${counts.waiting} left`] : []),
    ...(pausedMs < 1000
      ? [formatDuration(durationMs)]
      : [`${formatDuration(durationMs - pausedMs)} at work`, `${formatDuration(pausedMs)} paused`]),
    `${formatTokens(tokens)} tokens`,
    formatMoney(costUsd),
  ];
  return [
    ...wrap(describeOutcome(summary), columns).map((line) => style.bold(tone(line))),
    // The words for a completed run say all there is to say.
    ...(outcome === 'completed' ? [] : paragraph(withClockTimes(summary.message, now), columns)),
    ...wrap(figures.join(' · '), columns),
  ];
}

function doneSection(done: RunSummary['done'], columns: number, style: Styles): string[] {
  if (done.length === 0) return [];
  const shown = done.slice(0, MOST_DONE).map((task) => {
    const tries = task.attempts > 1 ? `${task.attempts} tries · ` : '';
    const unchanged = task.outcome === 'no-change' ? 'nothing to change · ' : '';
    const figures = `${unchanged}${tries}${formatDuration(task.durationMs)} · ${formatMoney(task.costUsd)}`;
    return style.green(taskLine('✔', task, figures, columns));
  });
  const denied = done.flatMap((task) =>
    task.deniedRules.map((rule) => `${task.taskId} this rule would allow it: ${rule}`),
  );
  const notes = done.flatMap(({ taskId, note }) => (note === '' ? [] : [`${taskId}: ${note}`]));
  const followUps = done.flatMap((task) => task.followUps.map((text) => `${task.taskId}: ${text}`));
  return [
    style.bold('Done'),
    ...shown,
    ...more(done.length - shown.length, columns, style),
    ...(denied.length === 0 ? [] : ['', style.bold('Done, though something was denied')]),
    ...denied.map((text) => copyable(' ', text)),
    ...(notes.length === 0 ? [] : ['', style.bold('Beside that')]),
    ...notes.flatMap((text) => paragraph(text, columns, '  ')),
    ...(followUps.length === 0 ? [] : ['', style.bold('Suggested by the workers')]),
    ...followUps.flatMap((text) => paragraph(text, columns, '  ')),
  ];
}

function failedSection(failed: RunSummary['failed'], columns: number, style: Styles): string[] {
  if (failed.length === 0) return [];
  const lines = [style.bold('Not done')];
  for (const task of failed) {
    const tries = `${task.attempts === 1 ? '1 try' : `${task.attempts} tries`} · ${formatMoney(task.costUsd)}`;
    const [symbol, tone] = task.status === 'failed' ? ['✖', style.red] : ['■', style.yellow];
    lines.push(tone(taskLine(symbol, task, tries, columns)));
    const reason = task.message === '' ? task.outcome : `${task.outcome}: ${firstLine(task.message)}`;
    lines.push(...paragraph(reason, columns, '    '));
    lines.push(...endOfDetails(task.message).map((line) => style.dim(truncate(`    │ ${line}`, columns))));
    for (const rule of task.deniedRules) lines.push(copyable('    denied; this rule would allow it:', rule));
    if (task.advice !== '') lines.push(...paragraph(task.advice, columns, '    → '));
    if (task.files !== '') lines.push(style.dim(copyable('    transcript in', task.files)));
  }
  return lines;
}

/** The last lines of a message below its first line, such as the output of a verify command. */
function endOfDetails(message: string): string[] {
  const lines = message.split('\n').slice(1).map(neutralise);
  return lines.filter((line) => line.trim() !== '').slice(-MOST_DETAILS);
}

function leftSection({ left, failed }: RunSummary, columns: number, style: Styles): string[] {
  if (left.length === 0) return [];
  const failedIds = new Set(failed.map((task) => task.taskId));
  const shown = left
    .slice(0, MOST_LEFT)
    .map((task) => taskLine('·', task, reasonLeft(task, failedIds), columns));
  return [style.bold('Still to do'), ...shown, ...more(left.length - shown.length, columns, style)];
}

function reasonLeft({ waitingFor }: RunSummary['left'][number], failed: ReadonlySet<string>): string {
  if (waitingFor.length === 0) return 'ready';
  const dead = waitingFor.filter((id) => failed.has(id));
  return dead.length > 0 ? `needs ${namesOf(dead)}, not done` : `needs ${namesOf(waitingFor)}`;
}

function costSection({ usage, costUsd, tokens }: RunSummary, columns: number, style: Styles): string[] {
  if (usage.length === 0) return [];
  const rows = usage.map((each) => ({
    name: `${each.role} ${neutralise(each.model)}`,
    figures: [each.input, each.output, each.cacheRead, each.cacheWrite].map(formatTokens),
    total: formatTokens(totalTokens(each)),
    cost: formatMoney(each.costUsd),
  }));
  const total =
    usage.length > 1
      ? [
          {
            name: 'total',
            figures: ['', '', '', ''],
            total: formatTokens(tokens),
            cost: formatMoney(costUsd),
          },
        ]
      : [];
  const header = {
    name: 'Cost',
    figures: ['input', 'output', 'cached', 'to cache'],
    total: 'tokens',
    cost: 'USD',
  };
  const all = [header, ...rows, ...total];
  const isWide = columns >= 80;
  const nameWidth = Math.min(
    Math.max(...all.map((row) => displayWidth(row.name))),
    columns - (isWide ? 4 * 11 : 0) - 17,
  );
  return all.map((row, index) => {
    const cells = isWide ? row.figures.map((cell) => fit(cell, 11, 'right')).join('') : '';
    const text = `${fit(row.name, nameWidth)}${cells}${fit(row.total, 7, 'right')} ${fit(row.cost, 9, 'right')}`;
    return index === 0 ? style.bold(text) : text;
  });
}

/** Says which part of the cost is only an estimate, since the end of those calls was not seen. */
export function describeCutOff(cutOff: RunSummary['cutOff']): string {
  if (cutOff === null) return '';
  const { calls, costUsd } = cutOff;
  const what = calls === 1 ? 'a call of the manager that was' : `${calls} calls of the manager that were`;
  return `What was spent includes about ${formatMoney(costUsd)} for ${what} cut off by a kill, estimated high.`;
}

function endOf({ startedAt, durationMs }: RunSummary): number {
  return Date.parse(startedAt) + durationMs;
}

function endSection(summary: RunSummary, now: number, columns: number, style: Styles): string[] {
  const { resetsAt, directories, billing, outcome, delivery } = summary;
  const label = (name: string): string => `${name.padEnd(14)} `;
  return [
    ...paragraph(billing, columns, label('Paid by')),
    ...(resetsAt === null || outcome === 'completed'
      ? []
      : paragraph(resetWords(Date.parse(resetsAt), now), columns, label('Limit resets'))),
    ...(delivery === null
      ? []
      : paragraph(delivery.message, columns, label(delivery.kind === 'left' ? 'Results' : 'Delivered'))),
    ...deliveryCommands(delivery),
    ...directories.map((directory, index) =>
      copyable(index === 0 ? 'Changes are in' : ' '.repeat(14), directory),
    ),
    style.bold(copyable('Next'.padEnd(14), nextCommand(summary))),
  ];
}

/** The commands that take results which were not delivered, for copying. */
export function deliveryCommands(delivery: RunSummary['delivery']): string[] {
  return (delivery?.commands ?? []).map((command, index) =>
    copyable(index === 0 ? 'Take them with' : ' '.repeat(14), command),
  );
}

/** How the run goes on: a session is resumed where it stopped, and no task has lost an attempt. */
function resetWords(reset: number, now: number): string {
  if (reset <= now) return 'it has reset: `run` goes on with the same sessions';
  return `${formatDue(reset, now)}; \`run\` goes on then, with the same sessions`;
}

function taskLine(
  symbol: string,
  task: { readonly taskId: string; readonly title: string },
  remark: string,
  columns: number,
): string {
  const start = `${symbol} ${task.taskId} `;
  const end = truncate(remark, Math.max(SHORTEST_REMARK, Math.floor(columns / 2)));
  const room = columns - displayWidth(start) - displayWidth(end) - 3;
  return `${start}${truncateWords(neutralise(task.title), Math.max(1, room))} · ${end}`;
}

/** A text after a name or marker; further lines are indented by the width of that. */
function paragraph(text: string, columns: number, prefix = ''): string[] {
  const clean = neutralise(text);
  if (clean === '') return [];
  const indent = ' '.repeat(displayWidth(prefix));
  return wrap(clean, Math.max(10, columns - indent.length)).map(
    (line, index) => (index === 0 ? prefix : indent) + line,
  );
}

/** A text that people copy (a path, a rule, a command) stays on one line, however long. */
function copyable(name: string, value: string): string {
  return `${name} ${neutralise(value)}`;
}

function more(count: number, columns: number, style: Styles): string[] {
  return count > 0 ? [style.dim(truncate(`  + ${count} more`, columns))] : [];
}

function namesOf(ids: readonly string[]): string {
  return ids.length <= 4 ? ids.join(', ') : `${ids.slice(0, 3).join(', ')} and ${ids.length - 3} more`;
}
