import type { Attempt } from '../../attempt.ts';
import { styles } from '../../reporting/styles.ts';
import type { TaskStore } from '../../store/store.ts';
import { printable } from '../../worker/display-text.ts';
import { attemptFiles } from '../../worker/claude-process.ts';
import { LineSplitter, type SplitLine } from '../../worker/line-splitter.ts';
import type { Cli } from '../cli.ts';
import { useColor, type CommonOptions } from '../options.ts';
import type { PacedOutput } from '../paced-output.ts';
import { stdoutWidth } from '../tasks/session.ts';
import type { LogEntry } from './entry.ts';
import { followFile } from './follow-file.ts';
import { EntryReader } from './read-entries.ts';
import { renderLog } from './render-log.ts';

/** What is shown of an attempt, and where. */
export interface LogRequest {
  readonly store: TaskStore;
  readonly attempt: Attempt;
  readonly title: string;
  readonly output: PacedOutput;
  /** Undefined where the attempt is shown as it is now; else whether anybody still works on it. */
  readonly isAtWork: ((attempt: Attempt) => boolean) | undefined;
  readonly signal: AbortSignal;
}

/** Shows an attempt: its beginning, its transcript, what is done with it, and its end; as JSON lines or for people. */
export async function showLog(cli: Cli, options: CommonOptions, request: LogRequest): Promise<void> {
  const { attempt, output, signal } = request;
  const transcript = attemptFiles(attempt.files).transcript;
  let current = attempt;
  const refresh = (): Attempt => (current = reload(request.store, attempt));
  const layout = {
    style: styles(useColor(cli, options)),
    width: cli.stdout.isTTY === true ? stdoutWidth(cli) : undefined,
    whole: options.verbose === true,
    directory: attempt.directory,
  };
  const show = async (entries: readonly LogEntry[]): Promise<void> => {
    const lines = entries.flatMap((entry) =>
      options.json === true ? [JSON.stringify(entry)] : renderLog(entry, current, layout),
    );
    await output.write(lines.map((line) => `${line}\n`).join(''));
  };

  await show([beginning(request, transcript)]);
  const reader = new EntryReader();
  let { phase } = attempt;
  const isFollowed = request.isAtWork !== undefined;
  const isThere = await followLines(transcript, request, {
    onLine: (line) => show(reader.read(line)),
    onCaughtUp: async () => {
      if (!isFollowed || refresh().phase === phase || current.end !== null) return;
      ({ phase } = current);
      await show([{ type: 'phase', phase }]);
    },
  });
  if (signal.aborted) return;
  if (!isThere) await show([{ type: 'note', text: missingTranscript(refresh(), transcript) }]);
  await show(reader.end());
  const { end, endedAt, phase: last } = refresh();
  await show([end === null ? { type: 'phase', phase: last } : { type: 'end', endedAt, end }]);
}

/** Shows a transcript as it is, byte by byte; on a terminal, without what could move its cursor. False if there is none. */
export async function showRaw(cli: Cli, request: LogRequest): Promise<boolean> {
  const { output, attempt } = request;
  const { transcript } = attemptFiles(attempt.files);
  if (cli.stdout.isTTY !== true)
    return await followFile(transcript, {
      ...until(request),
      onChunk: (chunk) => output.write(Buffer.from(chunk)),
      onCaughtUp: () => Promise.resolve(),
    });
  return await followLines(transcript, request, {
    onLine: (line) =>
      output.write(
        line.kind === 'line'
          ? `${printable(line.bytes.toString('utf8'))}\n`
          : `[a line of ${line.byteLength} bytes]\n`,
      ),
    onCaughtUp: () => Promise.resolve(),
  });
}

/** Says that there is no transcript where it should be, and why that may be. */
export function missingTranscript({ process, end }: Attempt, transcript: string): string {
  const why =
    process !== null
      ? 'it was removed, or its disk is not there'
      : end === null
        ? 'Claude was not started yet'
        : 'Claude was not started in this attempt';
  return `There is no transcript at ${transcript}: ${why}.`;
}

async function followLines(
  path: string,
  request: LogRequest,
  told: {
    readonly onLine: (line: SplitLine) => Promise<void>;
    readonly onCaughtUp: () => Promise<void>;
  },
): Promise<boolean> {
  let lines: SplitLine[] = [];
  const splitter = new LineSplitter((line) => lines.push(line));
  const take = async (): Promise<void> => {
    const taken = lines;
    lines = [];
    for (const line of taken) await told.onLine(line);
  };
  const isThere = await followFile(path, {
    ...until(request),
    onChunk: async (chunk) => {
      splitter.push(chunk);
      await take();
    },
    onCaughtUp: told.onCaughtUp,
  });
  splitter.end();
  if (!request.signal.aborted) await take();
  return isThere;
}

function until({ store, attempt, isAtWork, signal }: LogRequest): {
  isComplete: () => boolean;
  signal: AbortSignal;
} {
  let seen = '';
  let complete = isAtWork === undefined;
  let askedAt = -Infinity;
  const isComplete = (): boolean => {
    if (complete || isAtWork === undefined) return true;
    const version = store.version();
    // A killed run changes nothing in the store: so it is asked for now and then.
    if (version === seen && Date.now() - askedAt < ASK_AGAIN_MS) return false;
    seen = version;
    askedAt = Date.now();
    const current = reload(store, attempt);
    complete = current.end !== null || !isAtWork(current);
    return complete;
  };
  return { isComplete, signal };
}

const ASK_AGAIN_MS = 1000;

function reload(store: TaskStore, attempt: Attempt): Attempt {
  return store.attempts({ taskId: attempt.taskId }).find(({ id }) => id === attempt.id) ?? attempt;
}

function beginning({ attempt, title }: LogRequest, transcript: string): LogEntry {
  const { taskId, number, runId, sessionId, resumed, model, directory, branch, startedAt } = attempt;
  return {
    type: 'attempt',
    taskId,
    title,
    number,
    runId,
    sessionId,
    resumed,
    model,
    directory,
    branch,
    transcript,
    startedAt,
  };
}
