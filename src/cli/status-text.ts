import { totalCost, totalTokens } from '../domain/attempt.ts';
import { formatDue, withClockTimes } from '../domain/text/clock.ts';
import { describePause, PAUSE_WORDS } from '../domain/text/pauses.ts';
import { firstLine, fit, neutralise, truncate, wrap } from '../domain/text/display-text.ts';
import { deliveryCommands, describeCutOff } from './summary-text.ts';
import { formatBytes, formatDuration, formatMoney, formatTokens, plural } from '../domain/text/format.ts';
import type { Styles } from '../domain/text/styles.ts';
import { findExhaustedWindow, openWindows } from '../domain/text/usage-windows.ts';
import { WORTH_TELLING_BYTES } from '../app/project/transcripts.ts';
import { describeCounts } from './task-text.ts';
import { limitLines, shownWindow, usageLines } from './usage-text.ts';
import type { RunStatus, StatusReport } from '../app/contract/status.ts';

/** The report for a terminal of `columns` cells; no line is longer but a command. `now` is in Unix milliseconds. */
export function formatStatus(
  report: StatusReport,
  options: { columns: number; style: Styles; now: number },
): string {
  const { columns, style, now } = options;
  const lines = [...runLines(report, columns, now), ''];
  lines.push(...wrap(taskCounts(report), columns));
  for (const { taskId, title, number, phase, startedAt } of report.running) {
    const since = formatDuration(now - Date.parse(startedAt));
    const tail = `  ${phase}${number > 1 ? `, try ${number}` : ''}, ${since}`;
    const start = `  ${taskId}  `;
    const room = Math.max(8, columns - start.length - tail.length);
    lines.push(truncate(start + fit(neutralise(title), room) + tail, columns));
  }
  for (const section of [limitLines(report, columns, style, now), usageLines(report.usage, columns)])
    if (section.length > 0) lines.push('', ...section);
  if (report.attention.length > 0) {
    lines.push('', style.bold('Needs you'));
    for (const { taskId, title, outcome, message, advice } of report.attention) {
      const what = [taskId, neutralise(title)].filter((part) => part !== null && part !== '').join('  ');
      const why = [outcome, firstLine(withClockTimes(message, now))]
        .filter((part) => part !== null && part !== '')
        .join(': ');
      if (what !== '') lines.push(style.red(truncate(`  ${what}`, columns)));
      for (const line of [...wrap(why, columns - 4), ...wrap(neutralise(advice), columns - 4)])
        if (line !== '') lines.push(`    ${line}`);
    }
  }
  const { bytes } = report.transcripts ?? { bytes: 0 };
  if (bytes >= WORTH_TELLING_BYTES)
    lines.push('', ...wrap(`${formatBytes(bytes)} of transcripts are kept: \`clean --dry-run\`.`, columns));
  lines.push('', `Next: ${style.bold(report.next)}`);
  return `${lines.join('\n')}\n`;
}

/** The report in one line, for a log. */
export function formatStatusLine(report: StatusReport, now: number): string {
  const { run, usage } = report;
  const state = run === null ? 'no run yet' : `run ${stateWords(run)}`;
  const tokens = usage.run.reduce((sum, model) => sum + totalTokens(model), 0);
  const cost = totalCost(usage.run);
  return `${new Date(now).toISOString()} ${state} · ${taskCounts(report)} · ${formatTokens(tokens)} tokens · ${formatMoney(cost)}\n`;
}

function stateWords({ state, outcome, paused }: RunStatus): string {
  if (paused !== null) return `paused (${PAUSE_WORDS[paused.reason]}) until ${paused.until}`;
  return state === 'ended' ? (outcome ?? 'ended') : state;
}

function runLines({ run, windows }: StatusReport, columns: number, now: number): string[] {
  if (run === null) return wrap('No run yet.', columns);
  const { runId, state, pid, outcome, durationMs, pausedMs, workers, message, delivery, billing } = run;
  const took =
    formatDuration(durationMs) + (pausedMs < 1000 ? '' : `, ${formatDuration(pausedMs)} of it paused`);
  const headline = {
    running: `Run ${runId} in progress for ${took} (process ${pid}, ${plural(workers, 'worker')})`,
    dead: `Run ${runId} was killed; its process ${pid} is gone`,
    ended: `Last run ${runId}: ${(outcome ?? 'ended').replaceAll('-', ' ')} after ${took} (${plural(workers, 'worker')})`,
  }[state];
  const wrapped = (...texts: readonly string[]): string[] =>
    texts
      .map(neutralise)
      .filter((line) => line !== '')
      .flatMap((line) => wrap(line, columns));
  return [
    ...wrapped(
      headline,
      ...pauseLines(run, windows, columns, now),
      budgetLine(run),
      describeCutOff(run.cutOff),
      withClockTimes(message, now),
      delivery?.message ?? '',
    ),
    ...deliveryCommands(delivery),
    ...wrapped(resetLine(run, now), billing),
  ];
}

function pauseLines(
  { paused }: RunStatus,
  windows: StatusReport['windows'],
  columns: number,
  now: number,
): string[] {
  if (paused === null) return [];
  const { reason, until, message } = paused;
  const exhausted =
    reason === 'outage' ? undefined : findExhaustedWindow(openWindows(windows.map(shownWindow), now));
  const pause = { reason, until: Date.parse(until), window: exhausted?.name ?? null };
  const line = describePause(pause, now, columns);
  return reason === 'usage-limit' ? [line] : [line, message];
}

function budgetLine({ waitingForBudget: waiting }: RunStatus): string {
  if (waiting === 0) return '';
  const who = waiting === 1 ? '1 task that could start waits' : `${waiting} tasks that could start wait`;
  return `${who} for money that running ones hold.`;
}

function resetLine({ state, outcome, resetsAt }: RunStatus, now: number): string {
  if (state !== 'ended' || outcome !== 'paused-usage-limit' || resetsAt === null) return '';
  const reset = Date.parse(resetsAt);
  return reset > now
    ? `The usage limit resets at ${formatDue(reset, now)}.`
    : 'The usage limit has reset since.';
}

function taskCounts({ tasks }: StatusReport): string {
  return tasks.total === 0 ? 'no tasks yet' : describeCounts(tasks);
}
