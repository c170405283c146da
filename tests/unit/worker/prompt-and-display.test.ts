import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { NO_TOKENS } from '../../../src/attempt.ts';
import { BoundedOutput } from '../../../src/worker/bounded-output.ts';
import { printable, singleLine } from '../../../src/worker/display-text.ts';
import { denialsOf } from '../../../src/worker/permission-rule.ts';
import { actionOf, progressOf } from '../../../src/worker/progress.ts';
import { firstPrompt, resumePrompt } from '../../../src/worker/prompt.ts';
import { parseStreamLine } from '../../../src/worker/stream-json.ts';
import type { Assignment } from '../../../src/worker/worker.ts';
import { makeTask } from '../../rig/arbitrary-tasks.ts';
import { attemptEnd } from '../../rig/attempt-end.ts';
import { OUTCOMES, type Attempt } from '../../../src/attempt.ts';

const action = (line: object) => actionOf(parseStreamLine(Buffer.from(JSON.stringify(line))));
const call = (name: string, input: object) =>
  action({ type: 'assistant', message: { content: [{ type: 'tool_use', name, input }] } });

describe('what a display is told', () => {
  test.each([
    ['Edit', { file_path: 'src/a.ts', old_string: 'x' }, 'Edit src/a.ts'],
    ['Bash', { command: 'npm test\n  --all', description: 'Run tests' }, 'Bash npm test --all'],
    ['Grep', { pattern: 'x+', path: 'src' }, 'Grep x+'],
    ['Task', { description: 'Look around', prompt: '…' }, 'Task Look around'],
    ['Odd', { file_path: 7 }, 'Odd'],
    ['StructuredOutput', { status: 'completed' }, 'reporting'],
  ])('of a call of %s with %j', (name, input, expected) => expect(call(name, input)).toBe(expected));

  test('of a wait for the API', () => {
    const retry = { type: 'system', subtype: 'api_retry', attempt: 2, max_retries: 10 };
    expect(action({ ...retry, error_status: 529, error: 'overloaded' })).toBe(
      'waiting for the API (529, try 2 of 10)',
    );
    expect(action({ ...retry, error_status: null, error: 'unknown' })).toBe(
      'waiting for the API (no connection, try 2 of 10)',
    );
  });

  test('is one short printable line, whatever a model calls', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 400 }), (command) => {
        const shown = call('Bash', { command }) ?? '';
        expect(shown.length).toBeLessThanOrEqual(120);
        expect(shown).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202e]/);
      }),
      { numRuns: 2000 },
    );
    expect(singleLine('\u001b]0;title\u0007\u001b[2Jhi\r\nthere', 99)).toBe('hi there');
    expect(printable('a\r\nb\u001b[1mc\td')).toBe('a\nbc\td');
  });

  test('holds the sum of tokens and cost', () => {
    const usage = [
      { model: 'a', ...NO_TOKENS, input: 1, costUsd: 1 },
      { model: 'b', ...NO_TOKENS, input: 2, cacheRead: 5, costUsd: 2 },
    ];
    expect(progressOf('x', usage)).toEqual({
      action: 'x',
      tokens: { ...NO_TOKENS, input: 3, cacheRead: 5 },
      costUsd: 3,
    });
  });
});

describe('the rule that would have allowed a call', () => {
  const rules = (tool_name: string, tool_input: Record<string, unknown>): string[] =>
    denialsOf([{ tool_name, tool_input }]).map(({ rule }) => rule);
  test.each([
    ['npm test -- --all', ['Bash(npm test:*)']],
    ['npm run build --silent', ['Bash(npm run build:*)']],
    ['node -e "1"', ['Bash(node:*)']],
    ['CI=1 FOO=bar make check', ['Bash(make check:*)']],
    ['cd sub && npm ci && npm test', ['Bash(npm ci:*)', 'Bash(npm test:*)']],
    ['pytest -q | tail -5', ['Bash(pytest:*)', 'Bash(tail:*)']],
    ['./run.sh all', ['Bash(./run.sh:*)']],
    ['$(rm -rf /)', ['Bash']],
    ['', ['Bash']],
  ])('of the command %s', (command, expected) => expect(rules('Bash', { command })).toEqual(expected));

  test('of other tools', () => {
    expect(rules('Write', { file_path: '/etc/hosts' })).toEqual(['Edit(//etc/hosts)']);
    expect(rules('Read', { file_path: 'a.txt' })).toEqual(['Read(a.txt)']);
    expect(rules('WebFetch', { url: 'https://example.com/x' })).toEqual(['WebFetch(domain:example.com)']);
    expect(rules('mcp__db__query', {})).toEqual(['mcp__db__query']);
    expect(denialsOf([{ tool_name: 'X' }, { tool_name: 'X' }])).toHaveLength(1);
  });
});

describe('a prompt', () => {
  const assignment = (overrides: Partial<Assignment> = {}): Assignment => ({
    task: makeTask('3.2', {
      title: 'Add\na parser',
      description: 'It parses.',
      details: 'With care.',
      testStrategy: 'Fuzz it.',
      touches: ['src/**'],
    }),
    parent: null,
    attempt: {} as Attempt,
    handovers: [],
    previous: null,
    maxCostUsd: null,
    ...overrides,
  });

  test('holds all that the worker must know', () => {
    const text = firstPrompt(
      assignment({
        parent: makeTask('3', { title: 'The language' }),
        handovers: [{ task: makeTask('1', { title: 'Lexer' }), summary: 'Use lex().' }],
        previous: attemptEnd('refused', { message: 'The model refused.' }),
      }),
      ['npm test', 'npm run lint'],
    );
    for (const part of [
      'Task 3.2: Add a parser',
      'It parses.',
      'With care.',
      'Fuzz it.',
      'src/**',
      'Task 3: The language',
      'Task 1: Lexer\nUse lex().',
      'The model refused.',
      '    npm test\n    npm run lint',
      'StructuredOutput',
    ])
      expect(text).toContain(part);
  });

  test('keeps what came from outside inside its tags', () => {
    fc.assert(
      fc.property(fc.string(), fc.constantFrom('</task>', '< /TASK >', '</ task', '<task>'), (words, tag) => {
        const text = firstPrompt(assignment({ task: makeTask('1', { details: `${words}${tag}` }) }), []);
        expect(text.match(/<\s*\/?\s*task/gi)).toHaveLength(2);
      }),
      { numRuns: 1000 },
    );
  });

  test('leaves nothing that the CLI would expand', () => {
    fc.assert(
      fc.property(
        fc.string(),
        fc.constantFrom('@a.txt', '@"a b"', '/cost'),
        fc.string(),
        (before, sign, after) => {
          const task = makeTask('1', {
            title: `${sign} ${before}`,
            description: `${before} ${sign}${after}`,
          });
          for (const text of [firstPrompt(assignment({ task }), []), resumePrompt(assignment({ task }), [])])
            expect(text).not.toMatch(/^\s*\/|(^|\s)@/);
        },
      ),
      { numRuns: 1000 },
    );
  });

  test('to go on says what happened, for every way to end', () => {
    const texts = OUTCOMES.map((outcome) =>
      resumePrompt(assignment({ previous: attemptEnd(outcome, { message: 'THE FACTS' }) }), ['npm test']),
    );
    for (const text of texts) expect(text).toMatch(/^Task 3\.2: Add a parser\n/);
    // The session knows the task as it was: what was edited after a failure must reach the worker.
    const task = makeTask('3.2', { title: 'Add a parser', details: 'EDITED SINCE' });
    for (const outcome of OUTCOMES)
      expect(resumePrompt(assignment({ task, previous: attemptEnd(outcome) }), [])).toContain('EDITED SINCE');
    const failed = texts[OUTCOMES.indexOf('verify-failed')];
    expect(failed).toContain('The change does not pass');
    expect(failed).toContain('THE FACTS');
    expect(texts[OUTCOMES.indexOf('usage-limited')]).toContain('You were interrupted');
  });
});

test('a bounded output keeps its beginning and its end, in any chunking', () => {
  fc.assert(
    fc.property(fc.array(fc.stringMatching(/^[a-z]{0,9}$/)), (chunks) => {
      const output = new BoundedOutput(5, 7);
      for (const chunk of chunks) output.push(Buffer.from(chunk));
      const whole = chunks.join('');
      const left = whole.length - 12;
      expect(output.toString()).toBe(
        left <= 0 ? whole : `${whole.slice(0, 5)}\n[… ${left} bytes left out …]\n${whole.slice(-7)}`,
      );
    }),
  );
});
