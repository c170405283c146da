import type { Attempt } from '../../domain/attempt.ts';
import { OUTCOME_POLICY } from '../../domain/outcome.ts';
import { boundText } from '../../domain/text/bound-text.ts';
import { firstLine } from '../../domain/text/display-text.ts';
import { LineSplitter } from '../../domain/text/line-splitter.ts';
import { findSubject } from '../../domain/text/tool-subject.ts';
import { locateAttemptFiles } from '../../worker/claude/attempt-files.ts';
import type { TranscriptEntry } from '../contract/logs.ts';
import type { TaskReport } from '../contract/show.ts';
import { followFile } from './follow-transcript.ts';
import { EntryReader } from './read-entries.ts';

/** The first signals stand near the beginning. After so many bytes the rest is left to `logs`. */
const MOST_BYTES = 64 * 1024 * 1024;

/** Adds the failure signals in the transcripts of failed attempts to a report. */
export async function withFailureSignals(report: TaskReport): Promise<TaskReport> {
  const stories = report.stories.map(async (story, index) => {
    const attempt = report.attempts[index];
    if (attempt?.end == null || OUTCOME_POLICY[attempt.end.outcome].success) return story;
    return { ...story, signs: await readFailureSignals(attempt) };
  });
  return { ...report, stories: await Promise.all(stories) };
}

async function readFailureSignals(attempt: Attempt): Promise<string[]> {
  const signals = new FailureSignals(attempt.directory);
  const reader = new EntryReader();
  const splitter = new LineSplitter((line) => {
    for (const entry of reader.read(line)) signals.take(entry);
  });
  const enough = new AbortController();
  let bytes = 0;
  await followFile(locateAttemptFiles(attempt.files).transcript, {
    onChunk: (chunk) => {
      splitter.push(chunk);
      bytes += chunk.length;
      if (bytes > MOST_BYTES) enough.abort();
      return Promise.resolve();
    },
    isComplete: () => true,
    onCaughtUp: () => Promise.resolve(),
    signal: enough.signal,
  });
  splitter.end();
  return signals.sentences;
}

/** Looks for failure signals in a transcript: a wait for the API, a tool call that failed, an error. */
export class FailureSignals {
  readonly #directory: string;
  readonly #found = new Map<'retry' | 'result' | 'error', { readonly text: string; count: number }>();
  /** What those tool calls are about that have no result yet, by their ids. */
  readonly #calls = new Map<string, string>();

  /** Paths are shown relative to `directory`. */
  constructor(directory: string) {
    this.#directory = directory;
  }

  take(entry: TranscriptEntry): void {
    switch (entry.type) {
      case 'tool':
        if (entry.id !== null) this.#calls.set(entry.id, this.#describe(entry.name, entry.input));
        return;
      case 'result': {
        const call = (entry.id === null ? undefined : this.#calls.get(entry.id)) ?? entry.name ?? 'A tool';
        if (entry.id !== null) this.#calls.delete(entry.id);
        if (entry.failed) this.#count('result', () => `${short(call)} failed: ${failing(entry.text)}`);
        return;
      }
      case 'retry':
      case 'error':
        this.#count(entry.type, () => short(firstLine(entry.text)));
        return;
      case 'text':
      case 'report':
      case 'note':
        return;
    }
  }

  /** One sentence for each kind, in the order in which they came first. */
  get sentences(): string[] {
    return [...this.#found.values()].map(({ text, count }) =>
      count === 1 ? text : `${text} (first of ${count})`,
    );
  }

  /** Shortened before it is kept: the input of a tool may be megabytes long. */
  #describe(name: string, input: Readonly<Record<string, unknown>>): string {
    const subject = findSubject(input, this.#directory)?.value.slice(0, LONGEST * 4) ?? '';
    return firstLine(`${name} ${subject}`);
  }

  #count(kind: 'retry' | 'result' | 'error', text: () => string): void {
    const found = this.#found.get(kind);
    if (found === undefined) this.#found.set(kind, { text: text(), count: 1 });
    else found.count++;
  }
}

const LONGEST = 200;

function short(text: string): string {
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
}

/** The line of an output that names the failure, else its last one. */
function failing(output: string): string {
  const lines = boundText(output, { head: 0, failing: 1, tail: 1 }).filter((line) => line.trim() !== '');
  const told = lines.find((line) => !line.startsWith('…')) ?? '(no output)';
  return short(firstLine(told));
}
