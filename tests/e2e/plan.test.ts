import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import type { PlanPreview } from '../../src/app/contract/plan.ts';
import type { ScenarioInput } from '../../src/simulator/scenario.ts';
import { projectRig, type ProjectRig } from '../rig/project.ts';

type ReplyInput = NonNullable<ScenarioInput['rules'][number]['reply']>;

const estimated = (
  id: string,
  estimateMinutes: number,
  dependencies: string[] = [],
): Record<string, unknown> => ({
  id,
  size: 'M',
  estimateMinutes,
  touches: ['src/**'],
  risk: 'low',
  dependencies,
});

/** 1 ◄ 2, 1 ◄ 3, and the plan finds out that 4 needs 2 and 3. */
const PLAN: ReplyInput = {
  json: { tasks: [estimated('1', 5), estimated('2', 10), estimated('3', 20), estimated('4', 5, ['2', '3'])] },
  usage: { input: 700, output: 80 },
};

const open: ProjectRig[] = [];
afterEach(async () => {
  for (const rig of open.splice(0)) await rig.close();
});

async function rigWith(reply: ReplyInput): Promise<ProjectRig> {
  const rig = await projectRig({ rules: [{ reply }] });
  open.push(rig);
  rig.withStore((store) =>
    store.addTasks(
      [
        ['1', 'Start', []],
        ['2', 'The "short" side', ['1']],
        ['3', 'The long side', ['1']],
        ['4', 'End', []],
      ].map(([id, title, dependencies]) => ({
        id: id as string,
        title: title as string,
        description: '',
        details: '',
        testStrategy: '',
        priority: 'medium' as const,
        dependencies: dependencies as string[],
        size: null,
        estimateMinutes: null,
        touches: [],
        risk: null,
      })),
      { source: 'test' },
    ),
  );
  return rig;
}

describe('plan', () => {
  test('asks for missing estimates once, stores them, and shows waves, critical path, collisions and time', async () => {
    const rig = await rigWith(PLAN);
    const end = await rig.tool(['plan']);
    expect(end).toMatchObject({ exitCode: 0 });
    expect(end.stderr).toMatch(
      /^Estimates are missing: .*paid for \(--no-manager asks nobody\)\.\nmanager: .*\nCost: \$\d/,
    );
    expect(end.stdout).toContain('4 tasks in 3 waves');
    expect(end.stdout).toMatch(/Critical path +1 → 3 → 4 \(about 30m\)/);
    expect(end.stdout).toContain('wave 2: 2, 3 may both change src/**');
    expect(end.stdout).toMatch(/1 worker: about 40m\n +2 workers: about 30m/);
    expect(end.stdout).toMatch(/Cost +unknown/);
    for (const line of end.stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
    expect(rig.withStore((store) => store.task('4'))).toMatchObject({
      estimateMinutes: 5,
      dependencies: ['2', '3'],
    });
    expect(rig.withStore((store) => store.usage())).toMatchObject([{ input: 700, output: 80 }]);
    expect(rig.questions()).toHaveLength(1);

    const again = await rig.tool(['plan', '--json']);
    const plan = JSON.parse(again.stdout) as PlanPreview & { source: string };
    expect(plan).toMatchObject({
      source: 'stored',
      tasks: 4,
      criticalPath: { tasks: ['1', '3', '4'], minutes: 30 },
      collisions: [{ wave: 2, tasks: ['2', '3'], paths: ['src/**'] }],
      costUsd: null,
      held: [],
    });
    expect(plan.prediction.slice(0, 2)).toEqual([
      { workers: 1, minutes: 40 },
      { workers: 2, minutes: 30 },
    ]);
    expect(rig.questions()).toHaveLength(1);
  });

  test('a plan that was made before is taken from the cache', async () => {
    const rig = await rigWith(PLAN);
    await rig.tool(['plan']);
    rig.withStore((store) => store.editTask('3', { size: null, estimateMinutes: null }));
    const end = await rig.tool(['plan', '--json']);
    expect(JSON.parse(end.stdout)).toMatchObject({ source: 'cache', criticalPath: { minutes: 30 } });
    expect(rig.questions()).toHaveLength(1);
  });

  test.each(['--no-manager', '--no-plan'])('%s asks nobody and marks what is assumed', async (flag) => {
    const rig = await rigWith(PLAN);
    const end = await rig.tool(['plan', flag], { env: { ANTHROPIC_API_KEY: '' } });
    expect(end).toMatchObject({ exitCode: 0, stderr: '' });
    expect(end.stdout).toMatch(/8 min\?/);
    expect(rig.simulator.requests).toEqual([]);
  });

  test.each<[string, ReplyInput]>([
    ['a refused key', { fault: { kind: 'http', status: 401 } }],
    ['prose', { text: 'Not today.' }],
    [
      'a cycle',
      {
        json: {
          tasks: [estimated('1', 5, ['4']), estimated('2', 1), estimated('3', 1), estimated('4', 1, ['2'])],
        },
      },
    ],
  ])('planning fails with %s: a warning, and the stored dependencies', async (_, reply) => {
    const rig = await rigWith(reply);
    const end = await rig.tool(['plan']);
    expect(end).toMatchObject({ exitCode: 0 });
    expect(end.stderr).toContain('warning: ');
    expect(end.stdout).toContain('4 tasks in 2 waves');
    expect(rig.withStore((store) => store.task('1'))).toMatchObject({ size: null, dependencies: [] });
  });

  test('--mermaid prints a fenced diagram and nothing else', async () => {
    const rig = await rigWith(PLAN);
    const end = await rig.tool(['plan', '--mermaid', '--no-manager']);
    expect(end.stdout).toMatch(/^```mermaid\nflowchart LR\n/);
    expect(end.stdout).toContain('t2["2 · The #34;short#34; side"]');
    expect(end.stdout).toMatch(/t1 [=-]{2}> t2\n/);
    expect(end.stdout.endsWith('\n```\n')).toBe(true);
    expect(await rig.tool(['plan', '--mermaid', '--json'])).toMatchObject({ exitCode: 2 });
  });

  test('without any task it says so, in text and in JSON', async () => {
    const rig = await projectRig({ rules: [] });
    open.push(rig);
    expect((await rig.tool(['plan'])).stdout).toContain('Nothing to run');
    expect(JSON.parse((await rig.tool(['plan', '--json'])).stdout)).toMatchObject({ tasks: 0, waves: [] });
  });

  test('a broken configuration is told once and whole', async () => {
    const rig = await rigWith(PLAN);
    await writeFile(
      join(rig.directory, 'orchestrator_config.json'),
      JSON.stringify({ execution: { max_workers: 0, max_worker: 3 } }),
    );
    const end = await rig.tool(['plan']);
    expect(end).toMatchObject({ exitCode: 2, stdout: '' });
    expect(end.stderr).toMatch(/max_workers: expected a whole number from 1 to 64/);
    expect(end.stderr).toMatch(/did you mean execution\.max_workers/);
    expect(rig.simulator.requests).toEqual([]);
  });
});
