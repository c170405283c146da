import type { LogEntry, TranscriptEntry } from '../app/contract/logs.ts';
import type { Phase, WorkerReport } from '../domain/attempt.ts';
import { boundText, type TextBounds } from '../domain/text/bound-text.ts';
import { neutralise, truncate } from '../domain/text/display-text.ts';
import { printable } from '../domain/text/printable.ts';
import { findSubject } from '../domain/text/tool-subject.ts';
import type { Styles } from '../domain/text/styles.ts';
import { describeEnd, headline, storyLines } from './attempt-text.ts';

type Beginning = Extract<LogEntry, { type: 'attempt' }>;
type Ending = Extract<LogEntry, { type: 'end' }>;

/** The entries of a log for people, in lines. Each belongs to the attempt that its first entry is about. */
export class LogText {
  readonly #layout: Omit<EntryLayout, 'directory'>;
  #attempt: Beginning | undefined;

  constructor(layout: Omit<EntryLayout, 'directory'>) {
    this.#layout = layout;
  }

  /** Whether it has begun; before that, only a note can come that says why there is no log. */
  get hasBegun(): boolean {
    return this.#attempt !== undefined;
  }

  render(entry: LogEntry): string[] {
    const layout = { ...this.#layout, directory: this.#attempt?.directory ?? '' };
    switch (entry.type) {
      case 'attempt':
        this.#attempt = entry;
        return renderStart(entry, layout);
      case 'phase':
        return ['', layout.style.yellow(PHASE_WORDS[entry.phase])];
      case 'meanwhile':
      case 'then':
        return facts(storyLines([entry.event], entry.type), layout);
      case 'signs': {
        const signs = entry.signs.map((sign): [string, string] => ['sign', sign]);
        return ['', ...facts(signs, layout)];
      }
      case 'end':
        return ['', ...renderEnd(entry, this.#attempt, layout)];
      default:
        return renderEntry(entry, layout);
    }
  }
}

const PHASE_WORDS: Readonly<Record<Phase, string>> = {
  preparing: 'Its workspace is being prepared.',
  working: 'It is at work.',
  verifying: 'The verify commands run.',
  reviewing: 'Its change is being reviewed.',
  landing: 'Its change lands.',
};

function renderStart(entry: Beginning, { style }: Pick<EntryLayout, 'style'>): string[] {
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

function renderEnd({ end, endedAt }: Ending, attempt: Beginning | undefined, layout: EntryLayout): string[] {
  const { style } = layout;
  const isGood = end.outcome === 'landed' || end.outcome === 'no-change';
  const { model = '', startedAt = endedAt ?? '' } = attempt ?? {};
  const title = headline({ end, endedAt, model, startedAt, phase: 'landing', process: null });
  return [(isGood ? style.green : style.red)(neutralise(title)), ...facts(describeEnd(end), layout)];
}

function facts(texts: readonly (readonly [label: string, text: string])[], layout: EntryLayout): string[] {
  return texts.flatMap(([label, text]) =>
    safeLines(text, layout, END_BOUNDS).map(
      (line, index) => `  ${(index === 0 ? label : '').padEnd(9)} ${line}`,
    ),
  );
}

/** The text can hold the output of a verify command, which is already shortened. */
const END_BOUNDS = { head: 5, failing: 20, tail: 20 };

/** How entries are laid out. */
interface EntryLayout {
  readonly style: Styles;
  /** Cells of a line; what is longer is cut. Undefined where lines are not to be cut. */
  readonly width: number | undefined;
  /** Whether long texts are shown whole. */
  readonly whole: boolean;
  /** Where the worker works: paths are shown relative to it. */
  readonly directory: string;
}

/** An entry for people. No text from outside can break out of its lines. */
function renderEntry(entry: TranscriptEntry, layout: EntryLayout): string[] {
  const { style } = layout;
  switch (entry.type) {
    case 'text':
      return ['', ...indented(entry.agent, safeLines(entry.text, layout))];
    case 'tool':
      return indented(entry.agent, [
        `${style.cyan('●')} ${style.bold(neutralise(entry.name))} ${call(entry.name, entry.input, layout)}`.trimEnd(),
      ]);
    case 'result': {
      const lines = safeLines(entry.text, layout, entry.failed ? FAILED : SUCCEEDED);
      const [first = '', ...rest] = lines.length === 0 || lines.join('') === '' ? ['(no output)'] : lines;
      const paint = entry.failed ? style.red : style.dim;
      return indented(entry.agent, [
        `  ${paint('⎿')} ${paint(first)}`,
        ...rest.map((line) => `    ${paint(line)}`),
      ]);
    }
    case 'retry':
      return [style.yellow(`… ${neutralise(entry.text)}`)];
    case 'error':
      return ['', ...safeLines(entry.text, layout, FAILED).map((line) => style.red(`! ${line}`))];
    case 'report':
      return ['', ...report(entry.report, layout)];
    case 'note':
      return safeLines(entry.text, layout, SUCCEEDED).map((line) => style.dim(`# ${line}`));
  }
}

/** A text from outside as lines that keep their indentation. Long lines are cut. */
function safeLines(
  text: string,
  { width, whole }: Pick<EntryLayout, 'width' | 'whole'>,
  bounds?: TextBounds,
): string[] {
  const clean = printable(text).replaceAll('\t', '  ').trimEnd();
  const lines = bounds === undefined || whole ? clean.split('\n') : boundText(clean, bounds);
  // Cut by characters first, because counting cells is slow and a line may be megabytes long.
  const most = width === undefined ? LONGEST_LINE : Math.max(20, width - INDENT);
  const isCut = bounds !== undefined && !whole;
  return lines.map((line) => (isCut ? truncate(line.slice(0, most * 4), most) : line));
}

const INDENT = 6;
const LONGEST_LINE = 400;
const SUCCEEDED: TextBounds = { head: 4, failing: 6, tail: 4 };
const FAILED: TextBounds = { head: 4, failing: 20, tail: 10 };
const SHORTEST_CALL = 40;
const LONGEST_CALL = 200;

/** The work of an agent of the worker is indented. */
function indented(agent: string | null, lines: readonly string[]): string[] {
  return agent === null ? [...lines] : lines.map((line) => (line === '' ? '' : `    ${line}`));
}

/** The input of a tool call on one line: the best description first, then the rest by name. */
function call(
  name: string,
  input: Readonly<Record<string, unknown>>,
  { width, whole, directory }: EntryLayout,
): string {
  const subject = findSubject(input, directory);
  const rest = Object.entries(input).filter(([key]) => key !== subject?.name);
  const most = whole ? Infinity : Math.max(SHORTEST_CALL, (width ?? LONGEST_CALL) - name.length - 8);
  const parts = [
    ...(subject === undefined ? [] : [short(subject.value, most)]),
    ...rest.map(([key, value]) => `${short(key, most)}=${short(JSON.stringify(value), most)}`),
  ];
  const line = neutralise(parts.join(' '));
  return whole ? line : truncate(line, most);
}

/** Shortened before it is cleaned: the input of a tool may be megabytes long. */
function short(text: string, most: number): string {
  return text.length > most * 4 ? text.slice(0, most * 4) : text;
}

function report({ status, summary, handover, followUps }: WorkerReport, layout: EntryLayout): string[] {
  const { style } = layout;
  const paint = status === 'blocked' ? style.red : style.green;
  const part = (label: string, text: string): string[] =>
    safeLines(text, layout)
      .filter((line) => line !== '')
      .map((line, index) => `  ${(index === 0 ? label : '').padEnd(9)} ${line}`);
  return [
    paint(`Report: ${status.replaceAll('-', ' ')}`),
    ...part('summary', summary),
    ...part('handover', handover),
    ...followUps.flatMap((followUp) => part('follow-up', followUp)),
  ];
}
