import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { NO_TOKENS } from '../../../../src/domain/attempt.ts';
import { BoundedOutput } from '../../../../src/worker/process/bounded-output.ts';
import { printable, singleLine } from '../../../../src/domain/text/printable.ts';
import { listDenials } from '../../../../src/worker/claude/denials.ts';
import { describeAction, toProgress } from '../../../../src/worker/claude/progress.ts';
import { parseStreamLine } from '../../../../src/worker/claude/stream-json.ts';
import { cases } from '../../../rig/effort.ts';

const WORKTREE = '/home/ada/.local/share/claude-orchestrator/worktrees/shop-1f2e3d4c/slot-1';
const action = (line: object) => describeAction(parseStreamLine(Buffer.from(JSON.stringify(line))), WORKTREE);
const call = (name: string, input: object) =>
  action({ type: 'assistant', message: { content: [{ type: 'tool_use', name, input }] } });

describe('what a display is told', () => {
  test.each([
    ['Edit', { file_path: 'src/a.ts', old_string: 'x' }, 'Edit src/a.ts'],
    ['Bash', { command: 'npm test\n  --all', description: 'Run tests' }, 'Bash npm test --all'],
    ['Grep', { pattern: 'x+', path: 'src' }, 'Grep x+'],
    ['Task', { description: 'Look around', prompt: '…' }, 'Task Look around'],
    ['Write', { file_path: `${WORKTREE}/src/login/form.ts` }, 'Write src/login/form.ts'],
    ['Bash', { command: `cd ${WORKTREE} && npm test` }, 'Bash cd . && npm test'],
    ['Read', { file_path: `${WORKTREE}0/a.ts` }, `Read ${WORKTREE}0/a.ts`],
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
      { numRuns: cases(2000) },
    );
    expect(singleLine('\u001b]0;title\u0007\u001b[2Jhi\r\nthere', 99)).toBe('hi there');
    expect(printable('a\r\nb\u001b[1mc\td')).toBe('a\nbc\td');
  });

  test('holds the sum of tokens and cost', () => {
    const usage = [
      { model: 'a', ...NO_TOKENS, input: 1, costUsd: 1 },
      { model: 'b', ...NO_TOKENS, input: 2, cacheRead: 5, costUsd: 2 },
    ];
    expect(toProgress('x', usage)).toEqual({
      action: 'x',
      tokens: { ...NO_TOKENS, input: 3, cacheRead: 5 },
      costUsd: 3,
    });
  });
});

describe('the rule that would have allowed a call', () => {
  const rules = (tool_name: string, tool_input: Record<string, unknown>): string[] =>
    listDenials([{ tool_name, tool_input }]).map(({ rule }) => rule);
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
    expect(listDenials([{ tool_name: 'X' }, { tool_name: 'X' }])).toHaveLength(1);
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
