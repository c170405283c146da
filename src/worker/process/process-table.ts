import { setTimeout as delay } from 'node:timers/promises';
import type { ProcessIdentity } from '../../domain/attempt.ts';
import { createProcessReader, type ProcessEntry } from './process-reader.ts';

/** What a process table needs of the running program. */
export interface ProcessSystem {
  readonly platform: NodeJS.Platform;
  /** The orchestrator's own id, which is never signalled. */
  readonly pid: number;
  /** Sends a signal, to a whole group if `pid` is negative. Throws if there is no such process, like `process.kill`. */
  readonly kill: (pid: number, signal: NodeJS.Signals) => void;
}

/** A variable in the environment of everything that one attempt starts. It stays when tools change process groups. */
export interface Marker {
  readonly variable: string;
  /** Without white space. */
  readonly value: string;
}

/** How much time a process gets to end. */
interface EndOptions {
  /** Time between SIGTERM and SIGKILL, in milliseconds. */
  readonly graceMs: number;
  /** Ends this time at once when it aborts. */
  readonly hurry?: AbortSignal | undefined;
}

/** Finds processes and ends them. A process is signalled only while its pid and start time are those it was found with. */
export interface ProcessTable {
  identify(pid: number): ProcessIdentity | undefined;
  isAlive(identity: ProcessIdentity): boolean;
  findMarked(marker: Marker): ProcessIdentity[];
  /** The markers with this variable that living processes carry, one for each value. */
  listMarkers(variable: string): Marker[];
  /**
   * Ends a process and its descendants: SIGTERM to the process alone, so that it can end its tools and flush its output,
   * then SIGKILL to its group and to each descendant that is left.
   */
  endTree(identity: ProcessIdentity, options: EndOptions): Promise<void>;
  /** Ends every process with this marker and those that they start meanwhile. False if some could not be ended. */
  endMarked(marker: Marker, options: EndOptions): Promise<boolean>;
}

const SWEEPS = 50;

/** The process table of this machine: `/proc` on Linux, `ps` elsewhere. */
export function createProcessTable(system: ProcessSystem): ProcessTable {
  const reader = createProcessReader(system.platform);

  const isAlive = (identity: ProcessIdentity): boolean =>
    reader.entry(identity.pid)?.startTime === identity.startTime;

  const signal = (identity: ProcessIdentity, name: NodeJS.Signals, group = false): void => {
    if (identity.pid === system.pid || !isAlive(identity)) return;
    try {
      system.kill(group ? -identity.pid : identity.pid, name);
    } catch {
      // It ended by itself meanwhile or belongs to another user. Afterwards the caller checks what is still alive.
    }
  };

  const allGone = async (identities: readonly ProcessIdentity[], options: EndOptions): Promise<boolean> => {
    const deadline = performance.now() + options.graceMs;
    for (let pause = 5; identities.some(isAlive); pause = Math.min(pause * 2, 100)) {
      if (performance.now() >= deadline || options.hurry?.aborted === true) return false;
      await sleep(pause, options.hurry);
    }
    return true;
  };

  const findMarked = (marker: Marker): ProcessIdentity[] =>
    reader
      .withVariable(marker.variable)
      .filter(({ pid, value }) => value === marker.value && pid !== system.pid)
      .map(toIdentity);

  return {
    identify: (pid) => toIdentityOrNone(reader.entry(pid)),
    isAlive,
    findMarked,
    listMarkers: (variable) =>
      [...new Set(reader.withVariable(variable).map(({ value }) => value))].map((value) => ({
        variable,
        value,
      })),

    async endTree(identity, options) {
      const entry = reader.entry(identity.pid);
      if (entry?.startTime !== identity.startTime || entry.pid === system.pid) return;
      // Descendants are listed now, while they still have their parents: orphans get a new one.
      const tree = descendants(reader.entries(), identity.pid);
      signal(identity, 'SIGTERM');
      if (!(await allGone([identity], options))) {
        tree.push(...descendants(reader.entries(), identity.pid));
        if (entry.group === entry.pid) signal(identity, 'SIGKILL', true);
        signal(identity, 'SIGKILL');
      }
      for (const descendant of tree) signal(descendant, 'SIGKILL');
      await allGone([identity, ...tree], { graceMs: 5000 });
    },

    async endMarked(marker, options) {
      const asked = findMarked(marker);
      if (asked.length === 0) return true;
      for (const identity of asked) signal(identity, 'SIGTERM');
      await allGone(asked, options);
      // This repeats because a process may start another one just before it is killed.
      for (let sweep = 0; sweep < SWEEPS; sweep++) {
        const left = findMarked(marker);
        if (left.length === 0) return true;
        for (const identity of left) signal(identity, 'SIGKILL');
        await allGone(left, { graceMs: 200 });
      }
      return findMarked(marker).length === 0;
    },
  };
}

function toIdentity({ pid, startTime }: ProcessEntry): ProcessIdentity {
  return { pid, startTime };
}

function toIdentityOrNone(entry: ProcessEntry | undefined): ProcessIdentity | undefined {
  return entry === undefined ? undefined : toIdentity(entry);
}

function descendants(entries: readonly ProcessEntry[], root: number): ProcessIdentity[] {
  const children = new Map<number, ProcessEntry[]>();
  for (const entry of entries) {
    const siblings = children.get(entry.parent);
    if (siblings === undefined) children.set(entry.parent, [entry]);
    else siblings.push(entry);
  }
  const found: ProcessIdentity[] = [];
  const seen = new Set([root]);
  const queue = [root];
  for (let pid = queue.pop(); pid !== undefined; pid = queue.pop()) {
    for (const child of children.get(pid) ?? []) {
      if (seen.has(child.pid)) continue;
      seen.add(child.pid);
      queue.push(child.pid);
      found.push(toIdentity(child));
    }
  }
  return found;
}

async function sleep(ms: number, signal: AbortSignal | undefined): Promise<void> {
  await delay(ms, undefined, signal === undefined ? {} : { signal }).catch(() => undefined);
}
