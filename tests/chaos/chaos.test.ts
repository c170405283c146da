import { expect, it } from 'vitest';
import { ALL } from '../rig/effort.ts';
import { runCampaign } from './campaign.ts';

/** Another one each day; `npm run chaos -- --seed N` repeats its choices. */
const SEED = Math.floor(Date.now() / 86_400_000);

it.runIf(ALL)(
  `holds every invariant when it is killed at each step and at 200 moments by chance (seed ${SEED})`,
  async () => {
    const { boundaries, moments, lives, violations } = await runCampaign({
      seed: SEED,
      perBoundary: 1,
      moments: 200,
      parallel: 2,
      // Minutes pass: whoever waits should see that it goes on.
      say: (line) => process.stderr.write(`${line}\n`),
    });
    expect(violations).toEqual([]);
    expect(moments).toBeGreaterThanOrEqual(200);
    expect(lives).toBeGreaterThan(0);
    // The steps that matter most are there under the names by which they are known, or the killing has missed them.
    const names = [...boundaries.keys()].join('\n');
    for (const step of [
      /before git update-ref .*integration/,
      /after git update-ref .*integration/,
      /git commit-tree/,
      /git merge-tree/,
      /git worktree add/,
      /git read-tree/,
      /before claude/,
      /after commit .*attempt-ended/,
      /before commit .*landing-intended/,
      /after the lock is taken/,
    ])
      expect(names).toMatch(step);
  },
);

it.skipIf(ALL)(`holds every invariant when it is killed at some of its steps (seed ${SEED})`, async () => {
  const { boundaries, violations } = await runCampaign({
    seed: SEED,
    perBoundary: 1,
    moments: 0,
    parallel: 1,
    lives: 2,
    killsALife: 7,
  });
  expect(violations).toEqual([]);
  expect(boundaries.size).toBeGreaterThan(5);
});
