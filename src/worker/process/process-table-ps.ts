import { execFileSync } from 'node:child_process';
import type { ProcessEntry, ProcessReader } from './process-table.ts';

const COLUMNS = 'pid=,ppid=,pgid=,stat=,lstart=';

/**
 * Asks `ps`, for systems without `/proc`. Start times are whole seconds of the calendar, so they outlast a reboot.
 * Synchronous, as reading `/proc` is: it is asked a few times an attempt.
 */
export function readPs(platform: NodeJS.Platform): ProcessReader {
  const list = (args: readonly string[]): ProcessEntry[] => parsePs(ps(args));
  const showEnvironment = platform === 'darwin' ? '-axwwE' : 'axeww';

  return {
    entry: (pid) => list(['-o', COLUMNS, '-p', String(pid)])[0],
    entries: () => list(['-ax', '-o', COLUMNS]),
    marked(variable) {
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

/** Empty if nothing matches, which `ps` tells by its exit code. */
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
