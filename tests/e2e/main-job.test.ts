import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { ModelUsage } from '../../src/domain/attempt.ts';
import type { Stamped } from '../../src/domain/event.ts';
import { startSimulator, type Simulator } from '../../src/simulator/server.ts';
import type { ScenarioInput } from '../../src/simulator/scenario.ts';
import { makeSandbox, runTool, type Sandbox } from '../rig/cli.ts';
import { REAL_CLAUDE } from '../rig/simulator.ts';

/** Two diamonds, a chain beside them, and an end that needs both. */
const NEEDS: Readonly<Record<number, readonly number[]>> = {
  1: [],
  2: [1],
  3: [1],
  4: [2, 3],
  5: [1],
  6: [4, 5],
  7: [6],
  8: [6],
  9: [7, 8],
  10: [],
  11: [10],
  12: [9, 11],
};
const IDS = Object.keys(NEEDS).map(Number);
const title = (id: number): string => `Write part ${id}`;

/** The last task first: a prompt names the tasks that its own task builds on, but never a later one. */
const scenario: ScenarioInput = {
  rules: [
    {
      when: { role: 'manager', contains: 'Twelve parts' },
      reply: { json: { tasks: IDS.map(plannedTask) }, usage: { input: 2111, output: 777 } },
    },
    {
      when: { role: 'manager' },
      reply: {
        json: { tasks: IDS.map((id) => ({ ...estimate(id), dependencies: [] })) },
        usage: { input: 3001, output: 501 },
      },
    },
    ...IDS.toReversed().map((id) => ({
      name: `task ${id}`,
      when: { role: 'worker' as const, contains: `Task ${id}: ${title(id)}` },
      turns: [
        {
          tools: [
            { name: 'Write', input: { file_path: `{{cwd}}/parts/${id}.txt`, content: `part ${id}\n` } },
          ],
          usage: { input: 1000 + id, output: 100 + id, cacheRead: 10 * id, cacheWrite: 7 * id },
          delayMs: 10,
        },
        {
          json: {
            status: 'completed',
            summary: `Wrote part ${id}.`,
            handover: `parts/${id}.txt is there.`,
            followUps: [],
          },
          usage: { input: 20 + id, output: 30 + id, cacheRead: 1000 },
        },
      ],
    })),
  ],
};

describe('the main job, with the real Claude CLI', () => {
  let simulator: Simulator;
  let sandbox: Sandbox;

  afterEach(async () => {
    await simulator.close();
    sandbox.remove();
  });

  it('takes a PRD of 12 tasks from init to status: in dependency order, done, and paid to the token', async () => {
    simulator = await startSimulator(scenario);
    sandbox = makeSandbox();
    const tool = (...args: string[]) =>
      runTool(args, {
        cwd: sandbox.project,
        limitMs: 230_000,
        env: {
          ANTHROPIC_BASE_URL: simulator.url,
          ANTHROPIC_API_KEY: 'sk-ant-simulated-key',
          CLAUDE_CONFIG_DIR: join(sandbox.home, '.claude'),
        },
      });
    writeFileSync(
      join(sandbox.project, 'prd.md'),
      '# Twelve parts\n\nWrite twelve files, some of which need others.\n',
    );
    writeFileSync(
      join(sandbox.project, 'orchestrator_config.json'),
      JSON.stringify({ claude_cli: { command: REAL_CLAUDE } }),
    );

    expect(await tool('init', '--yes')).toMatchObject({ code: 0 });
    const parsed = await tool('parse', 'prd.md', '--json');
    expect(parsed).toMatchObject({ code: 0 });
    const run = await tool('run', '--workers', '4', '--json');
    expect(run, run.stderr + run.stdout.slice(-2000)).toMatchObject({ code: 0 });
    const status = JSON.parse((await tool('status', '--json')).stdout) as {
      run: { outcome: string };
      tasks: { done: number };
      usage: { last5h: ModelUsage[] };
    };

    const events = run.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Stamped);
    expectDependencyOrder(events);
    for (const id of IDS)
      expect(readFileSync(join(sandbox.project, 'parts', `${id}.txt`), 'utf8')).toBe(`part ${id}\n`);
    expect(status.run.outcome).toBe('completed');
    expect(status.tasks.done).toBe(12);
    expect(simulator.unmatched).toEqual([]);
    expect(status.usage.last5h).toEqual(simulator.ledger.usage().map(closeTo));
    expect(existsSync(join(sandbox.project, '.taskmaster', 'tasks.db'))).toBe(true);
  });
});

/** Money is a sum of floats. */
function closeTo(usage: ModelUsage): object {
  return { ...usage, costUsd: expect.closeTo(usage.costUsd, 9) as number };
}

function expectDependencyOrder(events: readonly Stamped[]): void {
  const done = new Set<string>();
  let running = 0;
  let most = 0;
  for (const event of events) {
    if (event.type === 'attempt-started') {
      for (const need of NEEDS[Number(event.taskId)] ?? [])
        expect([...done], `before ${event.taskId}`).toContain(String(need));
      most = Math.max(most, ++running);
    }
    if (event.type === 'attempt-ended') {
      running--;
      if (event.end.outcome === 'landed') done.add(event.taskId);
    }
  }
  expect(done.size).toBe(12);
  expect(most).toBeGreaterThan(1);
  expect(most).toBeLessThanOrEqual(4);
}

function plannedTask(id: number): object {
  return {
    ...estimate(id),
    title: title(id),
    description: `Write parts/${id}.txt.`,
    details: '',
    testStrategy: '',
    priority: 'medium',
    dependencies: (NEEDS[id] ?? []).map(String),
  };
}

function estimate(id: number): object {
  return { id: String(id), size: 'S', estimateMinutes: 2, touches: [`parts/${id}.txt`], risk: 'low' };
}
