import type { Run, TaskStore } from '../../store/store.ts';
import type { Services } from '../services.ts';
import { processLookUp } from '../project/process-look-up.ts';

/** The run that works on the store now; undefined where there is none, or where it was killed. */
export async function liveRun(services: Services, store: TaskStore): Promise<Run | undefined> {
  const last = store.lastRun();
  if (last === undefined || last.endedAt !== null) return undefined;
  const isAlive = await processLookUp(services);
  return isAlive(last.process) ? last : undefined;
}
