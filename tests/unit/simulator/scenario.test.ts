import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Failed } from '../../../src/domain/failure.ts';
import { DEMO_SCENARIO } from '../../../src/simulator/demo-scenario.ts';
import { loadScenario, parseScenario } from '../../../src/simulator/scenario.ts';
import { cases } from '../../rig/effort.ts';

describe('parseScenario', () => {
  test.each<[place: string, scenario: unknown]>([
    ['rules: ', {}],
    ['the whole: ', null],
    ['the whole: Unrecognized key: "rule"', { rules: [], rule: 1 }],
    ['rules[0]: expected exactly one of "reply" and "turns"', { rules: [{}] }],
    ['rules[0]: expected exactly one of "reply" and "turns"', { rules: [{ reply: {}, turns: [{}] }] }],
    ['rules[1].reply.fault.kind: ', { rules: [{ reply: {} }, { reply: { fault: { kind: 'fire' } } }] }],
    ['rules[0].reply.fault.status: ', { rules: [{ reply: { fault: { kind: 'http', status: 200 } } }] }],
    ['rules[0].turns[1].tools[0].input: ', { rules: [{ turns: [{}, { tools: [{ name: 'Bash' }] }] }] }],
    ['rules[0].when: Unrecognized key: "contain"', { rules: [{ when: { contain: 'x' }, reply: {} }] }],
    ['rules[0].reply.usage.input: ', { rules: [{ reply: { usage: { input: -1 } } }] }],
    ['rules[0].reply.rateLimit.status: ', { rules: [{ reply: { rateLimit: { status: 'fine' } } }] }],
  ])('names the place: %s', (place, scenario) => {
    expect(() => parseScenario(scenario, 'demo.json')).toThrow(Failed);
    expect(() => parseScenario(scenario, 'demo.json')).toThrow(`demo.json is not a valid scenario: ${place}`);
  });

  test('names every problem at once', () => {
    const scenario = { rules: [{ reply: { waitMs: -1, delayMs: -1 } }] };
    expect(() => parseScenario(scenario)).toThrow(/rules\[0\]\.reply\.waitMs.*rules\[0\]\.reply\.delayMs/);
  });

  test('takes the demo, also by way of JSON', () => {
    expect(parseScenario(JSON.parse(JSON.stringify(DEMO_SCENARIO)))).toEqual(parseScenario(DEMO_SCENARIO));
  });

  test('either takes a value or fails with a sentence', () => {
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), fc.record({ rules: fc.array(fc.jsonValue()) })), (value) => {
        try {
          parseScenario(value);
        } catch (error) {
          expect(error).toBeInstanceOf(Failed);
        }
      }),
      { numRuns: cases(2000) },
    );
  });
});

test('loadScenario reads a file, and says which file is missing or is not JSON', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'scenario-'));
  try {
    const file = join(folder, 'a.json');
    await writeFile(file, '{"rules": [{"reply": {"text": "hi"}}]}');
    expect((await loadScenario(file)).rules[0]?.reply?.text).toBe('hi');
    await writeFile(file, '{');
    await expect(loadScenario(file)).rejects.toThrow(`${file} is not JSON`);
    await expect(loadScenario(join(folder, 'b.json'))).rejects.toThrow('b.json');
  } finally {
    await rm(folder, { recursive: true });
  }
});
