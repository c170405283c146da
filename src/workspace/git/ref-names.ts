import { createHash } from 'node:crypto';

/**
 * Where all refs of ours are: no name of a person's branch can be in their way, nor they in its way. Git finds them
 * without `refs/` too, so a command that names one is short.
 */
export const OWN_REFS = 'refs/orchestrator/';

/** Where the refs are on which results come together. */
export const INTEGRATION_REFS = `${OWN_REFS}integration/`;

/** The ref on which results for a branch of the user come together; null where HEAD is detached. */
export function integrationRef(branch: string | null): string {
  return `${INTEGRATION_REFS}${componentOf(branch)}`;
}

/** Keeps what landed for a branch, should somebody delete the ref on which it came together. */
export function landedRef(branch: string | null): string {
  return `${OWN_REFS}landings/${componentOf(branch)}`;
}

/** Remembers what was last delivered to a branch. */
export function deliveredRef(branch: string | null): string {
  return `${OWN_REFS}deliveries/${componentOf(branch)}`;
}

/** The name by which an attempt's work is known, also to git. */
export function workName(runId: string, taskId: string): string {
  return `orchestrator/${runId}/task-${taskId}`;
}

/** Whose work has a name that {@link workName} gave it. */
export function ownerOfWork(name: string): { readonly runId: string; readonly taskId: string } | undefined {
  const [, runId, taskId] = /^orchestrator\/([^/]+)\/task-([\d.]+)$/.exec(name) ?? [];
  return runId === undefined || taskId === undefined ? undefined : { runId, taskId };
}

/** A full name as short as git still understands it. */
export function shortRef(ref: string): string {
  return ref.replace(/^refs\/(?:heads\/)?/, '');
}

/**
 * A branch's name as one component of a ref: `feat/x` becomes `feat+x`, so that it is not inside of `feat`. No two names
 * become one, on a disk that takes upper and lower case for the same either; those that would be too long for a file
 * keep their beginning.
 */
export function componentOf(branch: string | null): string {
  // No branch begins with a slash.
  if (branch === null) return '+detached';
  const plain = [...Buffer.from(branch)].map(plainByte).join('');
  const isLong = plain.length > LONGEST;
  if (!isLong && plain === plain.toLowerCase()) return plain;
  const digest = createHash('sha256').update(branch).digest('hex');
  // Only `=` and two digits stand for a byte, and a name may end anywhere: so these are told from all others by a letter.
  return `${isLong ? plain.slice(0, LONGEST) : plain}=h${digest.slice(0, isLong ? 40 : 12)}`;
}

/** Files have names of 255 bytes at most; git adds `.lock` to them. */
const LONGEST = 180;

function plainByte(byte: number): string {
  const character = String.fromCharCode(byte);
  if (character === '/') return '+';
  return /[\w.-]/.test(character) ? character : `=${byte.toString(16).padStart(2, '0')}`;
}
