import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LoopDetector } from '../../../../src/worker/claude/loop-detector.ts';
import type { AssistantLine } from '../../../../src/worker/claude/stream-json.ts';
import { cases } from '../../../rig/effort.ts';

interface Step {
  readonly tool: string;
  readonly input: Record<string, unknown>;
  readonly result: unknown;
  readonly agent?: string;
}

let ids = 0;
const call = (id: string, { tool, input, agent }: Step): AssistantLine => ({
  type: 'assistant',
  parent_tool_use_id: agent ?? null,
  message: { content: [{ type: 'tool_use', id, name: tool, input }] },
});
const result = (id: string, { result: content, agent }: Step): Buffer =>
  Buffer.from(
    JSON.stringify({
      type: 'user',
      message: { role: 'user', content: [{ type: 'tool_result', tool_use_id: id, content }] },
      parent_tool_use_id: agent ?? null,
      uuid: `${Math.random()}`,
    }),
  );

/** What the detector finds in these consecutive steps. */
function watch(steps: readonly Step[]): string | null {
  const detector = new LoopDetector();
  for (const step of steps) {
    const id = `toolu_${ids++}`;
    detector.addCalls(call(id, step));
    detector.addResults(result(id, step));
  }
  return detector.loop;
}
const times = (count: number, steps: (index: number) => readonly Step[]): Step[] =>
  Array.from({ length: count }, (_, index) => steps(index)).flat();
const bash = (command: string, output: unknown): Step => ({
  tool: 'Bash',
  input: { command },
  result: output,
});
const edit = (file: string, to: string): Step => ({
  tool: 'Edit',
  input: { file_path: file, old_string: 'a', new_string: to },
  result: `The file ${file} has been updated.`,
});

describe('a loop', () => {
  test('is one call again and again with the same result', () => {
    expect(watch(times(13, () => [bash('npm test', '1 failed')]))).toBe(
      'It called `Bash npm test` 12 times in a row with the same result.',
    );
    expect(watch(times(12, () => [bash('npm test', '1 failed')]))).toBeNull();
  });

  test.each([2, 3, 4])('is a round of %i calls again and again', (length) => {
    const round = times(length, (index) => [edit(`file-${index}.ts`, 'b')]);
    expect(watch(times(9, () => round))).toBe(
      `It called ${round.map(({ input }) => `\`Edit ${String(input['file_path'])}\``).join(', ')} in turn, 8 times with the same results.`,
    );
    expect(watch(times(8, () => round))).toBeNull();
  });

  test('is found whatever came before it, and stays found', () => {
    const before = times(30, (index) => [bash(`echo ${index}`, `${index}`)]);
    const loop = times(13, () => [bash('npm test', 'x')]);
    expect(watch([...before, ...loop, ...before])).toMatch(/npm test/);
  });

  test('is found in a subagent while others work', () => {
    const steps = times(13, (index) => [
      { ...bash('npm test', 'x'), agent: 'toolu_a' },
      bash(`echo ${index}`, ''),
    ]);
    expect(watch(steps)).toMatch(/npm test/);
  });

  test('is told without controls, and shortly', () => {
    const command = `\u001b[31m${'x'.repeat(5000)}`;
    const told = watch(times(13, () => [bash(command, '')])) ?? '';
    expect(told).toMatch(/^[ -~…]+$/);
    expect(told.length).toBeLessThan(200);
  });
});

describe('no loop', () => {
  test.each<[string, Step[]]>([
    ['a call whose result changes', times(100, (index) => [bash('gh run view', `step ${index} of 100`)])],
    ['output that grows', times(100, (index) => [bash('cat log', 'line\n'.repeat(index))])],
    ['edits of different files', times(100, (index) => [edit(`src/${index}.ts`, 'b')])],
    ['different edits of one file', times(100, (index) => [edit('src/a.ts', `${index}`)])],
    [
      'tests after each of many edits',
      times(100, (index) => [edit('src/a.ts', `${index}`), bash('npm test', '1 failed')]),
    ],
    [
      'the same edits with tests that tell something else',
      times(50, (index) => [edit('src/a.ts', 'b'), bash('npm test', `${index} failed`)]),
    ],
    [
      'the same at a few places',
      times(20, (index) => [...times(5, () => [bash('git status', '')]), bash(`make ${index}`, '')]),
    ],
    [
      'several agents that begin alike',
      times(40, (index) => [{ ...bash('cat CLAUDE.md', 'rules'), agent: `toolu_${index}` }]),
    ],
  ])('is %s', (_, steps) => {
    expect(watch(steps)).toBeNull();
  });

  test('is one long command, whatever it prints', () => {
    const detector = new LoopDetector();
    detector.addCalls(call('toolu_x', bash('npm test', '')));
    for (let index = 0; index < 1000; index++)
      detector.addResults(result('toolu_x', bash('npm test', 'the same')));
    expect(detector.loop).toBeNull();
  });

  test('are results that cannot be read', () => {
    const detector = new LoopDetector();
    for (let index = 0; index < 40; index++) {
      detector.addCalls(call(`toolu_${index}`, bash('npm test', '')));
      detector.addResults(Buffer.from(`{"type":"user","toolu_${index}`));
      detector.addResults(Buffer.from(`{"message":{"content":[null,1,{"tool_use_id":"toolu_${index}"`));
    }
    expect(detector.loop).toBeNull();
  });

  test('is any sequence of steps that are new', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.string(), { maxLength: 60 }), fc.boolean(), (words, isInput) => {
        const steps = words.map((word) => (isInput ? bash(word, 'same') : bash('same', word)));
        expect(watch(steps)).toBeNull();
      }),
      { numRuns: cases(3000) },
    );
  });

  test('is any random walk, and a loop after it is found', () => {
    const step = fc.constantFrom(...times(30, (index) => [bash(`make ${index}`, 'ok')]));
    const loop = fc.uniqueArray(fc.integer({ min: 100, max: 200 }), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 11 }), loop, (walk, round) => {
        expect(watch(walk)).toBeNull();
        const looped = times(14, () => round.map((index) => bash(`make ${index}`, 'ok')));
        expect(watch([...walk, ...looped])).toMatch(/^It called /);
      }),
      { numRuns: cases(2000) },
    );
  });
});

test('agents and calls without end are watched with bounded effort', () => {
  const detector = new LoopDetector();
  const unreadable = Buffer.from('{"type":"user","message":{');
  for (let index = 0; index < 20_000; index++) {
    detector.addCalls(
      call(`toolu_${index}`, { ...bash(`echo ${index}`, ''), agent: `agent ${index % 1000}` }),
    );
    detector.addResults(unreadable);
  }
  expect(detector.loop).toBeNull();
});
