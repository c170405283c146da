import type { Stamped } from '../event.ts';
import { isPlanWindow, describeWindow, type UsageWindow } from '../usage-limit.ts';
import { displayWidth, neutralise } from './display-text.ts';
import type { Styles } from './styles.ts';

/** A window of usage limits as displays show it. */
export interface ShownWindow extends UsageWindow {
  /** The account that pays through it, for people: `Claude subscription`, `API key …abcd`. */
  readonly account: string;
}

/** From this share on, a window is shown as nearly used up. */
const NEARLY_FULL = 0.8;

/** What people call a window of usage limits, safe to print. */
export function windowName(window: string): string {
  return neutralise(describeWindow(window));
}

/** The windows of a plan that have not been reset by `now` (Unix milliseconds). */
export function openWindows<W extends ShownWindow>(windows: readonly W[], now: number): W[] {
  return windows.filter((window) => isPlanWindow(window) && (window.resetsAt ?? Infinity) > now);
}

/** Of the windows that refuse requests, the one that refuses longest. */
export function findExhaustedWindow(windows: readonly ShownWindow[]): ShownWindow | undefined {
  return windows
    .filter(({ status }) => status === 'rejected')
    .reduce<ShownWindow | undefined>(
      (latest, each) => ((each.resetsAt ?? 0) > (latest?.resetsAt ?? -1) ? each : latest),
      undefined,
    );
}

/** The window that a warning is about. */
export function windowOfWarning(event: Extract<Stamped, { type: 'usage-warning' }>): ShownWindow {
  return {
    account: event.account,
    name: event.window,
    utilization: event.used / 100,
    status: 'allowed_warning',
    resetsAt: event.resetsAt === null ? null : Date.parse(event.resetsAt),
  };
}

/** Draws a window's use as a bar of `cells` cells and its percentage, 5 cells; a dash where the use is not known. */
export function drawUsageBar({ utilization, status }: ShownWindow, cells: number, style: Styles): string {
  if (utilization === null)
    return `${style.dim('─'.repeat(cells))} ${(status === 'rejected' ? 'full' : '-').padStart(4)}`;
  const share = Math.min(1, Math.max(0, Number.isFinite(utilization) ? utilization : 0));
  const filled = Math.floor(share * cells);
  const tone = status === 'rejected' ? style.red : share >= NEARLY_FULL ? style.yellow : style.green;
  const percent = `${Math.min(999, Math.floor(Math.max(0, utilization) * 100))}%`;
  return `${tone('━'.repeat(filled))}${style.dim('─'.repeat(cells - filled))} ${percent.padStart(4)}`;
}

const SMALL_BAR = 10;

/** Draws the windows in one line of at most `columns` cells, as many as fit; undefined if none fits. */
export function drawUsageLine(
  windows: readonly ShownWindow[],
  columns: number,
  style: Styles,
): string | undefined {
  let line = '';
  for (const window of windows) {
    const next = `${line === '' ? '' : `${line} · `}${windowName(window.name)} ${drawUsageBar(window, SMALL_BAR, style)}`;
    if (displayWidth(next) > columns) break;
    line = next;
  }
  return line === '' ? undefined : line;
}
