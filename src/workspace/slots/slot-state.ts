import { readFile, rename, writeFile } from 'node:fs/promises';

/** Whose work is in a slot. */
interface Occupant {
  readonly runId: string;
  readonly taskId: string;
  readonly attemptId: number;
}

/** What is remembered of a slot from one process to the next; it is kept beside its directory. */
export interface SlotState {
  /** Null once everything that was written in it is kept. */
  readonly occupant: Occupant | null;
  /** The name of the work that is, or was, done in it. */
  readonly branch: string | null;
  /** The commit that the work began at. */
  readonly base: string | null;
  /** What it was prepared for; null where it has to be prepared anew. */
  readonly prepared: string | null;
  /** Files that it got from the user's checkout: nobody's work, whether or not git still ignores them. */
  readonly copied: readonly string[];
  /** Unix milliseconds. */
  readonly usedAt: number;
  /** Since when a worker writes in it, in Unix milliseconds; null where none does, or what it did is captured. */
  readonly workingSince: number | null;
}

/** Undefined where there is none that can be read: then nothing is known of what is in the slot. */
export async function readSlotState(slot: string): Promise<SlotState | undefined> {
  const text = await readFile(stateFile(slot), 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  try {
    const state: unknown = JSON.parse(text);
    // An earlier version did not know of them.
    return isSlotState(state)
      ? { ...state, copied: state.copied ?? [], workingSince: state.workingSince ?? null }
      : undefined;
  } catch {
    return undefined;
  }
}

/** Replaces it whole, so that a crash leaves the old one or the new one. */
export async function writeSlotState(slot: string, state: SlotState): Promise<void> {
  const file = stateFile(slot);
  const fresh = `${file}.new`;
  await writeFile(fresh, JSON.stringify(state));
  await rename(fresh, file);
}

function stateFile(slot: string): string {
  return `${slot}.json`;
}

function isSlotState(
  value: unknown,
): value is Omit<SlotState, 'copied' | 'workingSince'> & Partial<SlotState> {
  if (typeof value !== 'object' || value === null) return false;
  const { occupant, branch, base, prepared, copied, usedAt } = value as Record<keyof SlotState, unknown>;
  return (
    typeof occupant === 'object' &&
    (branch === null || typeof branch === 'string') &&
    (base === null || typeof base === 'string') &&
    (prepared === null || typeof prepared === 'string') &&
    (copied === undefined || Array.isArray(copied)) &&
    typeof usedAt === 'number'
  );
}
