import type { AttemptEnd, Finding, GateVerdict } from '../../domain/attempt.ts';
import { OUTCOME_POLICY } from '../../domain/outcome.ts';

/** What an attempt came to, as labelled texts: outcome first, then what it rests on. Texts may have several lines. */
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
