import { expect, test } from 'vitest';
import type { Stamped } from '../../../src/domain/event.ts';
import { createRedactor } from '../../../src/domain/redact.ts';
import { fanOut } from '../../../src/reporting/fan-out.ts';
import type { Reporter } from '../../../src/reporting/reporter.ts';

const PLAIN = { redact: (text: string) => text };

const event = (message: string): Stamped => ({ type: 'warning', message, at: '2026-01-01T00:00:00.000Z' });

function recorder(log: string[] = []): Reporter & { log: string[] } {
  return {
    log,
    report: (reported) => void log.push(reported.type === 'warning' ? reported.message : reported.type),
    close: () => Promise.resolve(void log.push('closed')),
  };
}

test('every reporter gets every event, in order', async () => {
  const [a, b] = [recorder(), recorder()];
  const all = fanOut([a, b], PLAIN);
  all.report(event('1'));
  all.report(event('2'));
  await all.close();
  expect(a.log).toEqual(['1', '2', 'closed']);
  expect(b.log).toEqual(['1', '2', 'closed']);
});

test('one that throws is left out at once, and the others are told at the end', async () => {
  let calls = 0;
  const broken: Reporter = {
    report: () => {
      calls++;
      throw new Error('the webhook is gone');
    },
    close: () => Promise.resolve(),
  };
  const display = recorder();
  const all = fanOut([display, broken], PLAIN);
  all.report(event('1'));
  all.report(event('2'));
  expect(calls).toBe(1);
  await all.close();
  expect(display.log).toEqual([
    '1',
    '2',
    'A reporter failed and was left out: the webhook is gone',
    'closed',
  ]);
});

test('an asynchronous failure is caught as well', async () => {
  const broken = { report: () => Promise.reject(new Error('later')), close: () => Promise.resolve() };
  const display = recorder();
  const all = fanOut([display, broken], PLAIN);
  all.report(event('1'));
  await new Promise((resolve) => setImmediate(resolve));
  await all.close();
  expect(display.log).toContain('A reporter failed and was left out: later');
});

test('one that cannot close, or never does, is told of and waited for no longer', async () => {
  const display = recorder();
  const all = fanOut(
    [
      display,
      { report: () => undefined, close: () => Promise.reject(new Error('no disk')) },
      { report: () => undefined, close: () => new Promise(() => undefined) },
      {
        report: () => undefined,
        close: () => {
          throw new Error('at once');
        },
      },
    ],
    { ...PLAIN, closeLimitMs: 20 },
  );
  await all.close();
  expect(display.log.slice(0, -1).sort()).toEqual([
    'A reporter failed and was left out: at once',
    'A reporter failed and was left out: no disk',
    'A reporter failed and was left out: not finished within 0.02 s',
  ]);
  expect(display.log.at(-1)).toBe('closed');
});

test('when all of them fail, the run still goes on', async () => {
  const broken: Reporter = {
    report: () => {
      throw new Error('no');
    },
    close: () => Promise.reject(new Error('no')),
  };
  const all = fanOut([broken, { ...broken }], PLAIN);
  all.report(event('1'));
  await expect(all.close()).resolves.toBeUndefined();
  await expect(fanOut([], PLAIN).close()).resolves.toBeUndefined();
});

test('no reporter gets a secret, and an event without one is not copied', async () => {
  const got: Stamped[] = [];
  const all = fanOut([{ report: (reported) => void got.push(reported), close: () => Promise.resolve() }], {
    redact: createRedactor(['correct-horse-battery']),
  });
  const clean = event('nothing of the kind');
  all.report(clean);
  all.report({
    type: 'attempt-progress',
    attemptId: 1,
    taskId: '1',
    progress: {
      action: 'Bash curl -u me:correct-horse-battery',
      tokens: { input: 1, output: 1, cacheRead: 1, cacheWrite: 1 },
      costUsd: 1,
    },
    at: '2026-01-01T00:00:00.000Z',
  });
  await all.close();
  expect(got[0]).toBe(clean);
  expect(got[1]).toMatchObject({ progress: { action: 'Bash curl -u me:…tery', costUsd: 1 } });
});

test('what is told of a reporter that failed is free of secrets as well', async () => {
  const display = recorder();
  const all = fanOut(
    [
      display,
      {
        report: () => undefined,
        close: () => Promise.reject(new Error('no answer from correct-horse-battery')),
      },
    ],
    { redact: createRedactor(['correct-horse-battery']) },
  );
  await all.close();
  expect(display.log).toEqual(['A reporter failed and was left out: no answer from …tery', 'closed']);
});
