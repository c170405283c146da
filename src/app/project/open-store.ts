import { Failed } from '../../domain/failure.ts';
import type { TaskStore } from '../../store/store.ts';
import type { Project } from './project.ts';

/**
 * Opens the project's store. Without `create` a missing one is a failure that says how to get one. A store to which tasks
 * were added is copied to the user's own data when it is closed; if that fails, there is a warning and no more.
 */
export async function openProjectStore(project: Project, create = false): Promise<TaskStore> {
  const { openStore } = await import('../../store/sqlite-store.ts');
  try {
    return openStore({
      file: project.databaseFile,
      tag: project.tag,
      create,
      copies: project.copies,
    });
  } catch (error) {
    if (!(error instanceof Failed) || error.failure.reason !== 'no-project') throw error;
    const { withLostStore } = await import('./lost-store.ts');
    throw withLostStore(error.failure, project);
  }
}

/** Gives `use` the project's store, and closes it whatever comes of it. */
export async function withStore<T>(project: Project, use: (store: TaskStore) => T | Promise<T>): Promise<T> {
  const store = await openProjectStore(project);
  try {
    return await use(store);
  } finally {
    store.close();
  }
}
