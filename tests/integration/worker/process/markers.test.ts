import { spawn } from 'node:child_process';
import { afterEach, describe, expect, it } from 'vitest';
import type { ProcessIdentity } from '../../../../src/domain/attempt.ts';
import {
  createAttemptMarker,
  endOrphans,
  createManagerMarker,
} from '../../../../src/worker/process/markers.ts';
import type { Marker } from '../../../../src/worker/process/process-table.ts';
import { processes } from '../../../rig/worker-rig.ts';

const PROJECT = `marks-test-${process.pid}`;
const started: ProcessIdentity[] = [];

/** A process that keeps running, in a session of its own. */
function startMarked(...markers: Marker[]): ProcessIdentity {
  const env = Object.fromEntries(markers.map(({ variable, value }) => [variable, value]));
  const child = spawn('/bin/sleep', ['600'], { detached: true, stdio: 'ignore', env });
  const identity = processes.identify(child.pid ?? 0);
  if (identity === undefined) throw new Error('The process did not start.');
  started.push(identity);
  return identity;
}

afterEach(async () => {
  await Promise.all(started.splice(0).map((identity) => processes.endTree(identity, { graceMs: 0 })));
});

describe('endOrphans', () => {
  it('ends what dead commands and settled attempts left, and nothing else', async () => {
    const self = processes.identify(process.pid) ?? { pid: process.pid, startTime: '' };
    const mine = {
      settled: startMarked(createAttemptMarker(PROJECT, 1)),
      ofDead: startMarked(
        createManagerMarker(PROJECT, { pid: process.pid, startTime: 'of an earlier process with this id' }),
      ),
    };
    const others = [
      startMarked(createAttemptMarker(PROJECT, 2)),
      startMarked(createManagerMarker(PROJECT, self)),
      startMarked(createAttemptMarker(`${PROJECT}-other`, 1)),
      startMarked(),
    ];
    await endOrphans(processes, PROJECT, new Set([2]));
    expect(Object.values(mine).map((identity) => processes.isAlive(identity))).toEqual([false, false]);
    expect(others.map((identity) => processes.isAlive(identity))).toEqual([true, true, true, true]);
  });
});
