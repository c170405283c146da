import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AttemptEnd } from '../../src/domain/attempt.ts';
import type { TaskStore } from '../../src/store/store.ts';
import type { TaskId, TaskStatus } from '../../src/domain/task.ts';
import { attemptEnd } from './attempt-end.ts';

/** An attempt that a test stores as a run would have. */
export interface AttemptSample {
  readonly taskId: TaskId;
  readonly runId: string;
  readonly sessionId?: string;
  readonly directory: string;
  readonly filesRoot: string;
  readonly branch?: string;
  readonly base?: string;
  /** Its transcript's lines: objects as JSON, texts as they are; without them there is no transcript. */
  readonly transcript?: readonly (object | string)[];
  /** Without it the attempt has not ended. */
  readonly end?: Partial<AttemptEnd>;
  readonly status?: TaskStatus;
}

/** Stores an attempt with its files, in a run that `startSampleRun` has begun; gives its id. */
export function storeAttempt(store: TaskStore, sample: AttemptSample): number {
  const { taskId, runId, directory, filesRoot, branch, base, transcript, end, status } = sample;
  const claimed = store.claim({
    runId,
    taskId,
    sessionId: sample.sessionId ?? '0d9f5f0e-6c1f-4b55-9f0e-3d7a3f6b2a11',
    resumed: false,
    model: 'sonnet',
    directory,
    filesRoot,
    why: 'test',
  });
  if (claimed === undefined) throw new Error(`Task ${taskId} cannot be claimed.`);
  const { id: attemptId, files } = claimed.attempt;
  if (branch !== undefined)
    store.record({ type: 'attempt-prepared', attemptId, taskId, directory, branch, base: base ?? null });
  if (transcript !== undefined) {
    mkdirSync(files, { recursive: true });
    writeFileSync(join(files, 'transcript.ndjson'), transcriptText(transcript));
  }
  if (end !== undefined) {
    const { outcome = 'verify-failed', ...more } = end;
    store.endAttempt(attemptId, attemptEnd(outcome, more), status ?? 'failed', 'test');
  }
  return attemptId;
}

/** Lines of a transcript as they stand in its file. */
export function transcriptText(lines: readonly (object | string)[]): string {
  return lines.map((line) => `${typeof line === 'string' ? line : JSON.stringify(line)}\n`).join('');
}

/** Begins a run of a process; that of the test itself is alive. */
export function startSampleRun(
  store: TaskStore,
  id: string,
  process: { readonly pid: number; readonly startTime: string },
): void {
  store.startRun({ id, process, workers: 1, billing: '', tasks: 1 }, () => false);
}
