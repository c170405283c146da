import type { ProcessIdentity } from '../../domain/attempt.ts';
import type { Run, TaskStore } from '../../store/store.ts';
import type { Services } from '../services.ts';

/** Tells whether a process lives. The process table is loaded only where a run may be alive, because that is slow. */
export async function processLookUp(services: Services): Promise<(process: ProcessIdentity) => boolean> {
  const { createProcessTable } = await import('../../worker/process/process-table.ts');
  const table = createProcessTable(services);
  return (process) => table.isAlive(process);
}

/** The run that works on the store now; undefined where there is none, or where it was killed. */
export async function findLiveRun(services: Services, store: TaskStore): Promise<Run | undefined> {
  const last = store.lastRun();
  if (last === undefined || last.endedAt !== null) return undefined;
  const isAlive = await processLookUp(services);
  return isAlive(last.process) ? last : undefined;
}
