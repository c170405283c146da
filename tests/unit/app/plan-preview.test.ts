import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { findCollisions, globsOverlap } from '../../../src/app/planning/collisions.ts';
import { describePlan } from '../../../src/cli/plan-text.ts';
import type { PlanPreview } from '../../../src/app/contract/plan.ts';
import { previewPlan } from '../../../src/app/planning/preview.ts';
import { displayWidth } from '../../../src/domain/text/display-text.ts';
import { styles } from '../../../src/domain/text/styles.ts';
import type { Task, TaskStatus } from '../../../src/domain/task.ts';
import { buildTaskGraph, type TaskGraph } from '../../../src/domain/task-graph.ts';
import { makeTask } from '../../rig/arbitrary-tasks.ts';
import { cases } from '../../rig/effort.ts';

const task = (id: string, minutes: number, dependencies: string[] = [], more: Partial<Task> = {}): Task =>
  makeTask(id, { dependencies, estimateMinutes: minutes, ...more });

const graphOf = (tasks: Task[]): TaskGraph => {
  const graph = buildTaskGraph(tasks);
  if (!graph.ok) throw new Error(JSON.stringify(graph.error));
  return graph.value;
};

const preview = (tasks: Task[], costPerMinute: number | null = null): PlanPreview =>
  previewPlan(graphOf(tasks), {
    estimate: ({ estimateMinutes }) => estimateMinutes ?? 8,
    workers: 2,
    maxWorkers: 3,
    costPerMinute,
  });

const DIAMOND = [task('1', 5), task('2', 10, ['1']), task('3', 20, ['1']), task('4', 5, ['2', '3'])];

describe('previewPlan', () => {
  test('a diamond has three waves, its longer side is critical, and a second worker saves the shorter side', () => {
    const plan = preview(DIAMOND, 0.1);
    expect(plan.waves.map((wave) => wave.map(({ id }) => id))).toEqual([['1'], ['2', '3'], ['4']]);
    expect(plan.criticalPath).toEqual({ tasks: ['1', '3', '4'], minutes: 30 });
    expect(plan.prediction).toEqual([
      { workers: 1, minutes: 40 },
      { workers: 2, minutes: 30 },
      { workers: 3, minutes: 30 },
    ]);
    expect(plan.costUsd).toBeCloseTo(4);
  });

  test('without history the cost is unknown, not zero', () => {
    expect(preview(DIAMOND).costUsd).toBeNull();
  });

  test.each<[TaskStatus, string[], string[]]>([
    ['deferred', ['2', '3', '4'], []],
    ['in-progress', ['2', '3', '4'], []],
    ['failed', [], ['1', '2', '3', '4']],
    ['done', [], ['2', '3', '4']],
    ['cancelled', [], ['2', '3', '4']],
  ])('a first task that is %s holds back what needs it, or does not', (status, heldBehind, planned) => {
    const [first, ...others] = DIAMOND;
    const plan = preview([task('1', first?.estimateMinutes ?? 0, [], { status }), ...others]);
    expect(plan.waves.flat().map(({ id }) => id)).toEqual(planned);
    expect(plan.held.filter(({ waitingFor }) => waitingFor.length > 0).map(({ id }) => id)).toEqual(
      heldBehind,
    );
  });

  test('a group is no work of its own, and what needs it waits for its subtasks', () => {
    const plan = preview([task('1', 99), task('1.1', 5), task('1.2', 7, ['1.1']), task('2', 3, ['1'])]);
    expect(plan.waves.map((wave) => wave.map(({ id }) => id))).toEqual([['1.1'], ['1.2'], ['2']]);
    expect(plan.criticalPath).toEqual({ tasks: ['1.1', '1.2', '2'], minutes: 15 });
  });

  test('every open task is planned once or held, the prediction lies between its bounds', () => {
    const statuses: TaskStatus[] = ['pending', 'done', 'deferred', 'failed', 'cancelled'];
    const tasks = fc
      .array(
        fc.record({
          minutes: fc.integer({ min: 1, max: 50 }),
          needs: fc.array(fc.nat(), { maxLength: 3 }),
          status: fc.constantFrom(...statuses),
        }),
        { minLength: 1, maxLength: 25 },
      )
      .map((nodes) =>
        nodes.map(({ minutes, needs, status }, index) =>
          task(
            String(index + 1),
            minutes,
            index === 0 ? [] : [...new Set(needs.map((need) => String((need % index) + 1)))],
            { status },
          ),
        ),
      );
    fc.assert(
      fc.property(tasks, (all) => {
        const plan = preview(all);
        const planned = plan.waves.flat();
        const open = all.filter(({ status }) => status !== 'done' && status !== 'cancelled');
        expect([...planned, ...plan.held].map(({ id }) => id).sort()).toEqual(
          open.map(({ id }) => id).sort(),
        );
        const total = planned.reduce((sum, { minutes }) => sum + minutes, 0);
        expect(plan.prediction[0]?.minutes).toBeCloseTo(total);
        for (const { workers, minutes } of plan.prediction) {
          expect(minutes).toBeGreaterThanOrEqual(plan.criticalPath.minutes - 1e-9);
          expect(minutes).toBeGreaterThanOrEqual(total / workers - 1e-9);
          expect(minutes).toBeLessThanOrEqual(total + 1e-9);
        }
        const byId = new Map(planned.map((each) => [each.id, each]));
        const critical = plan.criticalPath.tasks.reduce((sum, id) => sum + (byId.get(id)?.minutes ?? NaN), 0);
        expect(critical).toBeCloseTo(plan.criticalPath.minutes);
      }),
      { numRuns: cases(1_000) },
    );
  });
});

describe('describePlan', () => {
  const textOf = (plan: PlanPreview, width: number): string =>
    describePlan(plan, { width, style: styles(false) }).join('\n');

  test('no line is wider than the terminal, whatever the titles', () => {
    const title = fc.array(
      fc.constantFrom('word', '漢字', '🎉', '\x1b[2J', 'ア', 'e\u0301', 'x'.repeat(90)),
      {
        minLength: 1,
        maxLength: 12,
      },
    );
    fc.assert(
      fc.property(
        fc.array(title, { minLength: 4, maxLength: 4 }),
        fc.integer({ min: 40, max: 200 }),
        (titles, columns) => {
          const tasks = DIAMOND.map((each, index) => ({
            ...each,
            title: (titles[index] ?? []).join(' '),
            touches: ['src/a/very/long/path/that/goes/on/and/on/and/on/to/the/end.ts'],
            status: index === 3 ? ('deferred' as const) : each.status,
          }));
          const text = textOf(preview(tasks), columns);
          for (const line of text.split('\n')) expect(displayWidth(line)).toBeLessThanOrEqual(columns);
          expect(text).not.toContain('\x1b');
        },
      ),
      { numRuns: cases(500) },
    );
  });

  test('says what is critical, what collides, what is configured and what is unknown', () => {
    const tasks = DIAMOND.map((each) => ({ ...each, touches: ['package.json'] }));
    const text = textOf(preview(tasks), 80);
    expect(text).toContain('4 tasks in 3 waves');
    expect(text).toContain('1 → 3 → 4');
    expect(text).toContain('wave 2: 2, 3 may both change package.json');
    expect(text).toMatch(/2 workers: about 30m \(as configured\)/);
    expect(text).toContain('unknown');
  });

  test('nothing to run is said plainly', () => {
    const text = textOf(preview([task('1', 1, [], { status: 'done' })]), 80);
    expect(text).toContain('Nothing to run');
  });
});

describe('findCollisions', () => {
  test('one entry for each set of tasks, within a wave only', () => {
    const at = (id: string, ...touches: string[]): { id: string; touches: string[] } => ({ id, touches });
    expect(
      findCollisions([
        [at('1', 'src/a.ts', 'package.json'), at('2', 'package.json', 'src/*.ts'), at('3', 'docs/x.md')],
        [at('4', 'src/a.ts')],
      ]),
    ).toEqual([{ wave: 1, tasks: ['1', '2'], paths: ['src/a.ts', 'package.json', 'src/*.ts'] }]);
  });
});

describe('globsOverlap', () => {
  test.each([
    ['src/a.ts', 'src/a.ts', true],
    ['src/a.ts', './src/a.ts', true],
    ['src/a.ts', 'src/b.ts', false],
    ['src/*.ts', 'src/a.ts', true],
    ['src/*.ts', 'src/x/a.ts', false],
    ['src/**', 'src/x/a.ts', true],
    ['**/*.test.ts', 'src/main.ts', false],
    ['**/*.test.ts', 'src/deep/main.test.ts', true],
    ['src', 'src/x/a.ts', true],
    ['src/', 'docs/a.md', false],
    ['src/{a,b}.ts', 'src/b.ts', true],
    ['src/{a,b}.ts', 'src/c.ts', false],
    ['src/{a,{b,c}}/*.ts', 'src/c/x.ts', true],
    ['a*c.ts', 'ab*.ts', true],
    ['a?.ts', 'ab.ts', true],
    ['a[bc].ts', 'ab.ts', true],
    ['Makefile', 'Makefile', true],
    ['', 'anything', true],
  ])('%j and %j: %s', (a, b, overlap) => {
    expect(globsOverlap(a, b)).toBe(overlap);
    expect(globsOverlap(b, a)).toBe(overlap);
  });

  test('a glob overlaps every path that it matches, and any text is taken', () => {
    const part = fc.constantFrom('a', 'b.ts', '*', '**', '?', '[ab]', '{a,b}', 'a*', '.', '', '{', '}');
    const glob = fc.array(part, { maxLength: 6 }).map((parts) => parts.join('/'));
    fc.assert(
      fc.property(glob, (one) => {
        expect(globsOverlap(one, one)).toBe(true);
        expect(globsOverlap(one, '**')).toBe(true);
      }),
      { numRuns: cases(3_000) },
    );
  });

  test('a hostile glob does not hang', () => {
    expect(globsOverlap('**/a/'.repeat(40), '**/b/'.repeat(40))).toBe(true);
    expect(globsOverlap('{a,b}'.repeat(40), 'c')).toBe(true);
  });
});
