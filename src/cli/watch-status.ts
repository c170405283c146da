import { useColor } from './print.ts';
import { displayWidth } from '../domain/text/display-text.ts';
import { styles } from '../domain/text/styles.ts';
import type { Cli } from './cli.ts';
import type { CommonOptions } from './command.ts';
import { formatStatus, formatStatusLine } from './status-text.ts';
import type { StatusReader } from '../app/status.ts';

/** How often the store is asked whether something changed. */
const POLL_MS = 250;
/** A killed run changes nothing in the store, and time passes too: so it is looked at anew this often. */
const REFRESH_MS = 5000;
/** While a countdown is shown, every second counts. */
const COUNTDOWN_MS = 1000;

/**
 * Shows the status again at every change, until a signal or until nobody reads it; gives the exit code. On a
 * terminal the screen is repainted, else a line is added, and with `--json` a document a line.
 */
export async function watchStatus(
  cli: Cli,
  options: CommonOptions,
  { read, version }: StatusReader,
): Promise<number> {
  const onTerminal = cli.stdout.isTTY === true && options.json !== true;
  const style = styles(useColor(cli, options));
  let seen = '';
  let lookedAt = -Infinity;
  let shown = '';
  let refreshMs = REFRESH_MS;

  const look = (force: boolean): void => {
    const now = Date.now();
    const current = version();
    if (!force && current === seen && now - lookedAt < refreshMs) return;
    seen = current;
    lookedAt = now;
    const report = read();
    const content = JSON.stringify(report);
    refreshMs = onTerminal && (report.run?.paused ?? null) !== null ? COUNTDOWN_MS : REFRESH_MS;
    if (onTerminal) {
      const columns = cli.stdout.columns ?? 80;
      const rows = cli.stdout.rows ?? 24;
      cli.stdout.write(repaint(formatStatus(report, { columns, style, now }), { columns, rows }));
    } else if (content !== shown) {
      cli.stdout.write(options.json === true ? `${content}\n` : formatStatusLine(report, now));
    }
    shown = content;
  };

  return new Promise<number>((resolve, reject) => {
    const onResize = (): void => guarded(() => look(true));
    const onError = (): void => end(() => resolve(0));
    const stopListening = cli.onInterrupt(() => end(() => resolve(cli.interruptExit ?? 0)));
    const timer = setInterval(() => guarded(() => look(false)), POLL_MS);
    const end = (settle: () => void): void => {
      clearInterval(timer);
      stopListening();
      cli.stdout.off('resize', onResize);
      settle();
    };
    const guarded = (step: () => void): void => {
      try {
        step();
      } catch (error) {
        end(() => reject(error instanceof Error ? error : new Error(String(error))));
      }
    };
    cli.stdout.on('resize', onResize);
    cli.stdout.on('error', onError);
    guarded(() => look(true));
  });
}

/** From the top left corner, each line cleared behind its end: nothing flickers, nothing scrolls away. */
function repaint(text: string, { columns, rows }: { columns: number; rows: number }): string {
  let room = Math.max(1, rows - 1);
  // A command goes on in the next row, so that it can be copied.
  const lines = text
    .trimEnd()
    .split('\n')
    .filter((line) => (room -= Math.max(1, Math.ceil(displayWidth(line) / columns))) >= 0);
  return `\x1b[H${lines.map((line) => `${line}\x1b[K\n`).join('')}\x1b[J`;
}
