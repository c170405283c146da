import { isPlanWindow } from '../domain/usage-limit.ts';
import type { SeenWindow } from '../usage/ledger.ts';

/** The part of a window that is the person's, from 0 to 1. */
export interface PacingOptions {
  readonly reserve: number;
}

/**
 * Before anything was measured: five hours hold what costs about fifty dollars at list price. Of the other windows
 * nothing is guessed: they reset so late that to wait for nothing costs more than to meet the limit.
 */
const PRIOR_SHARE_PER_USD = { five_hour: 0.02 } as Readonly<Record<string, number>>;
/** No plan's window is smaller than this: what seems to be was used by the person meanwhile, beside the run. */
const MOST_SHARE_PER_USD = 0.15;

/**
 * With so much of a window left any task may start, however large: one that needs more than half a window has to be
 * interrupted by a limit anyway, and goes on after it.
 */
const ALWAYS_ENOUGH = 0.5;

/**
 * The window that is too small for a task, if there is one: what is left in it, apart from the person's share and what
 * running attempts are still expected to take, is less than the task is expected to take. Amounts in US dollars.
 */
export function tooSmall(
  windows: readonly SeenWindow[],
  expectedUsd: number,
  runningUsd: number,
  { reserve }: PacingOptions,
): SeenWindow | undefined {
  return windows.find((window) => {
    const left = leftIn(window, reserve);
    const share = window.sharePerUsd ?? PRIOR_SHARE_PER_USD[window.name];
    if (left === undefined || share === undefined) return false;
    const perUsd = Math.min(MOST_SHARE_PER_USD, share);
    const needed = Math.min(expectedUsd * perUsd, ALWAYS_ENOUGH * (1 - reserve));
    return needed > left - runningUsd * perUsd;
  });
}

/** The windows of which only the person's share is left. */
export function atReserve(windows: readonly SeenWindow[], { reserve }: PacingOptions): SeenWindow[] {
  if (reserve <= 0) return [];
  return windows.filter(
    (window) => isPlanWindow(window) && window.utilization !== null && window.utilization >= 1 - reserve,
  );
}

/** Undefined where nothing is known, or where a window that is used up is no obstacle: its overage is being paid for. */
function leftIn(window: SeenWindow, reserve: number): number | undefined {
  if (!isPlanWindow(window) || window.utilization === null || window.status === 'rejected') return undefined;
  return 1 - reserve - window.utilization;
}
