import { mkdirSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { locateAttemptFiles } from '../../../src/worker/claude/attempt-files.ts';
import { lines, recordHooks, workerRig, type WorkerRig } from '../../rig/worker-rig.ts';

let rig: WorkerRig;
beforeEach(async () => {
  rig = await workerRig();
});
afterEach(async () => {
  await rig.close();
});

const inSeconds = (seconds: number): number => Math.floor(Date.now() / 1000) + seconds;
const event = (status: string, resetsAt?: number) => ({
  type: 'rate_limit_event',
  rate_limit_info: { status, rateLimitType: 'five_hour', isUsingOverage: false, resetsAt },
});
const window = (status: string, seconds: number | undefined) => ({
  name: 'five_hour',
  utilization: null,
  status,
  resetsAt: seconds === undefined ? null : seconds * 1000,
});

test('a worker tells what the API says of limits as it works, whatever becomes of it', async () => {
  const [soon, over] = [inSeconds(7200), inSeconds(-7200)];
  rig.script([
    { print: lines.init },
    { print: event('allowed', soon) },
    { print: event('rejected', over) },
    { print: event('rejected') },
    { print: lines.result() },
  ]);
  const { recorded } = await rig.run();
  const said = { overageInUse: false };
  expect(recorded.limits).toEqual([
    { ...said, refused: false, windows: [window('allowed', soon)] },
    { ...said, refused: true, windows: [window('rejected', over)] },
    { ...said, refused: true, windows: [window('rejected', undefined)] },
  ]);
});

test('of a transcript that is read after the fact only a refusal that still holds is told', async () => {
  const [soon, over] = [inSeconds(7200), inSeconds(-7200)];
  const events = [
    event('allowed', soon),
    event('rejected', over),
    event('rejected'),
    event('rejected', soon),
  ];
  const attempt = rig.attempt({ phase: 'working' });
  mkdirSync(attempt.files, { recursive: true });
  const transcript = [lines.init, ...events].map((line) => `${JSON.stringify(line)}\n`).join('');
  writeFileSync(locateAttemptFiles(attempt.files).transcript, transcript);
  const recorded = recordHooks();
  await rig.worker().recover(attempt, recorded.hooks, new AbortController().signal);
  expect(recorded.limits).toEqual([
    { overageInUse: false, refused: true, windows: [window('rejected', soon)] },
  ]);
});
