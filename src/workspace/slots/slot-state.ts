import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** The attempt whose work is in a slot. */
interface SlotHolder {
  readonly runId: string;
  readonly taskId: string;
  readonly attemptId: number;
}

/** What is remembered of a slot from one process to the next. It is stored beside the slot's directory. */
export interface SlotState {
  /** Null once a snapshot has everything that was written in the slot. */
  readonly holder: SlotHolder | null;
  /** The name of the work that is, or was, done in it. */
  readonly branch: string | null;
  /** The commit that the work began at. */
  readonly base: string | null;
  /** The key of the setup that was run in it; null where setup has to run again. */
  readonly prepared: string | null;
  /** Files that it got from the user's checkout. They are nobody's work, whether or not git still ignores them. */
  readonly copied: readonly string[];
  /** Unix milliseconds. */
  readonly usedAt: number;
  /** When a worker began to write in it, in Unix milliseconds; null where none does, or where its work is captured. */
  readonly workingSince: number | null;
}

/** The state of a slot in which nobody has worked. */
export const UNUSED: SlotState = {
  holder: null,
  branch: null,
  base: null,
  prepared: null,
  copied: [],
  usedAt: 0,
  workingSince: null,
};

/** The states of all slots, in memory and on disk. */
export class SlotStates {
  /** Undefined where a slot exists and its state cannot be read: then nothing is known of what is in it. */
  readonly #states = new Map<string, SlotState | undefined>();

  /** Reads what is stored of a slot; where nothing is, `otherwise` is taken for its state. */
  async load(slot: string, otherwise?: SlotState): Promise<void> {
    this.#states.set(slot, (await readSlotState(slot)) ?? otherwise);
  }

  /** Adds a new slot. */
  add(slot: string): void {
    if (!this.#states.has(slot)) this.#states.set(slot, UNUSED);
  }

  has(slot: string): boolean {
    return this.#states.has(slot);
  }

  all(): string[] {
    return [...this.#states.keys()];
  }

  of(slot: string): SlotState {
    return this.#states.get(slot) ?? UNUSED;
  }

  /** Whether a slot may hold work that no snapshot has. */
  isHeld(slot: string): boolean {
    const state = this.#states.get(slot);
    return this.#states.has(slot) && (state === undefined || state.holder !== null);
  }

  /** Changes the state of a slot. While it has a holder, its content is kept before it is given to anybody else. */
  async update(slot: string, changes: Partial<SlotState>): Promise<void> {
    const state = { ...this.of(slot), ...changes };
    await writeSlotState(slot, state);
    this.#states.set(slot, state);
  }

  /** The slot that a path is in. */
  find(path: string): string | undefined {
    return this.all().find((slot) => path === slot || path.startsWith(join(slot, '/')));
  }

  /** The slot that may hold work of this name that no snapshot has. */
  findHeld(branch: string): string | undefined {
    return this.all().find((slot) => this.of(slot).branch === branch && this.isHeld(slot));
  }
}

/** Undefined where no state can be read. */
export async function readSlotState(slot: string): Promise<SlotState | undefined> {
  const text = await readFile(stateFile(slot), 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  try {
    const stored: unknown = JSON.parse(text);
    if (!isStoredState(stored)) return undefined;
    const { occupant: holder, ...state } = stored;
    // An earlier version stored neither of these two.
    return { ...state, holder, copied: state.copied ?? [], workingSince: state.workingSince ?? null };
  } catch {
    return undefined;
  }
}

/** Replaces the whole file, so that a crash leaves either the old state or the new one. */
async function writeSlotState(slot: string, { holder, ...state }: SlotState): Promise<void> {
  const file = stateFile(slot);
  const fresh = `${file}.new`;
  await writeFile(fresh, JSON.stringify({ occupant: holder, ...state }));
  await rename(fresh, file);
}

function stateFile(slot: string): string {
  return `${slot}.json`;
}

/** The fields as they are stored. */
type StoredState = Omit<SlotState, 'holder' | 'copied' | 'workingSince'> &
  Partial<Pick<SlotState, 'copied' | 'workingSince'>> & { readonly occupant: SlotHolder | null };

function isStoredState(value: unknown): value is StoredState {
  if (typeof value !== 'object' || value === null) return false;
  const { occupant, branch, base, prepared, copied, usedAt } = value as Record<keyof StoredState, unknown>;
  return (
    typeof occupant === 'object' &&
    (branch === null || typeof branch === 'string') &&
    (base === null || typeof base === 'string') &&
    (prepared === null || typeof prepared === 'string') &&
    (copied === undefined || Array.isArray(copied)) &&
    typeof usedAt === 'number'
  );
}
