import type { Attempt } from '../../domain/attempt.ts';
import { OUTCOME_POLICY } from '../../domain/outcome.ts';
import { attemptFiles } from '../../worker/claude/process.ts';
import { LineSplitter } from '../../domain/text/line-splitter.ts';
import { followFile } from './follow-file.ts';
import { EntryReader } from './read-entries.ts';
import { Signs } from './failure-signals.ts';
import type { TaskReport } from '../contract/show.ts';

/** First signs are at the beginning; what follows so much is read by `logs`. */
const MOST_BYTES = 64 * 1024 * 1024;

/** The report with what the transcripts of its failed attempts tell. */
export async function withSigns(report: TaskReport): Promise<TaskReport> {
  const stories = report.stories.map(async (story, index) => {
    const attempt = report.attempts[index];
    if (attempt?.end == null || OUTCOME_POLICY[attempt.end.outcome].success) return story;
    return { ...story, signs: await readSigns(attempt) };
  });
  return { ...report, stories: await Promise.all(stories) };
}

async function readSigns(attempt: Attempt): Promise<string[]> {
  const signs = new Signs(attempt.directory);
  const reader = new EntryReader();
  const splitter = new LineSplitter((line) => {
    for (const entry of reader.read(line)) signs.take(entry);
  });
  const enough = new AbortController();
  let bytes = 0;
  await followFile(attemptFiles(attempt.files).transcript, {
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
  return signs.sentences;
}
