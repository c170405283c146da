import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '../../domain/failure.ts';
import type { Stamped } from '../../domain/event.ts';
import type { Reporter } from '../reporter.ts';
import { LOG_LEVELS, logLine, serialize, type LogLevel, type LogLine } from './log-line.ts';
import { RotatingFile } from './rotating-file.ts';

/** Where a log is kept, and how much of it. */
export interface LogOptions {
  /** `.taskmaster/logs` of the project; created when the first line is written. */
  readonly folder: string;
  /** At `debug`, the log also has what workers do from moment to moment. */
  readonly level: LogLevel;
  readonly pid: number;
  /** Unix milliseconds. */
  readonly now: () => number;
  /** Called once, when lines cannot be written. */
  readonly warn: (message: string) => void;
  readonly maxBytes?: number;
  readonly maxFiles?: number;
  /** How long lines are collected after a write, in milliseconds. */
  readonly gatherMs?: number;
}

const MAX_BYTES = 5 * 1024 * 1024;
const MAX_FILES = 5;
/** Nobody reads the log faster, and a write for each event of many workers would burden the disk. */
const GATHER_MS = 100;
/** How many characters wait for a slow disk at most. */
const MOST_WAITING = 4 * 1024 * 1024;

/**
 * Writes every event to `run.log` in `folder`, one JSON object a line. It never throws and never waits. Lines are
 * lost if the disk is full, gone or too slow; one warning and a line of the log say so.
 */
export function createLogReporter(options: LogOptions): Reporter {
  const {
    folder,
    level,
    pid,
    now,
    maxBytes = MAX_BYTES,
    maxFiles = MAX_FILES,
    gatherMs = GATHER_MS,
  } = options;
  const file = new RotatingFile({ folder, name: 'run', maxBytes, maxFiles, pid, now });
  const actions = new Map<number, string>();
  let run: string | null = null;
  let waiting = '';
  let lost = 0;
  let hasWarned = false;
  let writing: Promise<void> | undefined;
  const closing = new AbortController();

  const add = (line: LogLine): void => {
    if (LOG_LEVELS.indexOf(line.level) < LOG_LEVELS.indexOf(level)) return;
    if (waiting.length > MOST_WAITING) lost++;
    else waiting += serialize(line);
    writing ??= writeAll().finally(() => (writing = undefined));
  };
  const writeAll = async (): Promise<void> => {
    while (waiting !== '') {
      const lines = waiting;
      waiting = '';
      const [lostBefore, before] = [lost, lost === 0 ? '' : serialize(lostLine(lost))];
      try {
        await file.append(before + lines);
        lost -= lostBefore;
      } catch (error) {
        lost += countLines(lines);
        warnOnce(error);
      }
      await delay(gatherMs, undefined, { signal: closing.signal }).catch(() => undefined);
    }
  };
  const lostLine = (count: number): LogLine => ({
    at: new Date(now()).toISOString(),
    level: 'warn',
    type: 'lines-lost',
    run,
    task: null,
    attempt: null,
    message: `${count} lines before this one could not be written.`,
    data: { count },
  });
  const warnOnce = (error: unknown): void => {
    if (hasWarned) return;
    hasWarned = true;
    const why = messageOf(error);
    try {
      options.warn(`The log ${file.path} cannot be written (${why}); the run goes on without it.`);
    } catch {
      // The warning may need the same disk.
    }
  };

  return {
    report(event) {
      if (event.type === 'run-started') run = event.runId;
      if (!isNews(event, actions)) return;
      add(logLine(event, run));
    },
    async close() {
      closing.abort();
      while (writing !== undefined) await writing;
    },
  };
}

/** Whether the event is news, and not only another count of tokens for the same action. */
function isNews(event: Stamped, actions: Map<number, string>): boolean {
  if (event.type === 'attempt-ended') actions.delete(event.attemptId);
  if (event.type !== 'attempt-progress') return true;
  const { action } = event.progress;
  const isNew = action !== '' && actions.get(event.attemptId) !== action;
  actions.set(event.attemptId, action);
  return isNew;
}

function countLines(text: string): number {
  return text.split('\n').length - 1;
}
