import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Attempt, AttemptEnd, ProcessIdentity } from '../../../src/domain/attempt.ts';
import { locateAttemptFiles } from '../../../src/worker/claude/attempt-files.ts';
import { bundle } from '../../rig/bundle.ts';
import {
  lines,
  recordHooks,
  processes,
  until,
  workerRig,
  type Step,
  type WorkerRig,
} from '../../rig/worker-rig.ts';

let programs: string;
let rig: WorkerRig;
beforeAll(() => {
  programs = mkdtempSync(join(tmpdir(), 'doomed-'));
  bundle('tests/rig/doomed-orchestrator.ts', join(programs, 'doomed.js'));
});
afterAll(() => rmSync(programs, { recursive: true }));
beforeEach(async () => {
  rig = await workerRig();
});
afterEach(async () => {
  const leftovers = rig.leftovers();
  await rig.close();
  expect(leftovers).toEqual([]);
});

interface Report {
  readonly identity?: ProcessIdentity;
  readonly action?: string;
  readonly phase?: string;
}

/** Starts an attempt in a separate orchestrator, and kills that with SIGKILL as soon as `when` holds. */
async function killedOrchestrator(
  steps: readonly Step[],
  when: (report: Report) => boolean,
  verifyCommands: string[] = [],
): Promise<Attempt> {
  rig.script(steps);
  const settings = {
    claude: rig.claude,
    assignment: rig.assignment(),
    project: rig.root,
    verifyCommands,
  };
  const child = spawn(process.execPath, [join(programs, 'doomed.js'), JSON.stringify(settings)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const gone = exit(child);
  let identity: ProcessIdentity | null = null;
  for await (const line of createInterface({ input: child.stdout })) {
    const report = JSON.parse(line) as Report;
    identity = report.identity ?? identity;
    if (when(report)) break;
  }
  child.kill('SIGKILL');
  expect(await gone).toBe('SIGKILL');
  return rig.attempt({ process: identity, phase: 'working' });
}

async function recover(
  attempt: Attempt,
  verifyCommands: string[] = [],
  signal = new AbortController().signal,
): Promise<{ end: AttemptEnd | undefined; phases: readonly string[] }> {
  const recorded = recordHooks();
  const timeouts = { totalMs: 90_000, stallMs: 60_000, graceMs: 300, afterResultMs: 60_000 };
  const end = await rig.worker({ verifyCommands, timeouts }).recover(attempt, recorded.hooks, signal);
  return { end, phases: recorded.phases };
}

const go = (): void => writeFileSync(join(rig.project, 'go'), '');
const working = (report: Report): boolean => report.action === 'Bash make';
const begun = [{ print: lines.init }, { print: lines.tool('Bash', { command: 'make' }) }];

describe('after a SIGKILL of the orchestrator', () => {
  test('a worker that still works is followed to its end, verified and landed', async () => {
    const attempt = await killedOrchestrator(
      [...begun, { waitFor: 'go' }, { write: { path: 'made', text: '' } }, { print: lines.result() }],
      working,
    );
    const identity = attempt.process;
    expect(identity !== null && processes.isAlive(identity)).toBe(true);
    const recovering = recover(attempt, ['test -f made']);
    go();
    const { end, phases } = await recovering;
    expect(end).toMatchObject({ outcome: 'landed', exitCode: null, usage: [{ input: 1000 }] });
    expect(phases).toEqual(['verifying', 'landing']);
    expect(rig.calls()).toHaveLength(1);
  });

  test('the end that a worker came to meanwhile is read', async () => {
    const attempt = await killedOrchestrator(
      [...begun, { waitFor: 'go' }, { print: lines.result() }],
      working,
    );
    go();
    await until(() => attempt.process !== null && !processes.isAlive(attempt.process));
    expect((await recover(attempt)).end).toMatchObject({ outcome: 'landed', turns: 2 });
  });

  test('a report that nobody knows the task of is neither verified nor taken for a landed change', async () => {
    const attempt = await killedOrchestrator(
      [...begun, { waitFor: 'go' }, { print: lines.result() }],
      working,
    );
    writeFileSync(locateAttemptFiles(attempt.files).assignment, '{"task":');
    go();
    const { end, phases } = await recover(attempt, ['false']);
    expect(end).toMatchObject({ outcome: 'infrastructure', usage: [{ input: 1000 }] });
    expect(phases).toEqual([]);
  });

  test('a change whose verification was cut short is verified again', async () => {
    const hang = 'test -f go || { touch verifying; sleep 1000 & sleep 1000; }';
    const attempt = await killedOrchestrator(
      [...begun, { print: lines.result() }],
      ({ phase }) => phase === 'verifying',
      [hang],
    );
    go();
    const { end, phases } = await recover(attempt, [hang]);
    expect(end?.outcome).toBe('landed');
    expect(phases).toEqual(['verifying', 'landing']);
  });

  test('what a worker that was killed as well had started is ended, and its spending is counted', async () => {
    const tool = { tool: 'setsid nohup sleep 1000 & trap "" TERM; sleep 1000' };
    const attempt = await killedOrchestrator([tool, ...begun, { hang: 1 }], working);
    await until(() => rig.leftovers().length >= 3);
    if (attempt.process !== null) process.kill(attempt.process.pid, 'SIGKILL');
    await until(() => attempt.process !== null && !processes.isAlive(attempt.process));
    const { end } = await recover(attempt);
    expect(end).toMatchObject({
      outcome: 'cancelled',
      usage: [{ input: 100, output: 1 }],
      report: null,
    });
    expect(end?.message).toContain('together with the orchestrator');
  });

  test('a worker that was killed as well did not take too long, however late it is found', async () => {
    const attempt = await killedOrchestrator([...begun, { hang: 1 }], working);
    if (attempt.process !== null) process.kill(attempt.process.pid, 'SIGKILL');
    await until(() => attempt.process !== null && !processes.isAlive(attempt.process));
    const startedAt = new Date(Date.now() - 86_400_000).toISOString();
    expect((await recover({ ...attempt, startedAt })).end?.message).toContain(
      'together with the orchestrator',
    );
  });

  test('nothing is made of an attempt that left nothing', async () => {
    const attempt = await killedOrchestrator([{ hang: 1 }], ({ identity }) => identity !== undefined);
    if (attempt.process !== null) process.kill(attempt.process.pid, 'SIGKILL');
    // A dying process loses its environment before it is gone.
    await until(() => attempt.process !== null && !processes.isAlive(attempt.process));
    await until(() => rig.leftovers().length === 0);
    expect((await recover(attempt)).end).toBeUndefined();
  });

  test('an attempt that never started is none', async () => {
    expect((await recover(rig.attempt())).end).toBeUndefined();
  });

  test('a process that was spawned and never written down is ended', async () => {
    const attempt = await killedOrchestrator([...begun, { hang: 1 }], working);
    expect(rig.leftovers()).not.toEqual([]);
    const { end } = await recover({ ...attempt, process: null });
    expect(end).toMatchObject({ outcome: 'cancelled', usage: [{ input: 100 }] });
  });

  test('a process that only has the same id is not touched', async () => {
    const attempt = rig.attempt({ process: { pid: process.pid, startTime: 'another' } });
    expect((await recover(attempt)).end).toBeUndefined();
  });

  test('an adopted worker is ended when the new orchestrator is interrupted', async () => {
    const attempt = await killedOrchestrator([...begun, { hang: 1 }], working);
    const abort = new AbortController();
    const recovering = recover(attempt, [], abort.signal);
    abort.abort();
    expect((await recovering).end?.outcome).toBe('cancelled');
  });

  test('an adopted worker has no more time than any other', async () => {
    const attempt = await killedOrchestrator([...begun, { hang: 1 }], working);
    const startedAt = new Date(Date.now() - 3_600_000).toISOString();
    expect((await recover({ ...attempt, startedAt })).end?.outcome).toBe('timed-out');
  });
});

async function exit(child: ChildProcess): Promise<string | null> {
  return await new Promise((resolve) => child.once('exit', (_, signal) => resolve(signal)));
}
