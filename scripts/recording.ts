import { Screen, type Cell } from '../tests/rig/screen.ts';
import type { TerminalOutput } from '../tests/rig/terminal.ts';

/** What a terminal showed for a while. */
export interface Frame {
  readonly seconds: number;
  readonly lines: readonly (readonly Cell[])[];
}

/** A pause longer than this is shortened to it. */
const LONGEST_PAUSE = 2;

/** How long the last frame stays before the picture begins anew. */
const LAST_FRAME = 6;

/** Cuts a recorded session into frames, at most one in `everySeconds`. */
export function framesOf(
  outputs: readonly TerminalOutput[],
  { columns, rows, everySeconds }: { columns: number; rows: number; everySeconds: number },
): Frame[] {
  const screen = new Screen(columns, rows);
  const frames: Frame[] = [];
  for (const [index, { at, text }] of outputs.entries()) {
    screen.write(text);
    const next = outputs[index + 1];
    const isLastOfSlot =
      next === undefined || Math.floor(next.at / everySeconds) > Math.floor(at / everySeconds);
    if (!isLastOfSlot) continue;
    const pause = next === undefined ? LAST_FRAME : Math.min(LONGEST_PAUSE, next.at - at);
    frames.push({
      seconds: next === undefined ? pause : Math.max(everySeconds, pause),
      lines: screen.cells().map((line) => [...line]),
    });
  }
  return frames;
}
