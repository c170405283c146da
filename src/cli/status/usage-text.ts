import { totalTokens, type ModelUsage } from '../../domain/attempt.ts';
import { fit, neutralise, truncate } from '../../domain/text/display-text.ts';
import { formatMoney, formatTokens } from '../../domain/text/format.ts';
import type { StatusReport } from '../../app/contract/status.ts';

const SPANS = ['this run', 'last 5 h', 'last 7 d'] as const;
const CELL = 17;
/** A cell of a terminal that has no room for tokens beside the money. */
const MONEY_CELL = 8;
/** What is left of a name must tell models apart. */
const LEAST_NAME = 16;
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
  const isShared = account !== null && costOf(account.last7d) - costOf(last7d) > SMALLEST_USD;
  const all = isShared ? [run, account.last5h, account.last7d] : own;
  const models = [...new Set(all.flatMap((used) => used.map(({ model }) => model)))].sort();
  if (models.length === 0) return [];
  const isNarrow = columns < LEAST_NAME + SPANS.length * (CELL + 1);
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
  return used.length === 0 ? '-' : formatMoney(costOf(used));
}

function figures(used: readonly ModelUsage[]): string {
  if (used.length === 0) return '-';
  const tokens = used.reduce((sum, each) => sum + totalTokens(each), 0);
  return `${formatTokens(tokens)} ${fit(money(used), 9, 'right')}`;
}

function costOf(used: readonly ModelUsage[]): number {
  return used.reduce((sum, { costUsd }) => sum + costUsd, 0);
}
