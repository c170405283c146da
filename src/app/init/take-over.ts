import { cpSync, existsSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fail, messageOf } from '../../domain/failure.ts';
import { plural } from '../../domain/text/format.ts';
import { openDriver } from '../../store/driver.ts';
import { openRunLock } from '../../store/run-lock.ts';
import type { TaskStore } from '../../store/store.ts';
import type { Services } from '../services.ts';
import { processLookUp } from '../project/process-look-up.ts';
import { openProjectStore } from '../project/open-store.ts';
import { projectOutside, type Project } from '../project/project.ts';

/** The folders beside the store that belong to it. */
const FOLDERS = ['attempts', 'logs'];

/**
 * Moves what `do` has kept of a repository into the project that is set up in it: tasks with their history, and the
 * files of their attempts. Returns a sentence about it, or undefined where there is nothing to move. Throws `Failed`
 * while a worker is at work there. The old store is removed last, so that a crash leaves one of the two.
 */
export async function takeOverOutside(services: Services, project: Project): Promise<string | undefined> {
  const outside = projectOutside(services, project.root, project.tag);
  if (!existsSync(outside.databaseFile) || existsSync(project.databaseFile)) return undefined;
  const store = await openProjectStore(outside);
  try {
    const holder = `process ${services.pid}, which sets the project up`;
    const lock = openRunLock(`${outside.databaseFile}-run-lock`, () => store.lastRun(), { holder });
    try {
      await refuseAtWork(services, store, outside);
      await moveState(store, outside, project);
      return `taken over from ${outside.stateFolder}, with ${plural(store.tasks().length, 'task')}`;
    } finally {
      lock.release();
    }
  } finally {
    store.close();
  }
}

async function refuseAtWork(services: Services, store: TaskStore, { stateFolder }: Project): Promise<void> {
  const isAlive = await processLookUp(services);
  const atWork = store
    .attempts({ running: true })
    .filter(({ process }) => process !== null && isAlive(process));
  if (atWork.length > 0)
    fail(
      'run-in-progress',
      `Workers of a run that was killed still work on ${atWork.map(({ taskId }) => taskId).join(', ')}, and write into ${stateFolder}.`,
      '`claude-orchestrator run` takes them over and ends with them; then run `claude-orchestrator init` again.',
    );
}

async function moveState(store: TaskStore, from: Project, to: Project): Promise<void> {
  const databaseFile = `${to.databaseFile}.taken-over`;
  try {
    for (const name of FOLDERS) {
      const folder = join(from.stateFolder, name);
      if (existsSync(folder))
        cpSync(folder, join(to.stateFolder, name), { recursive: true, preserveTimestamps: true });
    }
    rmSync(databaseFile, { force: true });
    store.copyInto(databaseFile);
    useLog(databaseFile);
    const moved = await openProjectStore({ ...to, databaseFile });
    moved.moveAttemptFiles(join(to.stateFolder, 'attempts'));
    moved.close();
    renameSync(databaseFile, to.databaseFile);
    // Everything else that is kept outside of the project stays.
    rmSync(from.stateFolder, { recursive: true, force: true });
  } catch (error) {
    fail(
      'file-unwritable',
      `What is kept in ${from.stateFolder} cannot be taken over: ${messageOf(error)}. It is still there, whole.`,
      'Free some disk space, or make both places writable for you, and run `claude-orchestrator init` again.',
    );
  }
}

/** A copy does not keep the journal mode, so this sets the one that every store has. */
function useLog(file: string): void {
  const driver = openDriver(file);
  driver.exec('PRAGMA journal_mode = WAL');
  driver.close();
}
