import type { Attempt, GateVerdict, Review } from '../../domain/attempt.ts';
import type { Stamped } from '../../domain/event.ts';
import { OUTCOME_POLICY, type AttemptOutcome } from '../../domain/outcome.ts';
import { compareTaskIds, isDecided, isSettled, type TaskId } from '../../domain/task.ts';
import { truncate } from '../../domain/text/display-text.ts';
import { summarize, type SummarySource } from '../summarize.ts';
import type { RunSummary } from '../summary.ts';
import { drawGraph, type GraphDrawing } from './graph-drawing.ts';
import { timelineOf, totalTime, type Timeline } from './timeline.ts';

/** The size of a change. */
export interface ChangeSize {
  readonly files: number;
  readonly added: number;
  readonly removed: number;
}

/** What a report is made from: a run as the store has it, and the sizes of the commits by which its tasks landed. */
export interface ReportSource extends SummarySource {
  /** The sizes by the id of the attempt that landed. */
  readonly sizes: ReadonlyMap<number, ChangeSize>;
}

/**
 * The state of a task or an attempt: `stopped` if it is still to do through no fault of its own, `set-aside` if a
 * person decided so, `earlier` if it was settled before the run.
 */
export type State = 'done' | 'failed' | 'stopped' | 'set-aside' | 'running' | 'left' | 'earlier';

/** A task that the run tried. */
export interface ReportTask {
  readonly id: TaskId;
  readonly title: string;
  readonly state: State;
  /** The oldest first. */
  readonly attempts: readonly Attempt[];
  readonly outcome: AttemptOutcome | null;
  readonly durationMs: number;
  readonly tokens: number;
  readonly costUsd: number;
  /** The verdicts of its last attempt that has any. */
  readonly gates: readonly GateVerdict[];
  readonly review: Review | null;
  /** The commit by which it landed. */
  readonly commit: string | null;
  readonly size: ChangeSize | null;
  readonly message: string;
  readonly advice: string;
  readonly deniedRules: readonly string[];
}

/** Everything that a report shows. */
export interface Report {
  readonly summary: RunSummary;
  readonly timeline: Timeline;
  /** Undefined if the stored tasks are no valid graph. */
  readonly graph: GraphDrawing | undefined;
  /** By id. */
  readonly tasks: readonly ReportTask[];
  /** The state and the title of every task that is drawn. */
  readonly states: ReadonlyMap<TaskId, { readonly title: string; readonly state: State }>;
  /** The time of all attempts together, within the run. */
  readonly workMs: number;
  readonly pausedMs: number;
  /** The size of everything that landed. */
  readonly size: ChangeSize | null;
  /** The oldest first, each once. */
  readonly warnings: readonly { readonly text: string; readonly count: number }[];
}

/** Puts together what a report shows of a run. */
export function reportOf(source: ReportSource): Report {
  const { run, attempts, tasks, events, now, sizes } = source;
  const summary = summarize(source);
  const timeline = timelineOf(run, attempts, events, now);
  const reported = reportTasks(summary, attempts, sizes);
  const states = new Map(
    tasks.map(({ id, title, status }) => [
      id,
      { title: shortTitle(title), state: isSettled(status) ? 'earlier' : 'left' } as const,
    ]),
  );
  const shown = new Set([...reported, ...summary.left.map(({ taskId: id }) => ({ id }))].map(({ id }) => id));
  return {
    summary,
    timeline,
    graph: drawGraph(tasks, shown),
    tasks: reported,
    states: new Map([...states, ...reported.map(({ id, title, state }) => [id, { title, state }] as const)]),
    workMs: totalTime(timeline.bars),
    pausedMs: totalTime(timeline.pauses),
    size: sumSizes(reported.flatMap(({ size }) => size ?? [])),
    warnings: warningsOf(events),
  };
}

/** The state of an attempt with this outcome; without one it is running. */
export function stateAfter(outcome: AttemptOutcome | undefined): State {
  if (outcome === undefined) return 'running';
  const { success, charged } = OUTCOME_POLICY[outcome];
  return success ? 'done' : charged ? 'failed' : 'stopped';
}

function reportTasks(
  { done, failed, running }: RunSummary,
  attempts: readonly Attempt[],
  sizes: ReportSource['sizes'],
): ReportTask[] {
  const none = { message: '', advice: '', deniedRules: [], durationMs: 0, tokens: 0, costUsd: 0 };
  const all = [
    ...done.map((task) => ({ ...none, ...task, state: 'done' as const })),
    ...failed.map((task) => ({ ...none, ...task, state: stateOfFailed(task.status) })),
    ...running.map((task) => ({ ...none, ...task, outcome: null, state: 'running' as const })),
  ];
  return all
    .map(({ taskId, ...task }) => {
      const tries = attempts.filter((attempt) => attempt.taskId === taskId);
      const ends = tries.flatMap(({ end }) => end ?? []);
      const landed = tries.findLast(({ end }) => end?.commit != null);
      const { title, state, outcome, durationMs, tokens, costUsd, message, advice, deniedRules } = task;
      return {
        id: taskId,
        title: shortTitle(title),
        state,
        attempts: tries,
        outcome,
        durationMs,
        tokens,
        costUsd,
        gates: ends.findLast((end) => end.gates.length > 0)?.gates ?? [],
        review: ends.findLast((end) => end.review !== null)?.review ?? null,
        commit: landed?.end?.commit ?? null,
        size: (landed && sizes.get(landed.id)) ?? null,
        message,
        advice,
        deniedRules,
      };
    })
    .sort((a, b) => compareTaskIds(a.id, b.id));
}

const TITLE_CELLS = 120;

/** Cuts a title, which may have any length. */
function shortTitle(title: string): string {
  return truncate(title.slice(0, 3 * TITLE_CELLS), TITLE_CELLS);
}

function stateOfFailed(status: Parameters<typeof isDecided>[0]): State {
  if (isDecided(status)) return 'set-aside';
  return status === 'failed' ? 'failed' : 'stopped';
}

function sumSizes(sizes: readonly ChangeSize[]): ChangeSize | null {
  if (sizes.length === 0) return null;
  const sum = (of: keyof ChangeSize): number => sizes.reduce((total, size) => total + size[of], 0);
  return { files: sum('files'), added: sum('added'), removed: sum('removed') };
}

function warningsOf(events: readonly Stamped[]): Report['warnings'] {
  const counts = new Map<string, number>();
  for (const event of events) {
    const text = warningText(event);
    if (text !== undefined) counts.set(text, (counts.get(text) ?? 0) + 1);
  }
  return [...counts].map(([text, count]) => ({ text, count }));
}

function warningText(event: Stamped): string | undefined {
  if (event.type === 'warning') return event.message;
  if (event.type !== 'usage-warning') return undefined;
  return `${Math.round(event.used)} % of the ${event.window} window of the ${event.account} was used.`;
}
