import { formatDue } from '../../domain/text/clock.ts';
import { displayWidth, fit, neutralise, truncate, wrap } from '../../domain/text/display-text.ts';
import { formatMoney } from '../../domain/text/format.ts';
import type { Styles } from '../../domain/text/styles.ts';
import { drawUsageBar, openWindows, windowName, type ShownWindow } from '../../domain/text/usage-windows.ts';
import type { StatusReport } from '../../app/contract/status.ts';

const LONGEST_BAR = 24;
const MOST_NAME = 20;
const LEAST_NAME = 6;
const PERCENT_WIDTH = 5;

/** Usage windows as bars, each account's under its name, and what is left of the budgets. */
export function limitLines(report: StatusReport, columns: number, style: Styles, now: number): string[] {
  if (report.run === null && report.windows.length === 0) return [];
  const windows = openWindows(report.windows.map(shownWindow), now);
  // A run that waits for it has said so.
  const isTold = report.run?.paused?.reason === 'usage-limit';
  const lines =
    isTold || report.limit === null ? [] : wrap(limitWords(report.limit, now), columns).map(style.yellow);
  if (windows.length === 0) {
    const none = report.hasPlan
      ? 'No plan limits are known yet.'
      : 'No plan limits are known for an API key.';
    lines.push(style.dim(truncate(none, columns)));
  }
  for (const account of new Set(windows.map((window) => window.account))) {
    lines.push(truncate(`limits of the ${neutralise(account)}`, columns));
    const own = windows.filter((window) => window.account === account);
    const longest = Math.max(...own.map(({ name }) => displayWidth(windowName(name))));
    const nameWidth = Math.min(longest, MOST_NAME, Math.max(LEAST_NAME, columns - 60));
    lines.push(...own.map((window) => windowLine(window, nameWidth, columns, style, now)));
  }
  return [...lines, ...wrap(budgetWords(report.budget), columns).filter((line) => line !== '')];
}

/** A window as displays show it. */
export function shownWindow({
  account,
  window,
  usedPercent,
  status,
  resetsAt,
}: StatusReport['windows'][number]): ShownWindow {
  return {
    account,
    name: window,
    utilization: usedPercent === null ? null : usedPercent / 100,
    status,
    resetsAt: resetsAt === null ? null : Date.parse(resetsAt),
  };
}

function windowLine(
  window: ShownWindow,
  nameWidth: number,
  columns: number,
  style: Styles,
  now: number,
): string {
  const reset = window.resetsAt === null ? '' : `  resets ${formatDue(window.resetsAt, now)}`;
  const name = `  ${fit(windowName(window.name), nameWidth)} `;
  const room = columns - (nameWidth + 3) - PERCENT_WIDTH - reset.length;
  const use = drawUsageBar(window, Math.max(0, Math.min(LONGEST_BAR, room)), style);
  // Without a bar there are no styles that could be cut in two.
  return room >= 0 ? `${name}${use}${reset}` : truncate(`${name}${use}${reset}`, columns);
}

function limitWords({ until, window }: NonNullable<StatusReport['limit']>, now: number): string {
  const which = window === null ? 'A usage limit' : `The ${windowName(window)} limit`;
  return `${which} is reached: nothing starts on this account until ${formatDue(Date.parse(until), now)}.`;
}

function budgetWords(budget: StatusReport['budget']): string {
  if (budget === null) return '';
  const { maxUsd, spentUsd, leftUsd, maxPerTaskUsd } = budget;
  const run =
    maxUsd === null || leftUsd === null
      ? ''
      : `${formatMoney(spentUsd)} of ${formatMoney(maxUsd)} spent, ${formatMoney(leftUsd)} left`;
  const task = maxPerTaskUsd === null ? '' : `at most ${formatMoney(maxPerTaskUsd)} a task`;
  return `budget  ${[run, task].filter((part) => part !== '').join(' · ')}`;
}
