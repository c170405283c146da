import fc from 'fast-check';
import { PRIORITIES, SIZES, type Task, type TaskDraft } from '../../src/domain/task.ts';

/** A task with everything filled in; override what the test is about. */
export function makeTask(id: string, overrides: Partial<Task> = {}): Task {
  return {
    id,
    tag: 'master',
    title: `Task ${id}`,
    description: '',
    details: '',
    testStrategy: '',
    priority: 'medium',
    status: 'pending',
    dependencies: [],
    size: null,
    estimateMinutes: null,
    touches: [],
    risk: null,
    createdAt: '2026-01-01T00:00:00.000Z',
    updatedAt: '2026-01-01T00:00:00.000Z',
    ...overrides,
  };
}

/** A draft with everything filled in; override what the test is about. */
export function makeDraft(id: string, overrides: Partial<TaskDraft> = {}): TaskDraft {
  const {
    title,
    description,
    details,
    testStrategy,
    priority,
    dependencies,
    size,
    estimateMinutes,
    touches,
    risk,
  } = makeTask(id);
  return {
    id,
    title,
    description,
    details,
    testStrategy,
    priority,
    dependencies,
    size,
    estimateMinutes,
    touches,
    risk,
    ...overrides,
  };
}

/** Random valid task lists: up to `max` tasks, a fifth of them groups, dependencies only on earlier ids. */
export function arbitraryTasks(max = 30): fc.Arbitrary<Task[]> {
  const shape = fc.record({
    links: fc.array(fc.nat(), { maxLength: 3 }),
    subtasks: fc.oneof(
      { weight: 4, arbitrary: fc.constant(0) },
      { weight: 1, arbitrary: fc.integer({ min: 1, max: 3 }) },
    ),
    priority: fc.constantFrom(...PRIORITIES),
    size: fc.constantFrom(null, ...SIZES),
    estimateMinutes: fc.oneof(fc.constant(null), fc.integer({ min: 1, max: 90 })),
  });
  return fc.array(shape, { minLength: 1, maxLength: max }).map((shapes) => {
    const tasks: Task[] = [];
    shapes.forEach(({ links, subtasks, ...fields }, index) => {
      const earlier = tasks.map(({ id }) => id);
      const dependencies =
        earlier.length === 0 ? [] : [...new Set(links.map((link) => earlier[link % earlier.length] ?? '1'))];
      const id = String(index + 1);
      tasks.push(makeTask(id, { ...fields, dependencies }));
      for (let sub = 1; sub <= subtasks; sub++) {
        tasks.push(
          makeTask(`${id}.${sub}`, { ...fields, dependencies: sub > 1 ? [`${id}.${sub - 1}`] : [] }),
        );
      }
    });
    return tasks;
  });
}
