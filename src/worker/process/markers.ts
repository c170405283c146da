import { createHash } from 'node:crypto';
import { realpathSync } from 'node:fs';
import type { ProcessIdentity } from '../../domain/attempt.ts';
import type { Marker, ProcessTable } from './process-table.ts';

/** In the environment of everything that an attempt starts: the project and the attempt's id. */
const ATTEMPT = 'CLAUDE_ORCHESTRATOR_ATTEMPT';
/** In the environment of everything that a manager's Claude CLI starts: the project and the process that asks. */
const MANAGER = 'CLAUDE_ORCHESTRATOR_MANAGER';

const GRACE_MS = 2000;

/** Tells the processes of the project in this directory, however it is spelt, from those of others on the machine. */
export function projectKey(root: string): string {
  return createHash('sha256').update(realpathSync(root)).digest('hex').slice(0, 16);
}

/** Marks what an attempt starts; `project` tells this project's processes from those of others on the machine. */
export function attemptMarker(project: string, attemptId: number): Marker {
  return { variable: ATTEMPT, value: `${project}/${attemptId}` };
}

/** Marks what a manager's Claude CLI starts, on behalf of `owner`. */
export function managerMarker(project: string, owner: ProcessIdentity): Marker {
  return { variable: MANAGER, value: `${project}/${owner.pid}/${owner.startTime.replace(/\s+/g, '_')}` };
}

/**
 * Ends what killed processes of this project left behind: the Claude CLI of a manager whose command is gone, and what
 * attempts have started that are not `unfinished`. Nobody else's process is touched.
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
    const own = managerMarker(project, owner).value;
    // What it starts beside the manager has its own name behind that of its owner.
    return marker.value !== own && !marker.value.startsWith(`${own}/`);
  });
  const ofAttempts = processes
    .listMarkers(ATTEMPT)
    .filter((marker) => isOurs(marker) && !unfinished.has(Number(marker.value.split('/')[1])));
  await Promise.all(
    [...ofManagers, ...ofAttempts].map((marker) => processes.endMarked(marker, { graceMs: GRACE_MS })),
  );
}
