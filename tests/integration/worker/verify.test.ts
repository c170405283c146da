import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { verify, type VerifyOptions, type VerifyResult } from '../../../src/worker/verify.ts';
import { processes, until, workerRig, type WorkerRig } from '../../rig/worker-rig.ts';

let rig: WorkerRig;
beforeEach(async () => {
  rig = await workerRig();
});
afterEach(async () => {
  const leftovers = rig.leftovers();
  await rig.close();
  expect(leftovers).toEqual([]);
});

function run(
  commands: string[],
  overrides: Partial<VerifyOptions> = {},
  signal = new AbortController().signal,
): Promise<VerifyResult> {
  const { variable, value } = rig.marker;
  const environment = { PATH: process.env['PATH'] ?? '', [variable]: value };
  const { project: directory, marker } = rig;
  const rest = { table: processes, marker, timeoutMs: 60_000, graceMs: 300 };
  return verify({ commands, directory, environment, ...rest, ...overrides }, signal);
}

test('every command must pass, in order, in the directory and its environment', async () => {
  expect(await run([])).toEqual({ kind: 'passed' });
  expect(await run(['touch a', 'test -f a && test -n "$CLAUDE_ORCHESTRATOR_ATTEMPT"'])).toEqual({
    kind: 'passed',
  });
  const failed = await run(['echo out; echo err >&2; exit 3', 'touch b']);
  expect(failed).toMatchObject({
    kind: 'failed',
    command: 'echo out; echo err >&2; exit 3',
    how: 'exit code 3',
  });
  expect(failed).toMatchObject({ output: expect.stringMatching(/out\nerr|err\nout/) as string });
  expect(existsSync(join(rig.project, 'b'))).toBe(false);
});

test.each([
  ['a command that is not there', 'no-such-command', 'exit code 127'],
  ['one that kills itself', 'kill -9 $$', 'SIGKILL'],
])('%s fails', async (_, command, how) => {
  expect(await run([command])).toMatchObject({ kind: 'failed', how });
});

test('a directory that is gone fails', async () => {
  expect(await run(['true'], { directory: join(rig.root, 'gone') })).toMatchObject({ kind: 'failed' });
});

test('of an endless output, beginning and end are kept', async () => {
  const result = await run(['echo FIRST; seq 1 2000000; echo LAST; false']);
  if (result.kind !== 'failed') throw new Error('it passed');
  expect(result.output).toMatch(/^FIRST[^]*bytes left out[^]*LAST$/);
  expect(result.output.length).toBeLessThan(25_000);
});

test('what a command leaves behind neither delays it nor stays', async () => {
  // Both hold the output open, the second in a session of its own.
  expect(await run(['sleep 1000 & setsid nohup sleep 1000 & true'])).toEqual({ kind: 'passed' });
});

test('a command that takes too long is ended with all it started', async () => {
  const result = await run(['trap "" TERM; sleep 1000 & sleep 1000; sleep 1000'], { timeoutMs: 500 });
  expect(result).toMatchObject({ kind: 'failed', how: 'no end after 0.5 s' });
});

test('an abort ends it', async () => {
  const abort = new AbortController();
  const running = run(['touch begun; sleep 1000 & sleep 1000'], {}, abort.signal);
  await until(() => existsSync(join(rig.project, 'begun')));
  abort.abort();
  expect(await running).toEqual({ kind: 'aborted' });
  expect(await run(['touch again'], {}, abort.signal)).toEqual({ kind: 'aborted' });
  expect(existsSync(join(rig.project, 'again'))).toBe(false);
});
