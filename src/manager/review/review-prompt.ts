import type { ReviewRequest } from '../manager.ts';
import { delimit, formatTask, SYSTEM_PROMPTS } from '../prompts.ts';

/** The largest share of the prompt for every piece of data except the change itself. */
const SHARES = {
  task: 0.25,
  group: 0.1,
  report: 0.1,
  files: 0.05,
  gates: 0.05,
  commands: 0.1,
  findings: 0.1,
};

/** Space for the tags around the data and for our own words, in bytes. */
const FRAME_BYTES = 3_000;

/** Space for a correction turn, which repeats the prompt and adds the reply. */
const CORRECTION_SHARE = 0.1;

/**
 * The prompt for a change, in at most `maxBytes` together with its system prompt, and whether the change was shortened
 * to fit. The change is shortened before anything else.
 */
export function buildReviewPrompt(
  request: ReviewRequest,
  round: number,
  maxBytes: number,
): { readonly prompt: string; readonly isShortened: boolean } {
  const { task, parent, report, files, gates, commands, previous, change } = request;
  const whole = Math.floor(maxBytes * (1 - CORRECTION_SHARE));
  const budget = Math.max(0, whole - Buffer.byteLength(SYSTEM_PROMPTS.review) - FRAME_BYTES);
  const piece = (
    name: string,
    text: string,
    share: number,
    endShare = 0.3,
  ): { name: string; text: string } => ({
    name,
    text: truncateMiddle(text, Math.floor(budget * share), endShare),
  });
  const facts = [
    piece('task', formatTask(task), SHARES.task),
    ...(parent === null ? [] : [piece('group that the task is a part of', formatTask(parent), SHARES.group)]),
    piece('report of the agent', JSON.stringify(report, null, 2), SHARES.report),
    piece('verify commands with their verdicts', jsonLines(gates), SHARES.gates),
    piece('commands that the agent really ran', jsonLines(commands), SHARES.commands, 0.6),
    piece('open findings', jsonLines(previous?.findings ?? []), SHARES.findings),
    piece('files that differ', jsonLines(files), SHARES.files),
  ].filter(({ text }) => text !== '');
  const taken = facts.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0);
  const text = truncateMiddle(change.text, budget - taken, 0);
  const isShortened = change.truncated || text !== change.text;
  const data = text.trim() === '' ? facts : [...facts, { name: 'change', text }];
  const prompt = `${delimit(data)}\n\n${instructions(request, round, isShortened)}`;
  return { prompt, isShortened };
}

/** What is certain is said outside the data. */
function instructions(request: ReviewRequest, round: number, isShortened: boolean): string {
  const { task, gates, commands, maxRounds, previous, report } = request;
  return [
    `Review task ${task.id}. This is round ${round} of at most ${Math.max(round, maxRounds)}.`,
    ...whatIsShown(request, round, isShortened),
    `The agent reports "${report.status}".`,
    commands.length === 0
      ? 'The agent ran no command at all.'
      : 'The list of commands is complete, except where a line of it says that some are left out.',
    ...(gates.length === 0 ? ['No verify commands are configured.'] : []),
    ...(previous === null || previous.findings.length === 0
      ? []
      : [`Findings that are open: ${previous.findings.length}.`]),
  ].join(' ');
}

function whatIsShown(
  { commit, files, change }: ReviewRequest,
  round: number,
  isShortened: boolean,
): string[] {
  if (commit === null || files.length === 0) return ['The change is empty: the agent changed no file.'];
  if (change.text.trim() === '') {
    return [
      round === 1
        ? 'The change has no text that could be shown.'
        : 'Nothing was changed since the round before.',
    ];
  }
  const part = isShortened
    ? ' It is too long to be shown completely and was shortened: of what is left out you know nothing, so do not say that it is missing.'
    : '';
  if (round === 1) return [`${isShortened ? 'A part of the change' : 'The whole change'} is shown.${part}`];
  return [
    `Of the change, what came to it since the round before is shown.${part}`,
    'What is in files that are not in the list of those that differ came with a merge, and is the work of others.',
  ];
}

function jsonLines(items: readonly unknown[]): string {
  return items.map((item) => JSON.stringify(item)).join('\n');
}

/**
 * Shortens a text to at most `maxBytes` bytes of UTF-8. Of a longer text it keeps whole lines of the beginning and, by
 * `endShare` (0 to 1), of the end, with a line between them that says how much is missing.
 */
function truncateMiddle(text: string, maxBytes: number, endShare: number): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= maxBytes) return text;
  const room = Math.max(0, maxBytes - NOTE_BYTES);
  const tailBytes = Math.floor(room * endShare);
  const head = wholeLines(bytes.subarray(0, room - tailBytes), 'beginning');
  const tail = wholeLines(bytes.subarray(bytes.length - tailBytes), 'end');
  const missing = bytes.length - head.length - tail.length;
  const note = `[… ${missing} bytes left out …]`;
  return [decode(head), note, decode(tail)].filter((part) => part !== '').join('\n');
}

/** Space for the line that says how much is missing, and the line feeds around it. */
const NOTE_BYTES = 48;
const LINE_FEED = 0x0a;

/** Drops a line that was cut, unless it is the only one or a long one. */
function wholeLines(bytes: Buffer, side: 'beginning' | 'end'): Buffer {
  if (side === 'beginning') {
    const end = bytes.lastIndexOf(LINE_FEED);
    return end > bytes.length / 2 ? bytes.subarray(0, end) : bytes;
  }
  const start = bytes.indexOf(LINE_FEED) + 1;
  return start > 0 && start < bytes.length / 2 ? bytes.subarray(start) : bytes;
}

/** Drops a character that was cut in two. */
function decode(bytes: Buffer): string {
  return bytes.toString().replace(/^\ufffd{1,3}|\ufffd$/g, '');
}
