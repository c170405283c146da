import type { ReviewReply } from '../../src/manager/reply/schemas.ts';
import type { ScenarioInput } from '../../src/simulator/scenario.ts';

type RuleInput = ScenarioInput['rules'][number];

/** A reply to a review. By default it approves without a finding. */
export function reviewReply(changes: Partial<ReviewReply> = {}): ReviewReply {
  return { findings: [], resolved: [], summary: 'It does what is asked.', verdict: 'approved', ...changes };
}

/** A new finding as a review writes it. */
export function writtenFinding(
  changes: Partial<ReviewReply['findings'][number]> = {},
): ReviewReply['findings'][number] {
  return {
    id: '',
    severity: 'major',
    file: 'src/a.ts',
    line: 3,
    title: 'It is wrong',
    evidence: '`a` is 1, and the task says 2.',
    ...changes,
  };
}

/** A rule that answers reviews. `when.contains` chooses which, by text of the question such as `"id": "3"`. */
export function reviewRule(
  reply: ReviewReply,
  options: { when?: NonNullable<RuleInput['when']>; times?: number } = {},
): RuleInput {
  const { when = {}, times } = options;
  return {
    name: `review: ${reply.verdict}`,
    when: { role: 'manager', system: 'You review', ...when },
    ...(times === undefined ? {} : { times }),
    reply: { json: reply },
  };
}
