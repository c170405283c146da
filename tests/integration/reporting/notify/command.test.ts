import { randomUUID } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Stamped } from '../../../../src/domain/event.ts';
import { commandReporter, type CommandOptions } from '../../../../src/reporting/notify/command.ts';
import type { Reporter } from '../../../../src/reporting/reporter.ts';
import { createProcessTable } from '../../../../src/worker/process/process-table.ts';

const processes = createProcessTable({
  platform: process.platform,
  pid: process.pid,
  kill: (pid, signal) => process.kill(pid, signal),
});

let directory: string;
let marker: CommandOptions['marker'];
let warnings: string[];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'hook-'));
  marker = { variable: 'CLAUDE_ORCHESTRATOR_MANAGER', value: `test/${randomUUID()}/hook` };
  warnings = [];
});
afterEach(async () => {
  await processes.endMarked(marker, { graceMs: 0 });
  rmSync(directory, { recursive: true, force: true });
});

const at = (name: string): string => join(directory, name);

/** A program that is given events; `script` is what it does, in the project's directory. */
function hook(script: string, limits: CommandOptions['limits'] = {}): Reporter {
  writeFileSync(at('hook.sh'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return reporter(['./hook.sh', 'with $HOME; spaces', '*'], limits);
}

function reporter(argv: CommandOptions['argv'], limits: CommandOptions['limits'] = {}): Reporter {
  return commandReporter({
    argv,
    directory,
    environment: { PATH: process.env['PATH'], GIVEN: 'yes' },
    processes,
    marker,
    redact: (text) => text.replaceAll('hunter2', '…'),
    warn: (message) => warnings.push(message),
    limits: { closeMs: 90_000, ...limits },
  });
}

const event = (message: string): Stamped => ({ type: 'warning', message, at: '2026-11-22T18:00:00.000Z' });

function lines(name: string): string[] {
  return existsSync(at(name)) ? readFileSync(at(name), 'utf8').split('\n').slice(0, -1) : [];
}

test('each event arrives as one line of JSON, in order, one program at a time', async () => {
  const told = hook('[ ! -e busy ] || echo >>together; : >busy; cat >>events; rm busy');
  const events = Array.from({ length: 20 }, (_, index) => event(`number ${index}\nwith "two" lines`));
  for (const each of events) told.report(each);
  await told.close();
  expect(lines('events').map((line) => JSON.parse(line) as unknown)).toEqual(events);
  expect(lines('together')).toEqual([]);
  expect(warnings).toEqual([]);
});

test('arguments are no shell text, and the environment is the one that was given', async () => {
  const told = hook('cat >/dev/null; printf "%s\\n" "$@" "$GIVEN" "$PWD" >seen');
  told.report(event('x'));
  await told.close();
  expect(lines('seen').slice(0, 3)).toEqual(['with $HOME; spaces', '*', 'yes']);
});

test('live progress is no event', async () => {
  const told = hook('cat >>events');
  told.report({
    type: 'attempt-progress',
    attemptId: 1,
    taskId: '1',
    progress: { action: 'x', tokens: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 }, costUsd: 0 },
    at: '2026-11-22T18:00:00.000Z',
  });
  await told.close();
  expect(lines('events')).toEqual([]);
});

test('one that fails is told of once, without its secrets, and gets the next event all the same', async () => {
  const told = hook('cat >>events; echo first >&2; echo "bad token hunter2" >&2; exit 3');
  for (let count = 0; count < 3; count++) told.report(event('x'));
  await told.close();
  expect(lines('events')).toHaveLength(3);
  expect(warnings).toEqual([
    'The program in hooks.on_event (./hook.sh) failed with exit code 3: bad token ….',
  ]);
});

test('one that reads nothing is no failure, however long the event', async () => {
  const told = hook('exit 0');
  told.report(event('x'.repeat(3_000_000)));
  told.report(event('x'));
  await told.close();
  expect(warnings).toEqual([]);
});

test.each([['./nothing'], ['no-such-program-anywhere'], ['./README']])(
  '%s cannot be started, which is told once',
  async (program) => {
    writeFileSync(at('README'), 'text');
    const told = reporter([program]);
    told.report(event('x'));
    told.report(event('y'));
    await told.close();
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatch(new RegExp(`\\(${program}\\) cannot be started`));
  },
);

test('one that hangs is ended with all it started, and the next event comes', async () => {
  const told = hook(
    'cat >>events; [ -e hung ] && exit 0; : >hung; sleep 600 & trap "" TERM; while :; do sleep 600; done',
    { eventMs: 4000, graceMs: 100 },
  );
  told.report(event('x'));
  told.report(event('y'));
  await told.close();
  expect(lines('events')).toHaveLength(2);
  expect(warnings).toEqual([expect.stringContaining('did not end within 4 s, and was ended')]);
  expect(processes.findMarked(marker)).toEqual([]);
});

test('what it leaves behind lives on until the run is over, not longer', async () => {
  const told = hook('cat >>events; sleep 600 & echo $! >left', { graceMs: 100 });
  told.report(event('x'));
  told.report(event('y'));
  await told.close();
  expect(lines('events')).toHaveLength(2);
  expect(warnings).toEqual([]);
  expect(processes.findMarked(marker)).toEqual([]);
});

test('at the end it is not waited for forever, and what it never got is counted', async () => {
  const told = hook('cat >>events; exec sleep 600', { closeMs: 1500, graceMs: 100 });
  for (let count = 0; count < 5; count++) told.report(event('x'));
  await told.close();
  expect(warnings.at(-1)).toMatch(/did not get [45] of the events/);
  expect(processes.findMarked(marker)).toEqual([]);
});

test('of too many events the oldest are given up', async () => {
  const told = hook('cat >>events', { waiting: 10 });
  for (let count = 0; count < 100_000; count++) told.report(event(`${count}`));
  await told.close();
  const numbers = lines('events').map((line) => (JSON.parse(line) as { message: string }).message);
  expect(numbers).toEqual(Array.from({ length: 10 }, (_, index) => `${99_990 + index}`));
  expect(warnings.at(-1)).toContain('did not get 99990 of the events');
});
