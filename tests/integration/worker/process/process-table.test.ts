import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { afterEach, describe, expect, test } from 'vitest';
import type { ProcessIdentity } from '../../../../src/domain/attempt.ts';
import { createProcessTable, type ProcessTable } from '../../../../src/worker/process/process-table.ts';
import { until } from '../../../rig/worker-rig.ts';

const started: ChildProcess[] = [];
let marks = 0;
const signals: [number, string][] = [];

function table(platform: NodeJS.Platform, pid = process.pid): ProcessTable {
  return createProcessTable({
    platform,
    pid,
    kill: (target, signal) => {
      signals.push([target, signal]);
      process.kill(target, signal);
    },
  });
}

/** A shell command with a process group and a marker of its own. */
function start(command: string): {
  child: ChildProcess;
  pid: number;
  marker: { variable: string; value: string };
} {
  const marker = { variable: 'PROCESS_TABLE_TEST', value: `${process.pid}/${++marks}` };
  const env = { PATH: process.env['PATH'], [marker.variable]: marker.value };
  const child = spawn('bash', ['-c', command], { detached: true, stdio: 'ignore', env });
  started.push(child);
  if (child.pid === undefined) throw new Error('bash was not started');
  return { child, pid: child.pid, marker };
}

function identified(processes: ProcessTable, pid: number): ProcessIdentity {
  const identity = processes.identify(pid);
  if (identity === undefined) throw new Error(`process ${pid} was not found`);
  return identity;
}

afterEach(async () => {
  for (let mark = marks; mark > 0; mark--) {
    const marker = { variable: 'PROCESS_TABLE_TEST', value: `${process.pid}/${mark}` };
    await table(process.platform).endMarked(marker, { graceMs: 0 });
  }
  signals.length = 0;
});

// Linux has both `/proc` and the `ps` of systems without it, so both are tested there.
describe.each(process.platform === 'linux' ? (['linux', 'freebsd'] as const) : [process.platform])(
  'the process table of %s',
  (platform) => {
    const processes = table(platform);
    const options = { graceMs: 10_000 };

    test('tells a process from a later one with the same id', async () => {
      const { child, pid } = start('sleep 1000');
      const identity = identified(processes, pid);
      expect(processes.isAlive(identity)).toBe(true);
      expect(processes.isAlive({ ...identity, startTime: 'another' })).toBe(false);
      child.kill('SIGKILL');
      await until(() => !processes.isAlive(identity));
      expect(processes.identify(pid)).toBeUndefined();
      expect(processes.identify(2 ** 30)).toBeUndefined();
    });

    test('counts a zombie as gone', async () => {
      // The child of a shell that has become a sleep: nobody reads its exit.
      const { pid, marker } = start('sleep 1000 & exec sleep 1001');
      await until(() => /sleep 1001/.test(psOf(pid)?.command ?? '') && childrenOf(pid).length === 1);
      const [child = 0] = childrenOf(pid);
      process.kill(child, 'SIGKILL');
      await until(() => psOf(child)?.state.startsWith('Z') === true);
      expect(processes.identify(child)).toBeUndefined();
      expect(processes.findMarked(marker)).toHaveLength(1);
    });

    test('finds what carries a marker, and nothing that only begins alike', async () => {
      const one = start('sleep 1000');
      const marker = { ...one.marker, value: one.marker.value };
      await until(() => processes.findMarked(marker).length >= 1);
      expect(processes.findMarked({ ...marker, value: marker.value.slice(0, -1) })).toEqual([]);
      expect(processes.findMarked({ ...marker, value: `${marker.value}1` })).toEqual([]);
    });

    test('ends a process and its tree, also what has a session of its own and drops its environment', async () => {
      const { pid, marker } = start('trap "" TERM; setsid sleep 1001 & env -i sleep 1002 & sleep 1003');
      const areAllThere = (): boolean => {
        const commands = childrenOf(pid).map((child) => psOf(child)?.command ?? '');
        return ['1001', '1002', '1003'].every((time) =>
          commands.some((command) => command === `sleep ${time}`),
        );
      };
      await until(areAllThere);
      expect(processes.findMarked(marker)).toHaveLength(3);
      const identity = identified(processes, pid);
      const unmarked = childrenOf(pid).map((child) => identified(processes, child));
      await processes.endTree(identity, { graceMs: 200 });
      for (const child of [identity, ...unmarked]) expect(processes.isAlive(child)).toBe(false);
    });

    test('asks the process itself first, and only it', async () => {
      const { pid, marker } = start('sleep 1000 & wait');
      await until(() => processes.findMarked(marker).length >= 2);
      await processes.endTree(identified(processes, pid), options);
      expect(signals[0]).toEqual([pid, 'SIGTERM']);
      expect(processes.findMarked(marker)).toEqual([]);
    });

    test('signals nothing that is not the process it was told of', async () => {
      const { pid } = start('sleep 1000');
      await processes.endTree({ pid, startTime: 'another' }, options);
      expect(signals).toEqual([]);
      expect(processes.identify(pid)).toBeDefined();
    });

    test('never signals the orchestrator itself', async () => {
      const { pid, marker } = start('sleep 1000');
      await until(() => processes.identify(pid) !== undefined);
      const own = table(platform, pid);
      expect(own.findMarked(marker).some((found) => found.pid === pid)).toBe(false);
      await own.endTree(identified(own, pid), { graceMs: 0 });
      expect(signals.filter(([target]) => Math.abs(target) === pid)).toEqual([]);
    });

    test('ends what goes on starting others', async () => {
      const { marker } = start(
        'trap "" TERM; f() { setsid bash -c "trap \\"\\" TERM; sleep 1000" & }; while :; do f; sleep 0.05; done',
      );
      await until(() => processes.findMarked(marker).length >= 8);
      expect(await processes.endMarked(marker, { graceMs: 100 })).toBe(true);
      expect(processes.findMarked(marker)).toEqual([]);
    });
  },
);

interface PsLine {
  readonly pid: number;
  readonly parent: number;
  readonly state: string;
  readonly command: string;
}

/** What `ps` itself lists, zombies included. */
function ps(): PsLine[] {
  const output = execFileSync('ps', ['-ax', '-o', 'pid=,ppid=,stat=,command='], { encoding: 'utf8' });
  return output.split('\n').map((line) => {
    const [pid, parent, state = '', ...command] = line.trim().split(/\s+/);
    return { pid: Number(pid), parent: Number(parent), state, command: command.join(' ') };
  });
}

function psOf(pid: number): PsLine | undefined {
  return ps().find((line) => line.pid === pid);
}

function childrenOf(pid: number): number[] {
  return ps()
    .filter((line) => line.parent === pid)
    .map((line) => line.pid);
}
