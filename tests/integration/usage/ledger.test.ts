import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ModelUsage } from '../../../src/domain/attempt.ts';
import { openDriver } from '../../../src/store/driver.ts';
import type { LimitObservation, UsageWindow } from '../../../src/domain/usage-limit.ts';
import type { UsageLedger } from '../../../src/usage/ledger.ts';
import { openUsageLedger } from '../../../src/usage/sqlite-ledger.ts';
import { describeEachDriver } from '../../rig/each-driver.ts';
import { buildStoreProgram, runTogether, startStoreProcess } from '../../rig/store-process.ts';
import { ALL } from '../../rig/effort.ts';

const SUBSCRIPTION = { id: 'login-1', label: 'Claude subscription' };
const KEY = { id: 'key-1', label: 'API key …abcd' };
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const START = Date.parse('2026-11-22T02:00:00Z');
const PROCESSES = ALL ? 20 : 5;

const costing = (model: string, costUsd: number): ModelUsage => ({
  model,
  input: 1,
  output: 2,
  cacheRead: 3,
  cacheWrite: 4,
  costUsd,
});
const spent = (costUsd: number) => ({ runId: 'r', taskId: '1', usage: [costing('sonnet', costUsd)] });
const seen = (...windows: Partial<UsageWindow>[]): LimitObservation => ({
  windows: windows.map((window) => ({
    name: 'five_hour',
    utilization: null,
    status: 'allowed',
    resetsAt: START + 5 * HOUR,
    ...window,
  })),
  overageInUse: false,
  refused: false,
});
const refused = (...windows: Partial<UsageWindow>[]): LimitObservation => ({
  ...seen(...windows.map((window) => ({ status: 'rejected' as const, utilization: 1, ...window }))),
  refused: true,
});

let built: { folder: string; program: string };
beforeAll(() => {
  built = buildStoreProgram('tests/rig/ledger-program.ts');
});
afterAll(() => {
  rmSync(built.folder, { recursive: true, force: true });
});

describeEachDriver('a usage ledger', ({ driver, file }) => {
  let now = START;
  const open = (accounts = { worker: SUBSCRIPTION, manager: KEY }, path = file()): UsageLedger => {
    now = START;
    return openUsageLedger({ file: path, accounts, project: '/project', now: () => now, driver });
  };

  it('is made with its directory, for this user alone', () => {
    const path = join(dirname(file()), 'state', 'claude-orchestrator', 'usage.db');
    const ledger = open(undefined, path);
    expect([ledger.problem, ledger.windows(), ledger.pause(), ledger.usedSince(0)]).toEqual([
      null,
      [],
      undefined,
      [],
    ]);
    ledger.close();
    expect(statSync(dirname(path)).mode & 0o777).toBe(0o700);
  });

  it('tells at once what another has seen, of the accounts that are in use and of no other', () => {
    const [one, other] = [open(), open()];
    const stranger = open({ worker: KEY, manager: KEY });
    expect(other.pause()).toBeUndefined();
    one.observe('worker', refused({ resetsAt: START + 2 * HOUR }));
    const pause = { since: START, until: START + 2 * HOUR, window: 'five_hour' };
    expect([one.pause(), other.pause(), stranger.pause()]).toEqual([pause, pause, undefined]);
    expect(other.windows()).toMatchObject([
      { account: 'Claude subscription', utilization: 1, seenAt: START },
    ]);
    expect(stranger.windows()).toEqual([]);

    other.observe('worker', refused({ resetsAt: START + HOUR }));
    expect(one.pause()).toEqual(pause);
    other.observe('worker', refused({ name: 'seven_day', resetsAt: START + DAY }));
    expect(one.pause()).toEqual({ since: START, until: START + DAY, window: 'seven_day' });
    other.observe('manager', refused({ resetsAt: START + 2 * DAY }));
    expect([one.pause()?.until, stranger.pause()?.until]).toEqual([START + 2 * DAY, START + 2 * DAY]);

    now = START + 2 * DAY;
    expect([one.pause(), other.pause(), one.windows()]).toEqual([undefined, undefined, []]);
    for (const ledger of [one, other, stranger]) ledger.close();
  });

  it('keeps a pause over its own end', () => {
    const ledger = open();
    ledger.observe('worker', refused({}));
    ledger.close();
    expect(open().pause()).toEqual({ since: START, until: START + 5 * HOUR, window: 'five_hour' });
  });

  it("tells windows until they are reset, plans' first, and what is left unsaid as it was before", () => {
    const ledger = open();
    ledger.observe('manager', seen({ name: 'api_tokens', utilization: 0.5, resetsAt: START + 30_000 }));
    ledger.observe(
      'worker',
      seen({ name: 'seven_day', utilization: 0.65, resetsAt: START + DAY }, { utilization: 0.2 }),
    );
    ledger.observe('worker', seen({ resetsAt: null }, { name: 'seven_day_opus', resetsAt: null }));
    const named = (): string[] => ledger.windows().map(({ name }) => name);
    expect(named()).toEqual(['five_hour', 'seven_day', 'seven_day_opus', 'api_tokens']);
    expect(ledger.windows()[0]).toMatchObject({ utilization: 0.2, resetsAt: START + 5 * HOUR });
    now = START + 30_000;
    expect(named()).toEqual(['five_hour', 'seven_day', 'seven_day_opus']);
    now = START + 5 * HOUR;
    expect(named()).toEqual(['seven_day', 'seven_day_opus']);
    now = START + 8 * DAY;
    expect(named()).toEqual([]);
    ledger.close();
  });

  it('takes no value that makes no sense', () => {
    const ledger = open();
    for (const odd of [NaN, Infinity, -1, 1e300])
      ledger.observe('worker', refused({ utilization: odd, resetsAt: odd }));
    expect(ledger.problem).toBeNull();
    expect(ledger.pause()).toMatchObject({ until: START + HOUR });
    ledger.close();
  });

  it('measures what a dollar takes of a window, once there is enough to tell', () => {
    const ledger = open();
    const share = (): number | null | undefined => ledger.windows()[0]?.sharePerUsd;
    ledger.book({ role: 'worker', ...spent(100) });
    ledger.observe('worker', seen({ utilization: 0.3 }));
    expect(share()).toBeNull();
    ledger.book({ role: 'worker', ...spent(0.04) });
    ledger.observe('worker', seen({ utilization: 0.32 }));
    ledger.book({ role: 'manager', ...spent(100) });
    expect(share()).toBeNull();
    ledger.book({ role: 'worker', ...spent(0.36) });
    expect(share()).toBeCloseTo(0.02 / 0.4);
    // What was used since the last booking has not been paid for yet.
    ledger.observe('worker', seen({ utilization: 0.9 }));
    expect(share()).toBeCloseTo(0.02 / 0.4);

    now = START + 5 * HOUR;
    ledger.observe('worker', seen({ utilization: 0.01, resetsAt: now + 5 * HOUR }));
    expect(share()).toBeNull();
    ledger.book({ role: 'worker', ...spent(1) });
    ledger.observe('worker', seen({ utilization: 0.11, resetsAt: now + 5 * HOUR }));
    ledger.book({ role: 'worker', ...spent(1) });
    expect(share()).toBeCloseTo(0.1 / 2);
    ledger.close();
  });

  it('sums what the accounts in use have used, by model', () => {
    const ledger = open();
    ledger.book({
      role: 'worker',
      runId: 'r',
      taskId: '1',
      usage: [costing('sonnet', 1), costing('haiku', 2)],
    });
    now += HOUR;
    ledger.book({ role: 'manager', runId: null, taskId: null, usage: [costing('opus', 4)] });
    ledger.book({ role: 'worker', ...spent(8) });
    ledger.book({ role: 'worker', runId: null, taskId: null, usage: [] });
    const sonnet = { model: 'sonnet', input: 2, output: 4, cacheRead: 6, cacheWrite: 8, costUsd: 9 };
    expect(ledger.usedSince(START)).toEqual([costing('haiku', 2), costing('opus', 4), sonnet]);
    expect(ledger.usedSince(now)).toEqual([costing('opus', 4), costing('sonnet', 8)]);
    const byKey = open({ worker: KEY, manager: KEY });
    expect(byKey.usedSince(0)).toEqual([costing('opus', 4)]);
    ledger.close();
    byKey.close();
  });

  it('forgets usage after sixty days', () => {
    const ledger = open();
    ledger.book({ role: 'worker', ...spent(1) });
    now += 50 * DAY;
    ledger.book({ role: 'worker', ...spent(2) });
    ledger.close();
    const later = openUsageLedger({
      file: file(),
      accounts: { worker: SUBSCRIPTION, manager: SUBSCRIPTION },
      project: '/project',
      now: () => START + 61 * DAY,
      driver,
    });
    expect(later.usedSince(0)).toEqual([costing('sonnet', 2)]);
    later.close();
  });

  it('loses nothing when many processes book and observe at the same moment', async () => {
    const all = Array.from({ length: PROCESSES }, () => [file(), driver, 'book', '10']);
    const processes = await runTogether(built.program, all);
    expect(processes.flatMap(({ lines }) => lines)).toEqual(Array.from({ length: PROCESSES }, () => null));
    const ledger = open({ worker: KEY, manager: KEY });
    expect(ledger.usedSince(0)).toEqual([
      {
        model: 'sonnet',
        input: 10 * PROCESSES,
        output: 20 * PROCESSES,
        cacheRead: 30 * PROCESSES,
        cacheWrite: 40 * PROCESSES,
        costUsd: 10 * PROCESSES,
      },
    ]);
    ledger.close();
  }, 600_000);

  it('keeps the longest pause of those that many processes meet at the same moment', async () => {
    const until = Date.now() + DAY;
    await runTogether(
      built.program,
      Array.from({ length: PROCESSES }, (_, n) => [file(), driver, 'refused', String(until + n * 1000)]),
    );
    now = Date.now();
    const ledger = openUsageLedger({
      file: file(),
      accounts: { worker: KEY, manager: KEY },
      project: '/project',
      now: Date.now,
      driver,
    });
    expect(ledger.pause()?.until).toBe(until + (PROCESSES - 1) * 1000);
    ledger.close();
  }, 600_000);

  it.each<[string, RegExp, (path: string) => void]>([
    [
      'is no database',
      /not a SQLite database/,
      (path) => writeFileSync(path, 'once upon a time '.repeat(1000)),
    ],
    ['is a directory', /cannot be opened/, (path) => mkdirSync(path)],
    [
      'was written by a newer version',
      /newer claude-orchestrator/,
      (path) => {
        open().close();
        const raw = openDriver(path, { driver });
        raw.exec('PRAGMA user_version = 99');
        raw.close();
      },
    ],
    [
      'is of another program',
      /another program/,
      (path) => {
        const raw = openDriver(path, { driver });
        raw.exec('CREATE TABLE windows (a)');
        raw.close();
      },
    ],
  ])('goes on by itself where its file %s, says so, and leaves it alone', (_, says, spoil) => {
    spoil(file());
    const before = contents(dirname(file()));
    const ledger = open();
    expect(ledger.problem).toMatch(says);
    expect(ledger.problem).toContain(file());
    expectToWork(ledger);
    ledger.close();
    expect(contents(dirname(file()))).toEqual(before);
  });

  it('goes on by itself where its directory cannot be made', () => {
    writeFileSync(join(dirname(file()), 'state'), 'a file');
    const ledger = open(undefined, join(dirname(file()), 'state', 'usage.db'));
    expect(ledger.problem).toMatch(/state/);
    expectToWork(ledger);
    ledger.close();
  });

  it('goes on with what it knows where its file becomes unusable under it', () => {
    const ledger = open();
    ledger.observe('worker', refused({ resetsAt: START + 2 * HOUR }));
    expect(ledger.pause()?.until).toBe(START + 2 * HOUR);
    const raw = openDriver(file(), { driver });
    raw.exec('DROP TABLE usage');
    raw.close();
    ledger.book({ role: 'worker', ...spent(1) });
    expect(ledger.problem).toMatch(/usage/);
    expect(ledger.pause()?.until).toBe(START + 2 * HOUR);
    expect(ledger.windows()).toMatchObject([{ name: 'five_hour', status: 'rejected' }]);
    expectToWork(ledger);
    ledger.close();
    ledger.close();
    expect(() => ledger.observe('worker', refused({}))).not.toThrow();
  });

  it('goes on by itself where the disk is full', async () => {
    const filler = startStoreProcess(built.program, [file(), driver, 'fill'], 'ulimit -f 400; trap "" XFSZ');
    await filler.ready;
    filler.go();
    const { code, stderr } = await filler.ended;
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(filler.lines).toMatchObject([
      { problem: expect.stringContaining(file()) as string, isPaused: false },
    ]);
    expect((filler.lines[0] as { after: number }).after).toBeGreaterThanOrEqual(10);
  });

  function expectToWork(ledger: UsageLedger): void {
    const before = ledger.usedSince(0).reduce((sum, { costUsd }) => sum + costUsd, 0);
    ledger.book({ role: 'worker', ...spent(3) });
    expect(ledger.usedSince(0).reduce((sum, { costUsd }) => sum + costUsd, 0)).toBe(before + 3);
    ledger.observe('worker', refused({ resetsAt: START + 3 * HOUR }));
    expect(ledger.pause()?.until).toBe(START + 3 * HOUR);
    expect(ledger.windows()).toHaveLength(1);
  }
});

function contents(folder: string): Record<string, string> {
  const files = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isFile());
  return Object.fromEntries(files.map(({ name }) => [name, readFileSync(join(folder, name), 'base64')]));
}
