import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import type { ModelUsage } from '../../../src/attempt.ts';
import type { ScenarioInput } from '../../../src/simulator/scenario.ts';
import { simulatorRig, type ClaudeRun, type SimulatorRig } from '../../rig/simulator.ts';

const rigs: SimulatorRig[] = [];
afterEach(async () => {
  await Promise.all(rigs.splice(0).map((rig) => rig.close()));
});

async function start(scenario: ScenarioInput): Promise<SimulatorRig> {
  const rig = await simulatorRig(scenario);
  rigs.push(rig);
  return rig;
}

const ARGS = ['--model', 'sonnet', '--permission-mode', 'acceptEdits', '--setting-sources', 'user'];

/** What the CLI says it used, in the words of the ledger. */
function reported(run: ClaudeRun): ModelUsage[] {
  const usage = run.result?.['modelUsage'] as Record<string, Record<string, number>>;
  return Object.entries(usage).map(([model, counts]) => ({
    model,
    input: counts['inputTokens'] ?? NaN,
    output: counts['outputTokens'] ?? NaN,
    cacheRead: counts['cacheReadInputTokens'] ?? NaN,
    cacheWrite: counts['cacheCreationInputTokens'] ?? NaN,
    costUsd: counts['costUSD'] ?? NaN,
  }));
}

function expectSameBill(rig: SimulatorRig, run: ClaudeRun): void {
  const charged = rig.simulator.ledger.usage();
  const cents = (usage: ModelUsage): ModelUsage => ({ ...usage, costUsd: Number(usage.costUsd.toFixed(9)) });
  expect(reported(run).map(cents)).toEqual(charged.map(cents));
  const total = charged.reduce((sum, usage) => sum + usage.costUsd, 0);
  expect(run.result?.['total_cost_usd']).toBeCloseTo(total, 9);
}

describe('the real Claude CLI against the simulator', () => {
  test('does what the scripted tool calls say and reports what the simulator charged', async () => {
    const schema = '{"type":"object","properties":{"status":{"type":"string"}},"required":["status"]}';
    const rig = await start({
      rules: [
        {
          when: { role: 'worker', contains: 'Task 3:' },
          turns: [
            {
              text: 'First a file.',
              tools: [{ name: 'Write', input: { file_path: '{{cwd}}/a.txt', content: 'eins\n' } }],
            },
            { tools: [{ name: 'Bash', input: { command: 'echo two > b.txt', description: 'write b' } }] },
            {
              json: { status: 'completed' },
              usage: { input: 5, output: 7, cacheRead: 1000, cacheWrite: 100 },
            },
          ],
        },
      ],
    });
    const run = await rig.claude('Task 3: make files', [
      ...ARGS,
      '--allowedTools',
      'Bash',
      '--json-schema',
      schema,
    ]);
    expect(run.result).toMatchObject({ is_error: false, structured_output: { status: 'completed' } });
    expect(run.exitCode).toBe(0);
    expect(await readFile(join(rig.cwd, 'a.txt'), 'utf8')).toBe('eins\n');
    expect(await readFile(join(rig.cwd, 'b.txt'), 'utf8')).toBe('two\n');
    expect(rig.simulator.unmatched).toEqual([]);
    expectSameBill(rig, run);
  });
});
