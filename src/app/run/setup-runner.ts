import type { ProcessIdentity } from '../../domain/attempt.ts';
import { managerMarker } from '../../worker/process/markers.ts';
import type { RunCommand } from '../../worker/gates/run-command.ts';
import type { RunSetup } from '../../workspace/slots/slot-setup.ts';

/** Runs the commands that prepare a worktree; a later run ends what a killed one of this process has left. */
export function setupRunner(run: RunCommand, project: string, self: ProcessIdentity | undefined): RunSetup {
  let count = 0;
  return async (command, directory, environment, signal) => {
    const owner = managerMarker(project, self ?? { pid: 0, startTime: 'unknown' });
    // One of its own for each: those of another worktree must not end with it.
    const marker = { ...owner, value: `${owner.value}/setup-${++count}` };
    const result = await run(command, { directory, environment, marker }, signal);
    switch (result.kind) {
      case 'passed':
        return { ok: true, output: '' };
      case 'failed':
        return { ok: false, output: `${result.how}\n${result.output}` };
      case 'infrastructure':
        return { ok: false, output: result.message };
      case 'aborted':
        return { ok: false, output: 'It was stopped.' };
    }
  };
}
