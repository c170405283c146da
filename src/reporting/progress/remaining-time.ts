/** What an estimate of the time left can be made from. */
export interface Pace {
  /** What the plan says is left, in minutes of wall-clock time. */
  readonly plannedMinutes: number | undefined;
  readonly waiting: number;
  /** How long each running task has been at it. */
  readonly runningForMs: readonly number[];
  readonly workers: number;
  /** Working time of each finished task, all its attempts together. */
  readonly finishedMs: readonly number[];
  /** How long it will be until anything may start. */
  readonly pausedForMs?: number;
}

/** A figure beyond this says only that something is wrong. */
const LONGEST_MS = 8 * 24 * 3_600_000;

/** Milliseconds until a run's work is done; null while it cannot be told, or the figure would be absurd. */
export function estimateRemaining(pace: Pace): number | null {
  const { plannedMinutes, waiting, runningForMs, pausedForMs = 0 } = pace;
  if (waiting + runningForMs.length === 0) return null;
  const work = plannedMinutes === undefined ? fromFinished(pace) : plannedMinutes * 60_000;
  if (work === null) return null;
  const remaining = work + pausedForMs;
  return remaining >= 0 && remaining <= LONGEST_MS ? remaining : null;
}

/** Takes it that every open task needs as long as the finished ones did on average, and all workers stay busy. */
function fromFinished({ waiting, runningForMs, workers, finishedMs }: Pace): number | null {
  if (finishedMs.length === 0) return null;
  const mean = finishedMs.reduce((sum, spent) => sum + spent, 0) / finishedMs.length;
  // One that is over the average is expected to need a while longer, never to be done at any moment.
  const left = runningForMs.map((spent) => Math.max(mean - spent, spent / 4));
  const work = left.reduce((sum, each) => sum + each, waiting * mean);
  const parallel = Math.max(1, Math.min(workers, waiting + runningForMs.length));
  return Math.max(work / parallel, ...left);
}
