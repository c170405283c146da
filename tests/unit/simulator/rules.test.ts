import { describe, expect, test } from 'vitest';
import { readConversation, type Conversation } from '../../../src/simulator/conversation.ts';
import { RuleBook } from '../../../src/simulator/rules.ts';
import { parseScenario, type ScenarioInput } from '../../../src/simulator/scenario.ts';

type Message = readonly [role: string, content: unknown];

function conversation(messages: readonly Message[], more: object = {}, userAgent = 'sdk'): Conversation {
  const body = {
    model: 'claude-sonnet-5-5',
    messages: messages.map(([role, content]) => ({ role, content })),
    ...more,
  };
  const read = readConversation(JSON.stringify(body), userAgent);
  if (!read.ok) throw new Error(read.error);
  return read.value;
}

function answers(rules: ScenarioInput['rules'], ...asked: Conversation[]): (string | undefined)[] {
  const book = new RuleBook(parseScenario({ rules }), Date.now);
  return asked.map((one) => book.match(one)?.reply.text);
}

const prompt: Message = ['user', [{ type: 'text', text: 'Task 3: write' }]];
const said: Message = ['assistant', [{ type: 'text', text: 'yes' }]];
const result: Message = ['user', [{ type: 'tool_result', tool_use_id: 'x', content: 'Task 4: in a file' }]];
const again: Message = ['user', 'The change does not pass'];

describe('rules', () => {
  test('the first that applies answers; tool results are not what a user said', () => {
    const rules = [
      { when: { contains: 'Task 4:' }, reply: { text: 'four' } },
      { when: { contains: 'Task 3:', lacks: 'Task 9' }, reply: { text: 'three' } },
      { reply: { text: 'any' } },
    ];
    expect(answers(rules, conversation([prompt, said, result]), conversation([['user', 'x']]))).toEqual([
      'three',
      'any',
    ]);
    expect(
      answers(
        [{ when: { result: 'in a file' }, reply: { text: 'seen' } }],
        conversation([prompt, said, result]),
      ),
    ).toEqual(['seen']);
  });

  test('turns count from the newest message that holds a text of the rule', () => {
    const rules = [
      { when: { contains: ['Task 3:', 'does not pass'] }, turns: [{ text: 'mend 0' }, { text: 'mend 1' }] },
      { when: { contains: 'Task 3:' }, turns: [{ text: 'turn 0' }, { text: 'turn 1' }] },
    ];
    const asked = [
      [prompt],
      [prompt, said, result],
      [prompt, said, result, said, again],
      [prompt, said, again, said, result],
    ];
    expect(answers(rules, ...asked.map((messages) => conversation(messages)))).toEqual([
      'turn 0',
      'turn 1',
      'mend 0',
      'mend 1',
    ]);
    expect(answers(rules, conversation([prompt, said, result, said, result]))).toEqual([undefined]);
  });

  test('a rule can be limited to its first or to one of its matches', () => {
    const rules = [
      { times: 2, reply: { text: 'first two' } },
      { when: { nth: 2 }, reply: { text: 'second of the rest' } },
      { reply: { text: 'rest' } },
    ];
    const one = conversation([prompt]);
    expect(answers(rules, one, one, one, one, one)).toEqual([
      'first two',
      'first two',
      'rest',
      'second of the rest',
      'rest',
    ]);
  });

  test('roles are told by what a caller may do', () => {
    const tools = (...names: string[]): object => ({ tools: names.map((name) => ({ name })) });
    const role = (more: object, agent?: string): string => conversation([prompt], more, agent).role;
    expect(role({})).toBe('manager');
    expect(role(tools('Read', 'StructuredOutput'), 'claude-cli/2')).toBe('manager');
    expect(role(tools('Read', 'Edit'), 'claude-cli/2')).toBe('worker');
    expect(role({}, 'claude-cli/2')).toBe('housekeeping');
    expect(answers([], conversation([prompt], {}, 'claude-cli/2'))).toEqual(['Nothing to add.']);
  });

  test('the working directory is the one that was told last', () => {
    const told = (text: string): object => ({ system: [{ type: 'text', text }] });
    expect(conversation([prompt]).cwd).toBe('.');
    expect(conversation([prompt], told('x\n - Primary working directory: /a b/c\n - y')).cwd).toBe('/a b/c');
    const moved: Message = ['system', 'Primary working directory: /new (was /a b/c)'];
    expect(conversation([prompt, moved], told('Primary working directory: /a b/c')).cwd).toBe('/new');
  });

  test.each([
    '',
    '[]',
    '{"model":"x"}',
    '{"model":"x","messages":[]}',
    '{"model":"x","messages":[{"role":"user"}]}',
  ])('a body that is no request is refused: %s', (body) => {
    expect(readConversation(body, '').ok).toBe(false);
  });
});

test('a rule that holds for a time does so from its first answer on, and so do the resets that it tells', () => {
  let now = 1_000_000;
  const rules = [{ forMs: 500, reply: { text: 'limited' } }, { reply: { text: 'fine' } }];
  const book = new RuleBook(parseScenario({ rules }), () => now);
  const asked = (at: number): unknown[] => {
    now = at;
    const match = book.match(conversation([prompt]));
    return [match?.reply.text, match?.resetsFrom];
  };
  expect(asked(1_000_000)).toEqual(['limited', 1_000_000]);
  expect(asked(1_000_499)).toEqual(['limited', 1_000_000]);
  expect(asked(1_000_500)).toEqual(['fine', 1_000_500]);
});
