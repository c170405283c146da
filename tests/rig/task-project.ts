import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStore } from '../../src/store/sqlite-store.ts';
import type { TaskStore } from '../../src/store/store.ts';
import type { TaskDraft } from '../../src/domain/task.ts';

/** A directory with a task store and nothing else, beside an empty home. */
export interface TaskProject extends Disposable {
  readonly directory: string;
  withStore<T>(use: (store: TaskStore) => T): T;
}

/** Makes a project that holds these tasks; it is removed when it is disposed of. */
export function taskProject(drafts: readonly TaskDraft[] = []): TaskProject {
  const root = mkdtempSync(join(tmpdir(), 'task-project-'));
  const directory = join(root, 'project');
  mkdirSync(join(directory, '.taskmaster'), { recursive: true });
  mkdirSync(join(root, 'home'));
  const file = join(directory, '.taskmaster', 'tasks.db');
  const withStore: TaskProject['withStore'] = (use) => {
    const store = openStore({ file, tag: 'master', create: true });
    try {
      return use(store);
    } finally {
      store.close();
    }
  };
  withStore((store) => {
    if (drafts.length > 0) store.addTasks(drafts, { source: 'test' });
  });
  return {
    directory,
    withStore,
    [Symbol.dispose]: () => rmSync(root, { recursive: true, force: true, maxRetries: 5 }),
  };
}

/** A task of which only what a test is about has to be said. */
export function draft(
  id: string,
  dependencies: readonly string[] = [],
  more: Partial<TaskDraft> = {},
): TaskDraft {
  return {
    id,
    title: `Task ${id}`,
    description: `What task ${id} is about.`,
    details: '',
    testStrategy: '',
    priority: 'medium',
    dependencies,
    size: null,
    estimateMinutes: null,
    touches: [],
    risk: null,
    ...more,
  };
}

/** A list that has a bit of everything: 1 ← 2 ← 3 (3.1 ← 3.2) ← 4, and 5 on its own. */
export const SAMPLE_TASKS: readonly TaskDraft[] = [
  draft('1', [], { title: 'Set up', size: 'S' }),
  draft('2', ['1'], { title: 'データベースを設計して、移行の手順を書き、性能を測る' }),
  draft('3', ['2'], { title: 'Compiler \x1b[31m👩‍👩‍👧‍👦\x1b[0m\nsecond line' }),
  draft('3.1', [], { title: 'Lexer' }),
  draft('3.2', ['3.1'], { title: 'Parser' }),
  draft('4', ['3', '2'], {
    title: 'A title that goes on and on and fits into no terminal of eighty columns',
    size: 'XL',
  }),
  draft('5', [], { title: 'Aside', priority: 'low', details: 'one\n  two\n\nthree' }),
];
