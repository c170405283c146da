import { appendFileSync } from 'node:fs';
import { createDisplay } from '../src/reporting/terminal/display.ts';
import { stagedEnd, stagedProgress, stagedStart } from '../tests/rig/staged-run.ts';

/**
 * A program that shows a staged run on its own stdout: `display-program KIND WORKERS SECONDS`. With SECONDS, each
 * worker reports four times a second for so long; without, it waits for Ctrl-C. KIND `none` shows nothing. Each report
 * adds a character to the file that `BEATS` names.
 */
const beats = process.env['BEATS'];
const [kind = 'live', workers = '4', seconds] = process.argv.slice(2);
const count = Number(workers);
const reporter =
  kind === 'none'
    ? { report: () => undefined, close: () => Promise.resolve() }
    : await createDisplay(
        { kind: kind as 'live', level: 'normal', color: true },
        { stream: process.stdout, now: Date.now },
      );
const start = Date.now();
for (const event of stagedStart(count, count * 3, start)) reporter.report(event);

let ticks = 0;
let slot = 0;
const beat = setInterval(
  () => {
    slot = (slot % count) + 1;
    ticks++;
    if (beats !== undefined) appendFileSync(beats, '.');
    reporter.report({ ...stagedProgress(slot, ticks), at: new Date().toISOString() });
    if (seconds !== undefined && Date.now() - start >= Number(seconds) * 1000) void end(0);
  },
  1000 / 4 / count,
);
process.on('SIGINT', () => void end(130));

async function end(code: number): Promise<void> {
  clearInterval(beat);
  const now = Date.now();
  const rest = Array.from({ length: count }, (_, index) =>
    stagedEnd(index + 1, index === 0 ? 'verify-failed' : 'landed', now, 0),
  );
  for (const event of rest.flat()) reporter.report(event);
  const outcome = code === 0 ? 'completed-with-failures' : 'interrupted';
  reporter.report({ type: 'run-ended', runId: 'run-1', outcome, message: '', at: new Date().toISOString() });
  await reporter.close();
  process.exitCode = code;
}
