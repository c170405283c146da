import { execFileSync } from 'node:child_process';
import { closeSync, openSync, readdirSync, readFileSync, readSync, statSync } from 'node:fs';
import type { ProcessIdentity } from '../../domain/attempt.ts';

/** One living process as the operating system lists it. Zombies are left out. */
export interface ProcessEntry extends ProcessIdentity {
  readonly parent: number;
  readonly group: number;
}

/** Reads the processes of this machine. */
export interface ProcessReader {
  /** Undefined if there is no such process, or only its zombie. */
  entry(pid: number): ProcessEntry | undefined;
  entries(): ProcessEntry[];
  /** Processes that had this variable in their environment when they started, with its value. */
  withVariable(variable: string): (ProcessEntry & { readonly value: string })[];
}

/** Creates the reader for a platform: `/proc` on Linux, `ps` elsewhere. */
export function createProcessReader(platform: NodeJS.Platform): ProcessReader {
  return platform === 'linux' ? readProcFs() : readPs(platform);
}

/** Reads `/proc`. The start time contains the boot's id, so that no process is mistaken for one from before a reboot. */
function readProcFs(): ProcessReader {
  const boot = readText('/proc/sys/kernel/random/boot_id').trim();
  const entry = (pid: number): ProcessEntry | undefined => parseStat(readText(`/proc/${pid}/stat`), boot);
  const pids = (): number[] =>
    readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number);
  const entries = (): ProcessEntry[] => pids().flatMap((pid) => entry(pid) ?? []);

  // This is larger than nearly all environments.
  const buffer = Buffer.allocUnsafe(128 * 1024);
  /** By variable: the processes that did not have it. */
  const withoutVariable = new Map<string, ReadonlyMap<number, WithoutVariable>>();

  return {
    entry,
    entries,
    withVariable: (variable) => {
      const before = withoutVariable.get(variable);
      const now = new Map<number, WithoutVariable>();
      const at = performance.now();
      const found: ReturnType<ProcessReader['withVariable']> = [];
      for (const pid of pids()) {
        const identity = identityOf(pid);
        if (identity === undefined) continue;
        // A process gets its environment when it starts: without the variable then, it never has it.
        const known = before?.get(pid);
        const same = known?.identity === identity ? known : undefined;
        if (same?.isSure === true) {
          now.set(pid, same);
          continue;
        }
        const environ = readInto(buffer, `/proc/${pid}/environ`);
        const value = valueIn(environ, variable);
        if (value !== undefined) found.push(...withValue(entry(pid), value));
        else now.set(pid, { identity, since: same?.since ?? at, isSure: at - (same?.since ?? at) > SURE_MS });
      }
      withoutVariable.set(variable, now);
      return found;
    },
  };
}

/** A process without a variable, or whose environment is not ours to read. */
interface WithoutVariable {
  readonly identity: string;
  /** When it was seen first, in milliseconds of {@link performance}. */
  readonly since: number;
  readonly isSure: boolean;
}

/** While a process becomes another program, it shows no variables, or those of its parent, for a moment. */
const SURE_MS = 1000;

/**
 * Distinguishes a process from a later one with the same id, and from itself after a change of its owner. Undefined if it
 * is gone.
 */
function identityOf(pid: number): string | undefined {
  try {
    const found = statSync(`/proc/${pid}`, { throwIfNoEntry: false });
    return found === undefined ? undefined : `${found.ino} ${found.uid}`;
  } catch {
    return undefined;
  }
}

function withValue(entry: ProcessEntry | undefined, value: string): (ProcessEntry & { value: string })[] {
  return entry === undefined ? [] : [{ ...entry, value }];
}

function valueIn(environ: Buffer, variable: string): string | undefined {
  const name = `${variable}=`;
  for (let at = environ.indexOf(name); at !== -1; at = environ.indexOf(name, at + 1)) {
    if (at > 0 && environ[at - 1] !== 0) continue;
    const end = environ.indexOf(0, at);
    return environ.toString('latin1', at + name.length, end === -1 ? undefined : end);
  }
  return undefined;
}

/** Empty if it cannot be read. The result may be a part of the buffer. */
function readInto(buffer: Buffer, path: string): Buffer {
  let descriptor: number | undefined;
  try {
    descriptor = openSync(path, 'r');
    const length = readSync(descriptor, buffer, 0, buffer.length, 0);
    return length < buffer.length ? buffer.subarray(0, length) : readFileSync(path);
  } catch {
    return buffer.subarray(0, 0);
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

/** Parses `/proc/<pid>/stat`. The name in parentheses may contain anything, also parentheses and spaces. */
function parseStat(stat: string, boot: string): ProcessEntry | undefined {
  const close = stat.lastIndexOf(')');
  if (close === -1) return undefined;
  const [state, parent, group, ...rest] = stat.slice(close + 2).split(' ');
  const startTicks = rest[16];
  if (startTicks === undefined || state === 'Z' || state === 'X') return undefined;
  return {
    pid: Number.parseInt(stat, 10),
    startTime: `${boot}/${startTicks}`,
    parent: Number(parent),
    group: Number(group),
  };
}

/** Empty if it cannot be read, because the process is gone or belongs to another user. */
function readText(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}

const COLUMNS = 'pid=,ppid=,pgid=,stat=,lstart=';

/**
 * Calls `ps`, for systems without `/proc`. Start times are calendar times in whole seconds, so they stay unique after a
 * reboot. Synchronous like reading `/proc`, since it is called only a few times for each attempt.
 */
function readPs(platform: NodeJS.Platform): ProcessReader {
  const list = (args: readonly string[]): ProcessEntry[] => parsePs(ps(args));
  const showEnvironment = platform === 'darwin' ? '-axwwE' : 'axeww';

  return {
    entry: (pid) => list(['-o', COLUMNS, '-p', String(pid)])[0],
    entries: () => list(['-ax', '-o', COLUMNS]),
    withVariable(variable) {
      const values = new Map(
        ps([showEnvironment, '-o', 'pid=,command='])
          .split('\n')
          .flatMap((line) => {
            const value = line.split(` ${variable}=`)[1]?.split(' ', 1)[0];
            return value === undefined ? [] : [[Number.parseInt(line, 10), value] as const];
          }),
      );
      return list(['-ax', '-o', COLUMNS]).flatMap((found) => {
        const value = values.get(found.pid);
        return value === undefined ? [] : [{ ...found, value }];
      });
    },
  };
}

function parsePs(output: string): ProcessEntry[] {
  return output.split('\n').flatMap((line) => {
    const [, pid, parent, group, state, startTime] =
      /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(\S+)\s+(.+?)\s*$/.exec(line) ?? [];
    if (pid === undefined || startTime === undefined || state?.startsWith('Z') !== false) return [];
    return [{ pid: Number(pid), startTime, parent: Number(parent), group: Number(group) }];
  });
}

/** Empty if nothing matches, which `ps` reports by its exit code. */
function ps(args: readonly string[]): string {
  try {
    return execFileSync('ps', args, {
      encoding: 'utf8',
      env: { PATH: '/bin:/usr/bin', LC_ALL: 'C', TZ: 'UTC' },
      maxBuffer: 256 * 1024 * 1024,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
  } catch {
    return '';
  }
}
