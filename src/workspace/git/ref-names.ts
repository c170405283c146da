import { createHash } from 'node:crypto';

/**
 * The folder of all refs of the tool. It is outside of the user's branches, so no names can collide. Git also finds
 * these refs without `refs/`, so a command can name one briefly.
 */
export const OWN_REFS = 'refs/orchestrator/';

/** The folder of the integration branches. */
export const INTEGRATION_REFS = `${OWN_REFS}integration/`;

/** The integration branch for a branch of the user; null stands for a detached HEAD. */
export function integrationRef(branch: string | null): string {
  return `${INTEGRATION_REFS}${componentOf(branch)}`;
}

/** The ref that keeps what landed for a branch, in case somebody deletes the integration branch. */
export function landedRef(branch: string | null): string {
  return `${OWN_REFS}landings/${componentOf(branch)}`;
}

/** The ref of the commit that was last delivered to a branch. */
export function deliveredRef(branch: string | null): string {
  return `${OWN_REFS}deliveries/${componentOf(branch)}`;
}

/** The name of an attempt's work; its ref has the same name. */
export function workName(runId: string, taskId: string): string {
  return `orchestrator/${runId}/task-${taskId}`;
}

/** The run and task of a name that {@link workName} returned; undefined for any other name. */
export function ownerOfWork(name: string): { readonly runId: string; readonly taskId: string } | undefined {
  const [, runId, taskId] = /^orchestrator\/([^/]+)\/task-([\d.]+)$/.exec(name) ?? [];
  return runId === undefined || taskId === undefined ? undefined : { runId, taskId };
}

/** The shortest form of a full name that git still finds. */
export function shortRef(ref: string): string {
  return ref.replace(/^refs\/(?:heads\/)?/, '');
}

/**
 * Encodes a branch's name as one component of a ref: `feat/x` becomes `feat+x`, so that it is not inside of `feat`.
 * Different names stay different, even on a disk that ignores case. A name that is too long for a file keeps only its
 * beginning and a digest.
 */
export function componentOf(branch: string | null): string {
  // No branch's name becomes this: none begins with a slash.
  if (branch === null) return '+detached';
  const plain = [...Buffer.from(branch)].map(plainByte).join('');
  const isLong = plain.length > LONGEST;
  if (!isLong && plain === plain.toLowerCase()) return plain;
  const digest = createHash('sha256').update(branch).digest('hex');
  // An encoded byte is `=` and two hexadecimal digits. The letter h is none, so a digest cannot be mistaken for a byte.
  return `${isLong ? plain.slice(0, LONGEST) : plain}=h${digest.slice(0, isLong ? 40 : 12)}`;
}

/** A file's name has at most 255 bytes, and git adds `.lock` to it. */
const LONGEST = 180;

function plainByte(byte: number): string {
  const character = String.fromCharCode(byte);
  if (character === '/') return '+';
  return /[\w.-]/.test(character) ? character : `=${byte.toString(16).padStart(2, '0')}`;
}
