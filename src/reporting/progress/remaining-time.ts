/** What the time left is estimated from. */
export interface Pace {
  /** What is left by the plan, in minutes of wall-clock time. */
  readonly plannedMinutes: number | undefined;
  readonly waiting: number;
  /** How long each running task has been worked on. */
  readonly runningForMs: readonly number[];
  readonly workers: number;
  /** The working time of each finished task, of all its attempts together. */
  readonly finishedMs: readonly number[];
  /** How long it takes until anything may start. */
  readonly pausedForMs?: number;
}

/** A longer estimate only shows that something is wrong. */
const LONGEST_MS = 8 * 24 * 3_600_000;

/**
 * Estimates the milliseconds until a run's work is done; null if there is too little to go by or the result is
 * absurd.
 */
export function estimateRemaining(pace: Pace): number | null {
  const { plannedMinutes, waiting, runningForMs, pausedForMs = 0 } = pace;
  if (waiting + runningForMs.length === 0) return null;
  const work = plannedMinutes === undefined ? fromFinished(pace) : plannedMinutes * 60_000;
  if (work === null) return null;
  const remaining = work + pausedForMs;
  return remaining >= 0 && remaining <= LONGEST_MS ? remaining : null;
}

/** Assumes that every open task takes as long as the finished ones did on average, and that all workers stay busy. */
function fromFinished({ waiting, runningForMs, workers, finishedMs }: Pace): number | null {
  if (finishedMs.length === 0) return null;
  const mean = finishedMs.reduce((sum, spent) => sum + spent, 0) / finishedMs.length;
  // A task that has taken longer than the average is expected to take a while longer, not to end at any moment.
  const left = runningForMs.map((spent) => Math.max(mean - spent, spent / 4));
  const work = left.reduce((sum, each) => sum + each, waiting * mean);
  const parallel = Math.max(1, Math.min(workers, waiting + runningForMs.length));
  return Math.max(work / parallel, ...left);
}
