import type { StatusReport } from '../app/contract/status.ts';
import { totalTokens, totalCost, type ModelUsage } from '../domain/attempt.ts';
import { formatDue } from '../domain/text/clock.ts';
import { displayWidth, fit, neutralise, truncate, wrap } from '../domain/text/display-text.ts';
import { formatMoney, formatTokens } from '../domain/text/format.ts';
import type { Styles } from '../domain/text/styles.ts';
import { drawUsageBar, openWindows, windowName, type ShownWindow } from '../domain/text/usage-windows.ts';

const LONGEST_BAR = 24;
const MOST_WINDOW_NAME = 20;
const LEAST_WINDOW_NAME = 6;
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
    const nameWidth = Math.min(longest, MOST_WINDOW_NAME, Math.max(LEAST_WINDOW_NAME, columns - 60));
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

const SPANS = ['this run', 'last 5 h', 'last 7 d'] as const;
const CELL = 17;
/** A cell of a terminal that has no room for tokens beside the money. */
const MONEY_CELL = 8;
/** What is left of a name must tell models apart. */
const LEAST_MODEL_NAME = 16;
const OWN = 'of it here';

/**
 * Tokens and cost as a table by model: of the run, and of the last hours and days. Where other projects have used the
 * same accounts theirs is counted in, and this project's own share stands below. A narrow terminal gets the cost alone. Empty
 * where nothing was used.
 */
export function usageLines(
  { run, last5h, last7d, account }: StatusReport['usage'],
  columns: number,
): string[] {
  const own = [run, last5h, last7d];
  const isShared = account !== null && totalCost(account.last7d) - totalCost(last7d) > SMALLEST_USD;
  const all = isShared ? [run, account.last5h, account.last7d] : own;
  const models = [...new Set(all.flatMap((used) => used.map(({ model }) => model)))].sort();
  if (models.length === 0) return [];
  const isNarrow = columns < LEAST_MODEL_NAME + SPANS.length * (CELL + 1);
  const size = isNarrow ? MONEY_CELL : CELL;
  const longest = Math.max(...[...models, ...(isShared ? [OWN] : [])].map(({ length }) => length));
  const width = Math.max(5, Math.min(columns - SPANS.length * (size + 1), longest));
  const row = (name: string, cells: readonly string[]): string =>
    truncate(
      [fit(neutralise(isNarrow ? name.replace(/^claude-/, '') : name), width), ...cells].join(' '),
      columns,
    );
  const cell = (used: readonly ModelUsage[]): string =>
    fit(isNarrow ? money(used) : figures(used), size, 'right');
  const sums = (model: string): string[] =>
    all.map((used) => cell(used.filter((each) => each.model === model)));
  return [
    row(
      'usage',
      SPANS.map((name) => fit(name, size, 'right')),
    ),
    ...models.map((model) => row(model, sums(model))),
    ...(models.length > 1 ? [row('total', all.map(cell))] : []),
    ...(isShared ? [row(OWN, own.map(cell))] : []),
  ];
}

/** What two sums of the same figures may differ by. */
const SMALLEST_USD = 0.000_001;

function money(used: readonly ModelUsage[]): string {
  return used.length === 0 ? '-' : formatMoney(totalCost(used));
}

function figures(used: readonly ModelUsage[]): string {
  if (used.length === 0) return '-';
  const tokens = used.reduce((sum, each) => sum + totalTokens(each), 0);
  return `${formatTokens(tokens)} ${fit(money(used), 9, 'right')}`;
}
