import type { AttemptStory } from '../app/contract/show.ts';
import {
  totalCost,
  totalTokens,
  type Attempt,
  type AttemptEnd,
  type Finding,
  type GateVerdict,
} from '../domain/attempt.ts';
import type { Stamped } from '../domain/event.ts';
import { OUTCOME_POLICY } from '../domain/outcome.ts';
import { neutralise } from '../domain/text/display-text.ts';
import { eventSentence } from '../domain/text/event-sentence.ts';
import { formatDuration, formatMoney, formatTokens, plural } from '../domain/text/format.ts';
import { printable } from '../domain/text/printable.ts';
import { boundText } from '../domain/text/bound-text.ts';

/**
 * Describes one attempt in lines: a headline, how it began, the first signs of a failure, how it ended, what to do about
 * it, what was decided then, and where its files are.
 */
export function describeAttempt(attempt: Attempt, story: AttemptStory): string[] {
  const { end } = attempt;
  const lines = [`#${attempt.number}  ${neutralise(headline(attempt))}`];
  const add = (label: string, text: string): void => {
    const [first = '', ...rest] = shown(text);
    if (first !== '') lines.push(`${label.padEnd(9)} ${first}`, ...rest.map((line) => INDENT + line));
  };
  add('began', `${attempt.startedAt}${story.began === '' ? '' : `  ${story.began}`}`);
  add('session', story.session);
  for (const [label, text] of storyLines(story.meanwhile, 'meanwhile')) add(label, text);
  for (const sign of story.signs) add('sign', sign);
  if (end !== null) {
    for (const [label, text] of describeEnd(end)) add(label, text);
    add('report', end.report?.summary ?? '');
    add('handover', end.report?.handover ?? '');
    for (const followUp of end.report?.followUps ?? []) add('follow-up', followUp);
  }
  for (const [label, text] of storyLines(story.afterwards, 'then')) add(label, text);
  add('run', attempt.runId);
  add('worked in', attempt.directory);
  if (attempt.branch !== null)
    add('branch', `${attempt.branch}${attempt.base === null ? '' : `, from ${attempt.base.slice(0, 12)}`}`);
  add('files', attempt.files);
  return lines;
}

/** As wide as a label of nine characters and a space. */
const INDENT = ' '.repeat(10);
/** The output of a command was already cut to its most useful part. `logs --verbose` shortens nothing. */
const BOUNDS = { head: 5, failing: 20, tail: 10 };

function shown(text: string): string[] {
  return boundText(printable(text).replaceAll('\t', '  ').trim(), BOUNDS).map((line) =>
    line.trimEnd().slice(0, LONGEST_LINE),
  );
}

const LONGEST_LINE = 1000;

/** On one line: the phase of a running attempt, or how an attempt ended, how long it took and what it cost. */
export function headline(
  attempt: Pick<Attempt, 'end' | 'endedAt' | 'model' | 'phase' | 'process' | 'startedAt'>,
): string {
  const { end } = attempt;
  if (end === null) {
    const process = attempt.process === null ? '' : `, process ${attempt.process.pid}`;
    return [`${attempt.phase} since ${attempt.startedAt}${process}`, attempt.model].join(' · ');
  }
  const tokens = end.usage.reduce((sum, usage) => sum + totalTokens(usage), 0);
  const cost = totalCost(end.usage);
  const took = Date.parse(attempt.endedAt ?? attempt.startedAt) - Date.parse(attempt.startedAt);
  const policy = OUTCOME_POLICY[end.outcome];
  return [
    end.outcome.replaceAll('-', ' ') + (policy.charged ? '' : ' (costs no attempt)'),
    attempt.model,
    formatDuration(took),
    `${formatTokens(tokens)} tokens`,
    formatMoney(cost),
    ...(end.turns === null ? [] : [plural(end.turns, 'turn')]),
    ...(end.exitCode === null ? [] : [`exit code ${end.exitCode}`]),
    ...(end.signal === null ? [] : [end.signal]),
  ].join(' · ');
}

/** Events of an attempt's story as labelled texts. */
export function storyLines(events: readonly Stamped[], label: string): [label: string, text: string][] {
  return events.map((event) => [label, `${event.at}  ${eventSentence(event)}`]);
}

/** Describes the end of an attempt as labelled texts: why it ended, then the evidence. A text may have several lines. */
export function describeEnd(end: AttemptEnd): [label: string, text: string][] {
  const { outcome, message, resetsAt, denials, commit, gates, review } = end;
  const facts: [string, string][] = [
    ['why', message],
    ['advice', OUTCOME_POLICY[outcome].advice],
    ['reset', resetsAt === null ? '' : new Date(resetsAt).toISOString()],
    ...denials.map(({ tool, rule }): [string, string] => [
      'denied',
      `${tool}; the rule that allows it: ${rule}`,
    ]),
    ['verify', gates.map(describeGate).join(', ')],
    ['review', review === null ? '' : `${reviewHeadline(review)}${sentence(review.summary)}`],
    ...(review?.findings ?? []).map((finding): [string, string] => ['finding', describeFinding(finding)]),
    ['landed', commit === null ? '' : `as ${commit.slice(0, 12)}`],
  ];
  return facts.filter(([, text]) => text.trim() !== '');
}

const GATE_WORDS: Readonly<Record<GateVerdict['verdict'], string>> = {
  passed: 'passed',
  failed: 'failed',
  flaky: 'failed, then passed on the same files',
  'red-before': 'fails without the change too',
};

function describeGate({ command, verdict }: GateVerdict): string {
  return `\`${command}\` ${GATE_WORDS[verdict]}`;
}

function reviewHeadline({ verdict, round }: NonNullable<AttemptEnd['review']>): string {
  return round === 1 ? verdict : `${verdict} in round ${round}`;
}

function describeFinding({ id, severity, file, line, title, evidence }: Finding): string {
  const place = file === null ? '' : ` ${file}${line === null ? '' : `:${line}`}`;
  return `${id} ${severity}${place}: ${title}${sentence(evidence)}`;
}

function sentence(text: string): string {
  return text.trim() === '' ? '' : ` (${text.trim().replace(/\.$/, '')})`;
}
