import { afterEach, expect, it } from 'vitest';
import type { Stamped } from '../../src/domain/event.ts';
import { openAccount, partRules, promptOf, type Account } from '../rig/account.ts';
import { until } from '../rig/worker-rig.ts';

/** From what one run hears to where the other one starts nothing more. */
const WITHIN_MS = 1000;

let account: Account;

afterEach(async () => {
  expect(await account.leftovers(), 'nothing is left behind').toEqual([]);
  await account.close();
});

it('the first refusal in one run stops the dispatch of another one on the same account', async () => {
  const reset = { resetIn: 600 };
  account = await openAccount('subscription', {
    rules: [
      {
        name: 'refused',
        when: { role: 'worker', contains: promptOf(9) },
        times: 1,
        reply: {
          fault: { kind: 'http', status: 429 },
          rateLimit: {
            status: 'rejected',
            claim: 'five_hour',
            ...reset,
            fiveHour: { utilization: 1, ...reset, status: 'rejected' },
          },
        },
      },
      ...partRules(9),
    ],
  });
  // The other one has a task to start about each second, and each of them would be answered.
  const other = account.project(8, { execution: { max_workers: 1 } });
  const refused = account.project(9, { execution: { max_workers: 1 } });
  const going = other.start();
  await going.event('attempt-ended');
  const first = refused.start(['9']);
  const heard = await first.event('run-paused');
  const told = await going.event('run-paused');
  await until(() => other.withStore((store) => store.attempts().every(({ end }) => end !== null)));
  for (const tool of [going, first]) tool.leap(660_000);
  const [here, there] = await Promise.all([first.end, going.end]);
  expect(here.code, here.output).toBe(0);
  expect(there.code, there.output).toBe(0);

  expect(told).toMatchObject({ reason: 'usage-limit' });
  for (const events of [going.events(), first.events()])
    expect(startsBetween(events, Date.parse(heard.at) + WITHIN_MS, Date.parse(heard.until) - 60_000)).toEqual(
      [],
    );
  for (const project of [other, refused]) {
    const outcomes = project.withStore((store) => store.attempts().map(({ end }) => end?.outcome));
    expect(outcomes.filter((outcome) => outcome !== 'landed')).toEqual(
      project === refused ? ['usage-limited'] : [],
    );
  }
});

function startsBetween(events: readonly Stamped[], from: number, to: number): Stamped[] {
  return events.filter(
    ({ type, at }) => type === 'attempt-started' && Date.parse(at) > from && Date.parse(at) < to,
  );
}
