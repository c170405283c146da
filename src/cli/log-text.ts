import type { Attempt, AttemptEnd, Phase } from '../domain/attempt.ts';
import { neutralise } from '../domain/text/display-text.ts';
import { storyLines } from '../app/tasks/attempt-story.ts';
import { describeEnd } from './tasks/describe-end.ts';
import { headline } from './attempt-text.ts';
import { renderEntry, safeLines, type EntryLayout } from './transcript/render-entry.ts';
import type { LogEntry } from '../app/contract/logs.ts';

/** A line of `logs` for people, in lines; `attempt` is the one it is about, as it is now. */
export function renderLog(entry: LogEntry, attempt: Attempt, layout: EntryLayout): string[] {
  switch (entry.type) {
    case 'attempt':
      return renderStart(entry, layout);
    case 'phase':
      return ['', layout.style.yellow(PHASE_WORDS[entry.phase])];
    case 'meanwhile':
      return facts(storyLines([entry.event], 'meanwhile'), layout);
    case 'signs':
      return [
        '',
        ...facts(
          entry.signs.map((sign): [string, string] => ['sign', sign]),
          layout,
        ),
      ];
    case 'end':
      return ['', ...renderEnd(entry.end, attempt, layout)];
    case 'then':
      return facts(storyLines([entry.event], 'then'), layout);
    default:
      return renderEntry(entry, layout);
  }
}

const PHASE_WORDS: Readonly<Record<Phase, string>> = {
  preparing: 'Its workspace is being prepared.',
  working: 'It is at work.',
  verifying: 'The verify commands run.',
  reviewing: 'Its change is being reviewed.',
  landing: 'Its change lands.',
};

function renderStart(
  entry: Extract<LogEntry, { type: 'attempt' }>,
  { style }: Pick<EntryLayout, 'style'>,
): string[] {
  const { taskId, title, number, model, session, began, startedAt, directory } = entry;
  return [
    style.bold(`Task ${taskId}  ${neutralise(title)}`),
    style.dim(
      neutralise(`attempt ${number} · ${model} · since ${startedAt}${began === '' ? '' : ` · ${began}`}`),
    ),
    style.dim(neutralise(`session ${session}`)),
    style.dim(neutralise(`in ${directory}`)),
  ];
}

function renderEnd(end: AttemptEnd, attempt: Attempt, layout: EntryLayout): string[] {
  const { style } = layout;
  const isGood = end.outcome === 'landed' || end.outcome === 'no-change';
  return [
    (isGood ? style.green : style.red)(neutralise(headline(attempt))),
    ...facts(describeEnd(end), layout),
  ];
}

function facts(texts: readonly (readonly [label: string, text: string])[], layout: EntryLayout): string[] {
  return texts.flatMap(([label, text]) =>
    safeLines(text, layout, END_BOUNDS).map(
      (line, index) => `  ${(index === 0 ? label : '').padEnd(9)} ${line}`,
    ),
  );
}

/** The verify command's output is in it, cut to what tells most already. */
const END_BOUNDS = { head: 5, failing: 20, tail: 20 };
