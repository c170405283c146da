import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  countTasks,
  loadBoard,
  loadBoardAround,
  loadGraphBoard,
  viewTask,
} from '../../../src/app/tasks/view.ts';
import { findNext, findNextQuickly } from '../../../src/app/next.ts';
import { reportTasks } from '../../../src/app/show.ts';
import { openStore } from '../../../src/store/sqlite-store.ts';
import { TASK_STATUSES, type TaskDraft } from '../../../src/domain/task.ts';
import { OutlinedTasks } from '../../../src/domain/task-outline.ts';
import { arbitraryTasks } from '../../rig/arbitrary-tasks.ts';
import { describeEachDriver } from '../../rig/each-driver.ts';
import { cases } from '../../rig/effort.ts';

describeEachDriver('what is read of a list instead of all of it', ({ driver }) => {
  it('tells the same', () => {
    const statuses = fc.array(fc.constantFrom(...TASK_STATUSES), { maxLength: 40 });
    fc.assert(
      fc.property(arbitraryTasks(12), statuses, (tasks, wanted) => {
        const store = openStore({ file: ':memory:', tag: 'master', create: true, driver });
        store.addTasks(tasks satisfies readonly TaskDraft[], { source: 'test' });
        tasks.forEach(({ id }, index) => store.setStatus([id], wanted[index] ?? 'pending', 'test'));

        const board = loadBoard(store);
        const counts = countTasks(board.tasks.map((task) => viewTask(board, task)));
        expect(new OutlinedTasks(store.outline()).counts()).toEqual(counts);
        const next = findNext(loadGraphBoard(store));
        expect(findNextQuickly(store)).toEqual(next.next === null ? undefined : next);
        for (const { id } of board.tasks)
          expect(reportTasks(store, loadBoardAround(store, [id]), [id])).toEqual(
            reportTasks(store, board, [id]),
          );
        expect(board.tasks).toMatchObject(store.listedTasks());
        const failed = board.tasks.filter(({ status }) => status === 'failed');
        expect(store.failedTasks()).toEqual(failed.map(({ id, title }) => ({ id, title })));
        store.close();
      }),
      { numRuns: cases(60) },
    );
  });
});
