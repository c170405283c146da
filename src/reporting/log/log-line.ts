import { OUTCOME_POLICY } from '../../domain/outcome.ts';
import type { Stamped } from '../../domain/event.ts';
import { eventSentence } from '../../domain/text/event-sentence.ts';

/** The levels of lines, by importance. A log has the lines of its own level and of the levels after it. */
export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** A line of the log. A field that does not apply is null. */
export interface LogLine {
  /** ISO 8601, UTC. */
  readonly at: string;
  readonly level: LogLevel;
  /** The type of the event. */
  readonly type: string;
  readonly run: string | null;
  readonly task: string | null;
  /** The attempt's id in the store, not its number. */
  readonly attempt: number | null;
  /** One sentence. */
  readonly message: string;
  /** All other fields of the event. */
  readonly data: Readonly<Record<string, unknown>>;
}

/** Makes a line of an event. `run` is the run that is going on, which most events do not name. */
export function logLine(event: Stamped, run: string | null): LogLine {
  const { type, at, ...rest } = event;
  const { runId, taskId, attemptId, ...data } = rest as Readonly<Record<string, unknown>>;
  return {
    at,
    level: levelOf(event),
    type,
    run: typeof runId === 'string' ? runId : run,
    task: typeof taskId === 'string' ? taskId : null,
    attempt: typeof attemptId === 'number' ? attemptId : null,
    message: eventSentence(event),
    data,
  };
}

/** Writes the line as one JSON object on one line. A line that is too long for readers loses its data. */
export function serialize(line: LogLine): string {
  const text = JSON.stringify(line);
  if (text.length <= LONGEST) return `${text}\n`;
  const message = line.message.length > LONGEST / 8 ? `${line.message.slice(0, LONGEST / 8)}…` : line.message;
  return `${JSON.stringify({ ...line, message: message.replace(/\p{Surrogate}/gu, '\ufffd'), data: { leftOut: `${text.length} characters` } })}\n`;
}

const LONGEST = 256 * 1024;

function levelOf(event: Stamped): LogLevel {
  switch (event.type) {
    case 'attempt-progress':
      return 'debug';
    case 'attempt-ended': {
      const { success, charged } = OUTCOME_POLICY[event.end.outcome];
      return success ? 'info' : charged ? 'error' : 'warn';
    }
    case 'run-ended':
      return event.outcome === 'completed' ? 'info' : event.outcome === 'interrupted' ? 'warn' : 'error';
    case 'warning':
    case 'usage-warning':
    case 'budget-wait':
    case 'run-paused':
    case 'retry-scheduled':
      return 'warn';
    case 'run-delivered':
      return event.delivery.kind === 'left' ? 'warn' : 'info';
    default:
      return 'info';
  }
}
