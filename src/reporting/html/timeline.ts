import { PHASES, type Attempt, type Phase } from '../../domain/attempt.ts';
import type { PauseReason, Stamped } from '../../domain/event.ts';
import type { Run } from '../../store/store.ts';

/** A span of time, in Unix milliseconds. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** An attempt on the timeline. */
export interface Bar extends Span {
  readonly attempt: Attempt;
  /** The worker slot, from 0. No two bars of a lane overlap. */
  readonly lane: number;
  /** Its phases, in order and without gaps. */
  readonly phases: readonly (Span & { readonly phase: Phase })[];
  /** Whether it started before the run, in a run that was killed. */
  readonly isTakenOver: boolean;
}

/** A time in which nothing started. */
interface Pause extends Span {
  readonly reason: PauseReason;
  readonly message: string;
}

/** Who worked when in a run. */
export interface Timeline extends Span {
  readonly lanes: number;
  /** By their start. */
  readonly bars: readonly Bar[];
  readonly pauses: readonly Pause[];
}

/**
 * Puts the attempts of a run on a timeline. What is outside the run is cut off, such as the start of an attempt that
 * was taken over.
 */
export function timelineOf(
  run: Run,
  attempts: readonly Attempt[],
  events: readonly Stamped[],
  now: number,
): Timeline {
  const start = Date.parse(run.startedAt);
  const end = Math.max(start, run.endedAt === null ? now : Date.parse(run.endedAt));
  const within = (at: number): number => Math.min(end, Math.max(start, at));
  const changes = phaseChanges(events);
  const free: number[] = [];
  const bars = attempts
    .map((attempt) => {
      const from = within(Date.parse(attempt.startedAt));
      const to = attempt.endedAt === null ? end : within(Date.parse(attempt.endedAt));
      return { attempt, start: from, end: Math.max(from, to) };
    })
    .sort((a, b) => a.start - b.start || a.attempt.id - b.attempt.id)
    .map((span) => {
      const { attempt } = span;
      const found = free.findIndex((freeFrom) => freeFrom <= span.start);
      const lane = found === -1 ? free.length : found;
      free[lane] = span.end;
      const phases = phasesOf(span, changes.get(attempt.id) ?? []);
      return { ...span, lane, phases, isTakenOver: attempt.runId !== run.id };
    });
  return { start, end, lanes: free.length, bars, pauses: pausesOf(events, within, end) };
}

/** How long a bar was in each phase, in milliseconds. */
export function phaseTimes({ phases }: Pick<Bar, 'phases'>): ReadonlyMap<Phase, number> {
  return new Map(PHASES.map((phase) => [phase, totalTime(phases.filter((each) => each.phase === phase))]));
}

/** How long spans last together, in milliseconds. */
export function totalTime(spans: readonly Span[]): number {
  return spans.reduce((sum, { start, end }) => sum + end - start, 0);
}

type PhaseChange = { readonly phase: Phase; readonly at: number };

function phaseChanges(events: readonly Stamped[]): Map<number, PhaseChange[]> {
  const changes = new Map<number, PhaseChange[]>();
  for (const event of events) {
    if (event.type !== 'attempt-phase') continue;
    const change = { phase: event.phase, at: Date.parse(event.at) };
    const known = changes.get(event.attemptId);
    if (known === undefined) changes.set(event.attemptId, [change]);
    else known.push(change);
  }
  return changes;
}

function phasesOf({ start, end }: Span, changes: readonly PhaseChange[]): Bar['phases'] {
  const all: readonly PhaseChange[] = [{ phase: 'preparing', at: start }, ...changes];
  const phases: (Span & { phase: Phase })[] = [];
  let from = start;
  for (const [index, { phase }] of all.entries()) {
    const to = Math.min(end, Math.max(from, all[index + 1]?.at ?? end));
    if (to > from) phases.push({ phase, start: from, end: to });
    from = to;
  }
  return phases;
}

function pausesOf(events: readonly Stamped[], within: (at: number) => number, end: number): Pause[] {
  const pauses: Pause[] = [];
  let open: Pause | undefined;
  for (const event of events) {
    if (event.type === 'run-paused')
      open = {
        reason: event.reason,
        message: event.message,
        start: open?.start ?? within(Date.parse(event.at)),
        end,
      };
    if (event.type !== 'run-resumed' || open === undefined) continue;
    pauses.push({ ...open, end: Math.max(open.start, within(Date.parse(event.at))) });
    open = undefined;
  }
  return open === undefined ? pauses : [...pauses, open];
}
