import { setImmediate as nextTurn } from 'node:timers/promises';
import { vi } from 'vitest';

/** Lets timers and the clock stand still until they are set ahead; everything else goes on in real time. */
export function stopTheClock(at: string): void {
  vi.useFakeTimers({
    toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date'],
    now: Date.parse(at),
  });
}

/** Goes from timer to timer until `isOver` says so. */
export async function liveUntil(isOver: () => boolean): Promise<void> {
  while (!isOver()) {
    // What the last timer set off may take a few turns until it sets the next one.
    for (let turn = 0; turn < 3; turn++) await nextTurn();
    if (isOver()) return;
    await vi.advanceTimersToNextTimerAsync();
  }
}
