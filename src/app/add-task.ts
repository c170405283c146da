import { fail } from '../domain/failure.ts';
import { nextTaskId } from '../domain/task.ts';
import type { AddTaskReport, AddTaskRequest } from './contract/add-task.ts';
import { withStore } from './project/open-store.ts';
import type { Project } from './project/project.ts';
import { parseIds, selectTasks } from './tasks/ids.ts';

/** Stores one task as it was written, without a model. */
export async function addTask(project: Project, request: AddTaskRequest): Promise<AddTaskReport> {
  const { description = '', details = '', testStrategy = '', priority = 'medium', dependencies } = request;
  const title = request.title.trim();
  if (title === '') fail('wrong-usage', '--title: the title must not be empty.');
  const ranges = dependencies === undefined ? [] : parseIds(dependencies);
  return await withStore(project, (store) => {
    const draft = {
      id: nextTaskId(store.tasks()),
      title,
      description,
      details,
      testStrategy,
      priority,
      dependencies: selectTasks(store, ranges),
      size: null,
      estimateMinutes: null,
      touches: [],
      risk: null,
    };
    const [task] = store.addTasks([draft], { source: 'add-task' });
    if (task === undefined) throw new Error('Internal error: the store kept no task, and refused none.');
    return { stored: true, task };
  });
}
