import { expect, test } from 'vitest';
import type { Stamped } from '../../../src/event.ts';
import { fanOut } from '../../../src/reporting/fan-out.ts';
import type { Reporter } from '../../../src/reporting/reporter.ts';

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
  const all = fanOut([a, b]);
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
  const all = fanOut([display, broken]);
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
  const all = fanOut([display, broken]);
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
    20,
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
  const all = fanOut([broken, { ...broken }]);
  all.report(event('1'));
  await expect(all.close()).resolves.toBeUndefined();
  await expect(fanOut([]).close()).resolves.toBeUndefined();
});
