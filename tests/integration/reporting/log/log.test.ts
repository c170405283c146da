import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Stamped } from '../../../../src/domain/event.ts';
import type { LogLine } from '../../../../src/reporting/log/log-line.ts';
import { createLogReporter, type LogOptions } from '../../../../src/reporting/log/log-reporter.ts';
import { attemptEnd } from '../../../rig/attempt-end.ts';
import { bundle } from '../../../rig/bundle.ts';
import { smallDisk } from '../../../rig/small-disk.ts';

const AT = '2026-11-22T03:00:00.000Z';
const warning = (message: string): Stamped => ({ type: 'warning', message, at: AT });
const progress = (action: string): Stamped => ({
  type: 'attempt-progress',
  attemptId: 7,
  taskId: '3.1',
  progress: { action, tokens: { input: 1, output: 1, cacheRead: 0, cacheWrite: 0 }, costUsd: 0.1 },
  at: AT,
});

let root: string;
let folder: string;
const warnings: string[] = [];

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'log-'));
  folder = join(root, '.taskmaster', 'logs');
  mkdirSync(join(root, '.taskmaster'));
  warnings.length = 0;
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function open(more: Partial<LogOptions> = {}): ReturnType<typeof createLogReporter> {
  return createLogReporter({
    folder,
    level: 'info',
    pid: process.pid,
    now: Date.now,
    warn: (message) => void warnings.push(message),
    ...more,
  });
}

const logFiles = (): string[] => readdirSync(folder).filter((name) => name.endsWith('.log'));
/** An empty line is where one process saw half of what another was just writing, and began a line of its own. */
const rawLines = (name: string): string[] =>
  readFileSync(join(folder, name), 'utf8')
    .split('\n')
    .slice(0, -1)
    .filter((line) => line !== '');
const linesOf = (name = 'run.log'): LogLine[] => rawLines(name).map((line) => JSON.parse(line) as LogLine);
const allLines = (): LogLine[] => logFiles().flatMap((name) => linesOf(name));

describe('the log', () => {
  it('has one object a line, with what each line is about', async () => {
    const log = open();
    log.report({ type: 'run-started', runId: 'r1', workers: 2, tasks: 3, billing: 'API key …abcd', at: AT });
    log.report({
      type: 'attempt-ended',
      attemptId: 7,
      taskId: '3.1',
      end: attemptEnd('verify-failed', { message: 'It failed.\nwith details' }),
      at: AT,
    });
    await log.close();
    expect(linesOf()).toEqual([
      {
        at: AT,
        level: 'info',
        type: 'run-started',
        run: 'r1',
        task: null,
        attempt: null,
        message: 'run started: 3 tasks, 2 workers',
        data: { workers: 2, tasks: 3, billing: 'API key …abcd' },
      },
      {
        at: AT,
        level: 'error',
        type: 'attempt-ended',
        run: 'r1',
        task: '3.1',
        attempt: 7,
        message: 'attempt ended: verify failed (It failed)',
        data: { end: attemptEnd('verify-failed', { message: 'It failed.\nwith details' }) },
      },
    ]);
  });

  it('is for its owner alone, and never for git', async () => {
    const log = open();
    log.report(warning('x'));
    await log.close();
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    expect(statSync(join(folder, 'run.log')).mode & 0o777).toBe(0o600);
    expect(readFileSync(join(folder, '.gitignore'), 'utf8')).toBe('*\n');
  });

  it('writes what comes soon after a line in one go, and all of it when it is closed', async () => {
    const [slow, quick] = [open({ gatherMs: 3_600_000 }), open({ folder: join(root, 'quick') })];
    slow.report(warning('first'));
    await vi.waitFor(() => expect(linesOf()).toHaveLength(1));
    slow.report(warning('second'));
    slow.report(warning('third'));
    // As much work as it would have with the next one.
    quick.report(warning('x'));
    await quick.close();
    expect(linesOf()).toHaveLength(1);
    await slow.close();
    expect(linesOf().map(({ message }) => message)).toEqual([
      'warning: first',
      'warning: second',
      'warning: third',
    ]);
  });

  it('tells what workers do at its most verbose only, each action once', async () => {
    const [brief, verbose] = [open(), open({ folder: join(root, 'verbose'), level: 'debug' })];
    for (const log of [brief, verbose]) {
      for (const action of ['thinking', 'thinking', 'Edit a.ts', '', 'thinking'])
        log.report(progress(action));
      log.report(warning('x'));
      await log.close();
    }
    expect(linesOf().map(({ message }) => message)).toEqual(['warning: x']);
    const lines = readFileSync(join(root, 'verbose', 'run.log'), 'utf8')
      .trim()
      .split('\n');
    expect(lines.map((line) => (JSON.parse(line) as LogLine).message)).toEqual([
      'thinking',
      'Edit a.ts',
      'thinking',
      'warning: x',
    ]);
  });

  it('keeps a line that would be endless short', async () => {
    const log = open();
    log.report(warning('\u{1F600}'.repeat(1_000_000)));
    await log.close();
    expect(statSync(join(folder, 'run.log')).size).toBeLessThan(300_000);
    expect(linesOf()[0]).toMatchObject({ type: 'warning', data: { leftOut: /^\d+ characters$/ } as never });
  });

  it('goes on where an earlier run has stopped, also behind a line that was cut off', async () => {
    mkdirSync(folder);
    writeFileSync(join(folder, 'run.log'), '{"whole":true}\n{"cut o');
    const log = open();
    log.report(warning('next'));
    await log.close();
    const [first, second, third] = rawLines('run.log');
    expect([first, second]).toEqual(['{"whole":true}', '{"cut o']);
    expect(JSON.parse(third ?? '')).toMatchObject({ message: 'warning: next' });
  });

  it('puts full files aside and keeps so many', async () => {
    let now = Date.parse(AT);
    const log = open({ maxBytes: 2000, maxFiles: 3, now: () => now++ });
    for (let index = 0; index < 200; index++) {
      log.report(warning(`line ${index}`));
      // One write after the other, so that each finds the file of the one before it.
      if (index % 5 === 0) await log.close();
    }
    await log.close();
    expect(logFiles()).toHaveLength(3);
    const kept = allLines().map(({ message }) => Number(message.slice('warning: line '.length)));
    expect(kept.sort((a, b) => a - b)).toEqual(
      Array.from({ length: kept.length }, (_, index) => 200 - kept.length + index),
    );
    for (const name of logFiles()) expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600);
  });
});

describe('a log that cannot be written', () => {
  it('costs one warning, and the run nothing', async () => {
    writeFileSync(folder, 'a file in its place');
    const log = open();
    for (let index = 0; index < 10; index++) {
      log.report(warning('x'));
      await log.close();
    }
    expect(warnings).toEqual([expect.stringContaining(join(folder, 'run.log'))]);
  });

  it.skipIf(process.getuid?.() === 0)('costs no more where its folder is read-only', async () => {
    mkdirSync(folder);
    chmodSync(folder, 0o500);
    const log = open();
    log.report(warning('x'));
    await log.close();
    expect(warnings).toEqual([expect.stringContaining('EACCES')]);
    chmodSync(folder, 0o700);
    log.report(warning('y'));
    await log.close();
    expect(linesOf().map(({ message }) => message)).toEqual([
      '1 lines before this one could not be written.',
      'warning: y',
    ]);
  });

  it('survives whoever cannot be warned', async () => {
    writeFileSync(folder, 'a file in its place');
    const log = open({
      warn: () => {
        throw new Error('no disk either');
      },
    });
    log.report(warning('x'));
    await expect(log.close()).resolves.toBeUndefined();
  });

  it('loses lines on a full disk, says how many, and spoils none', async ({ skip }) => {
    const disk = smallDisk(1);
    if (disk === undefined) return skip('no file system can be mounted here');
    try {
      const log = open({ folder: join(disk.directory, 'logs') });
      log.report(warning('before'));
      await log.close();
      disk.fill();
      for (let index = 0; index < 50; index++) {
        log.report(warning(`lost ${index} ${'x'.repeat(1000)}`));
        await log.close();
      }
      expect(warnings).toHaveLength(1);
      disk.free();
      log.report(warning('after'));
      await log.close();
      const text = readFileSync(join(disk.directory, 'logs', 'run.log'), 'utf8');
      const whole = text.split('\n').flatMap((line): LogLine[] => {
        try {
          return [JSON.parse(line) as LogLine];
        } catch {
          return [];
        }
      });
      const count = whole.find(({ type }) => type === 'lines-lost')?.data['count'];
      const kept = whole.filter(({ message }) => message.startsWith('warning: lost')).length;
      expect(count).toBe(50 - kept);
      expect(whole[0]?.message).toBe('warning: before');
      expect(whole.at(-1)?.message).toBe('warning: after');
    } finally {
      disk.remove();
    }
  });
});

describe('processes that log at once', () => {
  let programs: string;
  const program = (): string => join(programs, 'log.mjs');
  beforeAll(() => {
    programs = mkdtempSync(join(tmpdir(), 'log-program-'));
    bundle('tests/rig/log-program.ts', program());
  });
  afterAll(() => rmSync(programs, { recursive: true, force: true }));

  it('lose no line and mix none, while each puts the file aside', async () => {
    const names = ['a', 'b', 'c', 'd'];
    const children = names.map((name) =>
      spawn(process.execPath, [program(), folder, name, '1500', '20000'], {
        stdio: ['ignore', 'ignore', 'inherit'],
      }),
    );
    const codes = await Promise.all(
      children.map(async (child) => ((await once(child, 'exit')) as [number])[0]),
    );
    expect(codes).toEqual([0, 0, 0, 0]);
    expect(logFiles().length).toBeGreaterThan(5);
    const told = allLines().map(({ message }) => message.replace(/ x*$/, ''));
    for (const name of names) {
      const own = told.filter((message) => message.startsWith(`warning: ${name} `));
      expect(new Set(own).size).toBe(1500);
      expect(own).toHaveLength(1500);
    }
  });

  it('spoil nothing for the others when they are killed', async () => {
    for (let round = 0; round < 4; round++) {
      const child = spawn(process.execPath, [program(), folder, `k${round}`, '1000000', '20000'], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      await once(child.stdout, 'data');
      const path = join(folder, 'run.log');
      while (!existsSync(path)) await new Promise((resolve) => setImmediate(resolve));
      child.kill('SIGKILL');
      await once(child, 'exit');
      const log = open({ maxFiles: 1000 });
      log.report(warning(`alive ${round}`));
      await log.close();
    }
    const texts = logFiles().flatMap((name) => rawLines(name));
    const whole = texts.filter((text) => text.endsWith('}}')).map((text) => JSON.parse(text) as LogLine);
    expect(texts.length - whole.length).toBeLessThanOrEqual(4);
    for (let round = 0; round < 4; round++)
      expect(whole.map(({ message }) => message)).toContain(`warning: alive ${round}`);
  });
});
