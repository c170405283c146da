import { closeSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs';
import type { ProcessEntry, ProcessReader } from './process-table.ts';

/** Reads `/proc`. The start time holds the boot's id, so that no process is taken for one from before a reboot. */
export function readProcFs(): ProcessReader {
  const boot = readText('/proc/sys/kernel/random/boot_id').trim();
  const entry = (pid: number): ProcessEntry | undefined => parseStat(readText(`/proc/${pid}/stat`), boot);
  const pids = (): number[] =>
    readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number);
  const entries = (): ProcessEntry[] => pids().flatMap((pid) => entry(pid) ?? []);

  return {
    entry,
    entries,
    marked: (variable) =>
      pids().flatMap((pid) => {
        const value = valueIn(readEnviron(pid), variable);
        const found = value === undefined ? undefined : entry(pid);
        return found === undefined || value === undefined ? [] : [{ ...found, value }];
      }),
  };
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

/** Larger than nearly all environments; those of all processes are read again and again. */
const environment = Buffer.allocUnsafe(128 * 1024);

/** What it returns is there until it is called again; empty if it cannot be read. */
function readEnviron(pid: number): Buffer {
  const path = `/proc/${pid}/environ`;
  let descriptor: number | undefined;
  try {
    descriptor = openSync(path, 'r');
    const length = readSync(descriptor, environment, 0, environment.length, 0);
    return length < environment.length ? environment.subarray(0, length) : readFileSync(path);
  } catch {
    return environment.subarray(0, 0);
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}

/** One line of `/proc/<pid>/stat`; the name in parentheses may hold anything, also parentheses and spaces. */
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

/** Empty if it cannot be read: the process is gone or belongs to another user. */
function readText(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}
