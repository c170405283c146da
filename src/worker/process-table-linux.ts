import { readdirSync, readFileSync } from 'node:fs';
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
        const value = valueIn(readText(`/proc/${pid}/environ`), variable);
        const found = value === undefined ? undefined : entry(pid);
        return found === undefined || value === undefined ? [] : [{ ...found, value }];
      }),
  };
}

function valueIn(environ: string, variable: string): string | undefined {
  const assignment = `\0${variable}=`;
  const all = `\0${environ}\0`;
  const at = all.indexOf(assignment);
  return at === -1 ? undefined : all.slice(at + assignment.length, all.indexOf('\0', at + 1));
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
