import type { Attempt } from '../../domain/attempt.ts';
import type { Redact } from '../../domain/redact.ts';
import type { TaskStore } from '../../store/store.ts';
import { LineSplitter, type SplitLine } from '../../domain/text/line-splitter.ts';
import type { PacedOutput } from '../../cli/paced-output.ts';
import { followFile } from './follow-file.ts';

/** What is shown of an attempt, and where. */
export interface LogRequest {
  readonly store: TaskStore;
  readonly attempt: Attempt;
  readonly title: string;
  readonly output: PacedOutput;
  readonly redact: Redact;
  /** Undefined where the attempt is shown as it is now; else whether anybody still works on it. */
  readonly isAtWork: ((attempt: Attempt) => boolean) | undefined;
  readonly signal: AbortSignal;
}

/** Gives each line of a transcript in turn, of one that still grows as it comes; false if there is no transcript. */
export async function followLines(
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

/** When a transcript is complete: at once where it is shown as it is now. */
export function until({ store, attempt, isAtWork, signal }: LogRequest): {
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

/** The attempt as it is now. */
export function reload(store: TaskStore, attempt: Attempt): Attempt {
  return store.attempts({ taskId: attempt.taskId }).find(({ id }) => id === attempt.id) ?? attempt;
}
