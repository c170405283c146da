import type { ProcessIdentity } from '../../domain/attempt.ts';
import type { Services } from '../services.ts';

/** Whether a process lives; loaded only where a run may be alive, since that takes as long as all the rest. */
export async function processLookUp(services: Services): Promise<(process: ProcessIdentity) => boolean> {
  const { createProcessTable } = await import('../../worker/process/process-table.ts');
  const table = createProcessTable(services);
  return (process) => table.isAlive(process);
}
