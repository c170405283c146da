import type { ProcessIdentity } from '../../domain/attempt.ts';
import type { Cli } from '../../cli/cli.ts';

/** Whether a process lives; loaded only where a run may be alive, since that takes as long as all the rest. */
export async function processLookUp(cli: Cli): Promise<(process: ProcessIdentity) => boolean> {
  const { createProcessTable } = await import('../../worker/process-table.ts');
  const table = createProcessTable(cli);
  return (process) => table.isAlive(process);
}
