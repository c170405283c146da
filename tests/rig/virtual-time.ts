import { setImmediate as nextTurn } from 'node:timers/promises';
import { vi } from 'vitest';

/** Stops timers and the clock until a test moves them. Everything else runs in real time. */
export function stopTheClock(at: string): void {
  vi.useFakeTimers({
    toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date'],
    now: Date.parse(at),
  });
}

/** Moves the clock from timer to timer until `isOver`. */
export async function liveUntil(isOver: () => boolean): Promise<void> {
  while (!isOver()) {
    // The work of the last timer may need a few turns until it sets the next one.
    for (let turn = 0; turn < 3; turn++) await nextTurn();
    if (isOver()) return;
    await vi.advanceTimersToNextTimerAsync();
  }
}
