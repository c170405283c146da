import { useColor, stdoutWidth } from '../cli/print.ts';
import type { Attempt } from '../domain/attempt.ts';
import { OUTCOME_POLICY } from '../domain/outcome.ts';
import { styles } from '../domain/text/styles.ts';
import type { TaskStore } from '../store/store.ts';
import { redactValue } from '../domain/redact.ts';
import { attemptFiles } from '../worker/claude/attempt-files.ts';
import type { Cli } from '../cli/cli.ts';
import { type CommonOptions } from '../cli/command.ts';
import { tellStories } from './tasks/attempt-story.ts';
import { followLines, reload, type LogRequest } from './transcript/follow-transcript.ts';
import { EntryReader } from './transcript/read-entries.ts';
import { renderLog } from '../cli/log-text.ts';
import { Signs } from './transcript/failure-signals.ts';
import type { LogEntry } from './contract/logs.ts';
import type { AttemptStory } from './contract/show.ts';

/** Shows an attempt: its beginning, its transcript, what is done with it, and its end; as JSON lines or for people. */
export async function showLog(cli: Cli, options: CommonOptions, request: LogRequest): Promise<void> {
  const { attempt, output, redact, signal } = request;
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
    // Before they are laid out: what is cut in two is found no more.
    const lines = redactValue(entries, redact).flatMap((entry) =>
      options.json === true ? [JSON.stringify(entry)] : renderLog(entry, current, layout),
    );
    await output.write(lines.map((line) => `${line}\n`).join(''));
  };

  await show([beginning(request, transcript)]);
  const reader = new EntryReader();
  const signs = new Signs(attempt.directory);
  let { phase } = attempt;
  const isFollowed = request.isAtWork !== undefined;
  const isThere = await followLines(transcript, request, {
    onLine: (line) => {
      const entries = reader.read(line);
      for (const entry of entries) signs.take(entry);
      return show(entries);
    },
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
  const { meanwhile, afterwards } = storyOf(request.store, attempt);
  await show(meanwhile.map((event) => ({ type: 'meanwhile', event })));
  if (end === null) {
    await show([{ type: 'phase', phase: last }]);
    return;
  }
  const hasSigns = !OUTCOME_POLICY[end.outcome].success && signs.sentences.length > 0;
  await show([
    ...(hasSigns ? [{ type: 'signs', signs: signs.sentences } as const] : []),
    { type: 'end', endedAt, end },
    ...afterwards.map((event): LogEntry => ({ type: 'then', event })),
  ]);
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

function storyOf(store: TaskStore, attempt: Attempt): AttemptStory {
  const attempts = store.attempts({ taskId: attempt.taskId });
  // Its task may be deleted while it is followed.
  const all = attempts.some(({ id }) => id === attempt.id) ? attempts : [attempt];
  const story = tellStories(store, attempt.taskId, all).find(({ number }) => number === attempt.number);
  if (story === undefined) throw new Error(`No story is told of attempt ${attempt.id}.`);
  return story;
}

function beginning({ store, attempt, title }: LogRequest, transcript: string): LogEntry {
  const { session, began } = storyOf(store, attempt);
  const { taskId, number, runId, sessionId, resumed, forkedFrom, model, directory, branch, startedAt } =
    attempt;
  return {
    type: 'attempt',
    taskId,
    title,
    number,
    runId,
    sessionId,
    resumed,
    forkedFrom,
    session,
    began,
    model,
    directory,
    branch,
    transcript,
    startedAt,
  };
}
