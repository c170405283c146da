import { createHash } from 'node:crypto';
import { realpathSync } from 'node:fs';
import type { ProcessIdentity } from '../../domain/attempt.ts';
import type { Marker, ProcessTable } from './process-table.ts';

/** A variable of everything that an attempt starts. Its value is the project's key and the attempt's id. */
const ATTEMPT = 'CLAUDE_ORCHESTRATOR_ATTEMPT';
/** A variable of everything that a manager's Claude CLI starts. Its value is the project's key and the asking process. */
const MANAGER = 'CLAUDE_ORCHESTRATOR_MANAGER';

const GRACE_MS = 2000;

/** Identifies the project in this directory, however its path is written, among all projects on the machine. */
export function computeProjectKey(root: string): string {
  return createHash('sha256').update(realpathSync(root)).digest('hex').slice(0, 16);
}

/** The marker of everything that an attempt starts. `project` is the project's key. */
export function createAttemptMarker(project: string, attemptId: number): Marker {
  return { variable: ATTEMPT, value: `${project}/${attemptId}` };
}

/** The marker of everything that a manager's Claude CLI starts for the process `owner`. */
export function createManagerMarker(project: string, owner: ProcessIdentity): Marker {
  return { variable: MANAGER, value: `${project}/${owner.pid}/${owner.startTime.replace(/\s+/g, '_')}` };
}

/**
 * Ends what killed processes of this project left behind: the Claude CLI of a manager whose command is gone, and what
 * attempts started that are not among `unfinished`. No other process is touched.
 */
export async function endOrphans(
  processes: ProcessTable,
  project: string,
  unfinished: ReadonlySet<number>,
): Promise<void> {
  const isOurs = ({ value }: Marker): boolean => value.startsWith(`${project}/`);
  const ofManagers = processes.listMarkers(MANAGER).filter((marker) => {
    const owner = processes.identify(Number(marker.value.split('/')[1]));
    if (!isOurs(marker) || owner === undefined) return isOurs(marker);
    const own = createManagerMarker(project, owner).value;
    // Other processes that the owner starts have a value that begins with this one.
    return marker.value !== own && !marker.value.startsWith(`${own}/`);
  });
  const ofAttempts = processes
    .listMarkers(ATTEMPT)
    .filter((marker) => isOurs(marker) && !unfinished.has(Number(marker.value.split('/')[1])));
  await Promise.all(
    [...ofManagers, ...ofAttempts].map((marker) => processes.endMarked(marker, { graceMs: GRACE_MS })),
  );
}
