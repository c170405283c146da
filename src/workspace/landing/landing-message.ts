import type { CommitSettings } from '../git/commit.ts';
import type { LandingRequest } from '../workspace.ts';

/** The message of a landing commit: the task's title, the worker's summary, and trailers with the ids. */
export function landingMessage(
  { task, attempt, summary }: LandingRequest,
  prefix: string,
  { signedOffBy }: CommitSettings,
): string {
  const title = oneLine(task.title);
  const trailers = [
    `Orchestrator-Task: ${task.id}`,
    `Orchestrator-Run: ${attempt.runId}`,
    `Orchestrator-Attempt: ${attempt.id}`,
    ...(signedOffBy === '' ? [] : [signedOffBy]),
  ];
  const body = plain(summary).split('\n').map(wrap).join('\n').trim();
  return [
    `${prefix}${title === '' ? `Task ${task.id}` : title}`.trim(),
    ...(body === '' ? [] : [body]),
    `${trailers.join('\n')}\n`,
  ].join('\n\n');
}

const WIDTH = 72;

function oneLine(text: string): string {
  return plain(text).replace(/\s+/g, ' ').trim();
}

/** Removes characters that make a terminal show other text than there is. */
function plain(text: string): string {
  return (
    text
      .replace(/\r\n?/g, '\n')
      .replace(ESCAPE_SEQUENCE, '')
      // These reverse the order of the text that follows.
      .replace(/[\u202A-\u202E\u2066-\u2069]/g, '')
      .replace(/(?![\n\t])\p{Cc}/gu, '')
  );
}

const ESCAPE_SEQUENCE = new RegExp(
  String.raw`\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?)`,
  'g',
);

/** Breaks a long line between words. Code and tables, which begin with a space or a symbol, stay as they are. */
function wrap(line: string): string {
  const text = line.trimEnd();
  if (text.length <= WIDTH || /^[\s|`]/.test(text)) return text;
  const lines = [''];
  for (const word of text.split(' ')) {
    const current = lines.at(-1) ?? '';
    if (current !== '' && current.length + 1 + word.length > WIDTH) lines.push(word);
    else lines[lines.length - 1] = current === '' ? word : `${current} ${word}`;
  }
  return lines.join('\n');
}
