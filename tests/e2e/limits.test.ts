import { afterEach, describe, expect, it } from 'vitest';
import type { Attempt } from '../../src/domain/attempt.ts';
import type { Stamped } from '../../src/domain/event.ts';
import type { RateLimit, ScenarioInput } from '../../src/simulator/scenario.ts';
import {
  openAccount,
  partRules,
  type Account,
  type AccountProject,
  type RunningTool,
} from '../rig/account.ts';
import { reviewReply, reviewRule } from '../rig/reviews.ts';
import { REAL_CLAUDE } from '../rig/simulator.ts';
import { until } from '../rig/worker-rig.ts';

type RuleInput = ScenarioInput['rules'][number];
type Limit = NonNullable<NonNullable<RuleInput['reply']>['rateLimit']>;

const HOUR_MS = 3_600_000;
/** What a run may wait beyond a reset, so that not all come back in the same second. */
const LONGEST_JITTER_MS = 60_000;

const RESET_IN = 600;
/** Further than any pause until such a reset lasts. */
const PAST_RESET_MS = (RESET_IN + 60) * 1000;

/** Refuses this many requests, with a reset that stays where it is. */
function refusal(times: number, rateLimit: Limit, when: RuleInput['when'] = {}): RuleInput {
  return {
    name: 'refused',
    when: { role: 'worker', ...when },
    times,
    forMs: HOUR_MS,
    reply: { rateLimit, fault: { kind: 'http', status: 429 } },
  };
}

const FIVE_HOURS: Limit = {
  status: 'rejected',
  claim: 'five_hour',
  resetIn: RESET_IN,
  fiveHour: { utilization: 1, resetIn: RESET_IN, status: 'rejected' },
  sevenDay: { utilization: 0.65, resetIn: 300_000 },
};
const WEEK: Limit = {
  ...FIVE_HOURS,
  claim: 'seven_day',
  fiveHour: { utilization: 0.3, resetIn: 9000 },
  sevenDay: { utilization: 1, resetIn: RESET_IN, status: 'rejected' },
};
const ONE_MODEL: Limit = { status: 'rejected', claim: 'seven_day_sonnet', resetIn: RESET_IN };

let account: Account;

afterEach(async () => {
  expect(await account.leftovers(), 'nothing is left behind').toEqual([]);
  await account.close();
});

describe('a usage limit of a subscription', () => {
  it.each<[name: string, limit: Limit, when: RuleInput['when']]>([
    ['at the very first request', FIVE_HOURS, {}],
    ['in mid-task', FIVE_HOURS, { turn: 1 }],
    ['of the week, while the five hours are fine', WEEK, { turn: 1 }],
    ['of one model', ONE_MODEL, { turn: 1 }],
  ])('%s pauses 4 workers, and the run goes on by itself', async (_name, limit, when) => {
    account = await openAccount('subscription', { rules: [refusal(4, limit, when), ...partRules(5)] });
    const project = account.project(5);
    const tool = project.start();
    await pausedAndIdle(tool, project);
    expect(refused()).toBe(4);
    tool.leap(PAST_RESET_MS);
    const { code, output } = await tool.end;
    expect(code, output).toBe(0);
    expectPausedOnce(tool.events(), 4);
    expectResumed(project, 5);
  });

  it.each<[name: string, limit: Pick<RateLimit, 'resetIn' | 'resetAt'>]>([
    ['is missing', {}],
    ['is in the past', { resetAt: 1_600_000_000 }],
    ['is absurd', { resetAt: Date.now() }],
  ])('counts as one of an hour where its reset %s', async (_name, reset) => {
    const limit: Limit = { status: 'rejected', claim: 'five_hour', ...reset };
    account = await openAccount('subscription', { rules: [refusal(2, limit), ...partRules(3)] });
    const project = account.project(3, { execution: { max_workers: 2 } });
    const tool = project.start();
    const pause = await pausedAndIdle(tool, project);
    expectWithin(Date.parse(pause.until) - Date.parse(pause.at), HOUR_MS, LONGEST_JITTER_MS);
    tool.leap(HOUR_MS + LONGEST_JITTER_MS + 5000);
    const { code, output } = await tool.end;
    expect(code, output).toBe(0);
    expectPausedOnce(tool.events(), 2);
    expectResumed(project, 3);
  });

  it('with overage in use stops nothing, and is warned of', async () => {
    const limit: Limit = { ...FIVE_HOURS, overage: { status: 'allowed', inUse: true, resetIn: 99_999 } };
    account = await openAccount('subscription', { rules: partRules(2, { rateLimit: limit }) });
    const project = account.project(2);
    const tool = project.start();
    const { code, output } = await tool.end;
    expect(code, output).toBe(0);
    expect(types(tool)).not.toContain('run-paused');
    expect(tool.events().filter(({ type }) => type === 'usage-warning')).toMatchObject([
      { window: 'five_hour', used: 100 },
    ]);
  });

  it('that refuses the review of a change pauses too, and no work is done twice', async () => {
    account = await openAccount('subscription', {
      rules: [refusal(1, FIVE_HOURS, { role: 'manager' }), reviewRule(reviewReply()), ...partRules(2)],
    });
    const project = account.project(2, {
      monitoring: { enable_opus_review: true },
      // The stand-in is no manager.
      claude_cli: { command: REAL_CLAUDE },
    });
    const tool = project.start();
    await pausedAndIdle(tool, project);
    tool.leap(PAST_RESET_MS);
    const { code, output } = await tool.end;
    expect(code, output).toBe(0);
    expectPausedOnce(tool.events(), 2);
    expectUncharged(project);
    const worked = account.simulator.requests.filter(({ rule }) => rule?.startsWith('part '));
    expect(worked).toHaveLength(4);
  });

  it('ends the run with 3 under --no-wait, and the next run goes on in the same sessions', async () => {
    account = await openAccount('subscription', {
      rules: [refusal(3, FIVE_HOURS, { turn: 1 }), ...partRules(3)],
    });
    const project = account.project(3);
    const first = project.start(['--no-wait']);
    const ended = await first.end;
    expect(ended.code, ended.output).toBe(3);
    expect(ended.summary).toMatchObject({ outcome: 'paused-usage-limit' });
    expect(statuses(project)).toEqual(['pending', 'pending', 'pending']);
    await expectToGoOn(project, 3);
  });

  it('that lasts longer than usage.max_wait ends the run with 3', async () => {
    account = await openAccount('subscription', { rules: [refusal(2, FIVE_HOURS), ...partRules(2)] });
    const project = account.project(2, { usage: { max_wait: 60 } });
    const { code, output, summary } = await project.start().end;
    expect(code, output).toBe(3);
    expect(summary).toMatchObject({ outcome: 'paused-usage-limit' });
    expectUncharged(project);
  });

  it('is kept away from by usage.reserve_percent', async () => {
    const fiveHour = { utilization: 0.85, resetIn: RESET_IN, status: 'allowed_warning' } as const;
    const nearly: Limit = { ...FIVE_HOURS, status: 'allowed_warning', fiveHour };
    account = await openAccount('subscription', {
      rules: [...partRules(1, { rateLimit: nearly }), ...partRules(3)].map((rule) => ({
        ...rule,
        forMs: HOUR_MS,
      })),
    });
    const project = account.project(3, { usage: { reserve_percent: 20 }, execution: { max_workers: 1 } });
    const tool = project.start();
    expect(await pausedAndIdle(tool, project)).toMatchObject({ reason: 'reserve' });
    tool.leap(PAST_RESET_MS);
    const { code, output } = await tool.end;
    expect(code, output).toBe(0);
    expectPausedOnce(tool.events(), 1);
    expect(attempts(project).map(({ end }) => end?.outcome)).toEqual(['landed', 'landed', 'landed']);
  });

  it('lets a person look at the run and stop it while it waits, and loses nothing', async () => {
    account = await openAccount('subscription', {
      rules: [refusal(2, FIVE_HOURS, { turn: 1 }), ...partRules(2)],
    });
    const project = account.project(2);
    const stopped = project.start();
    const { until } = await pausedAndIdle(stopped, project);
    expect(await project.status()).toMatchObject({
      run: { state: 'running', paused: { reason: 'usage-limit', until } },
      windows: expect.arrayContaining([
        expect.objectContaining({ window: 'five_hour', status: 'rejected' }),
      ]) as unknown,
    });
    stopped.process.kill('SIGINT');
    const { code, output } = await stopped.end;
    expect(code, output).toBe(130);
    await expectToGoOn(project, 2);
  });

  it('is known to the run after one that was killed while it waited', async () => {
    account = await openAccount('subscription', {
      rules: [refusal(2, FIVE_HOURS, { turn: 1 }), ...partRules(3)],
    });
    const project = account.project(3, { execution: { max_workers: 2 } });
    const killed = project.start();
    await pausedAndIdle(killed, project);
    killed.process.kill('SIGKILL');
    await killed.end;
    await expectToGoOn(project, 3);
  });
});

describe('a limit of an API key', () => {
  it('throttles: the run backs off, tries with one task, and goes on', async () => {
    account = await openAccount('api_key', {
      rules: [
        {
          name: 'refused',
          when: { role: 'worker' },
          times: 3,
          reply: {
            fault: { kind: 'http', status: 429, retryAfter: 120 },
            keyLimits: { requests: { limit: 50, remaining: 0, resetIn: 60 } },
          },
        },
        ...partRules(4),
      ],
    });
    const project = account.project(4, { execution: { max_workers: 3 } });
    const tool = project.start();
    expect(await pausedAndIdle(tool, project)).toMatchObject({ reason: 'outage' });
    tool.leap(70_000);
    const { code, output } = await tool.end;
    expect(code, output).toBe(0);
    expectPausedOnce(tool.events(), 3);
    expectResumed(project, 4);
  });

  it('of the month is waited for, as the API says when it ends', async () => {
    const regain = new Date(Date.now() + 3 * 24 * HOUR_MS).toISOString();
    const when = `${regain.slice(0, 10)} at 00:00 UTC`;
    const message = `You have reached your specified API usage limits. You will regain access on ${when}.`;
    account = await openAccount('api_key', {
      rules: [{ when: { role: 'worker' }, reply: { fault: { kind: 'http', status: 400, message } } }],
    });
    const project = account.project(2);
    const { code, output, summary } = await project.start(['--no-wait']).end;
    expect(code, output).toBe(3);
    expect(summary).toMatchObject({ outcome: 'paused-usage-limit' });
    expectUncharged(project);
  });
});

const types = (tool: RunningTool): string[] => tool.events().map(({ type }) => type);
const statuses = (project: AccountProject): string[] =>
  project.withStore((store) => store.tasks().map(({ status }) => status));
const attempts = (project: AccountProject): Attempt[] => project.withStore((store) => store.attempts());

/** How many requests the API has refused. */
function refused(): number {
  return account.simulator.requests.filter(({ rule }) => rule === 'refused').length;
}

/** Waits until the pause is all that goes on: a worker at work would not outlive a leap of the clock. */
async function pausedAndIdle(
  tool: RunningTool,
  project: AccountProject,
): Promise<Extract<Stamped, { type: 'run-paused' }>> {
  const pause = await tool.event('run-paused');
  await until(() => tool.process.exitCode !== null || attempts(project).every(({ end }) => end !== null));
  return pause;
}

/** The next run waits as the one before it did, and then goes on with its sessions. */
async function expectToGoOn(project: AccountProject, tasks: number): Promise<void> {
  const next = project.start();
  const pause = await next.event('run-paused');
  next.leap(PAST_RESET_MS);
  const { code, output } = await next.end;
  expect(code, output).toBe(0);
  expectNothingStarted(next.events(), '', pause.until);
  expectResumed(project, tasks);
}

/** One pause, before which `workers` attempts had begun, in which none began, and after which one began alone. */
function expectPausedOnce(events: readonly Stamped[], workers: number): void {
  const pauses = events.filter((event) => event.type === 'run-paused');
  const until = pauses.at(-1)?.until ?? '';
  const pausedAt = pauses[0]?.at ?? '';
  const starts = events.filter((event) => event.type === 'attempt-started').map(({ at }) => at);
  const resumed = events.filter((event) => event.type === 'run-resumed');
  expect(new Set(pauses.map(({ until: each }) => each)).size, 'one pause').toBe(1);
  expect(resumed).toHaveLength(1);
  expect(starts.filter((at) => at <= pausedAt).length).toBeLessThanOrEqual(workers);
  expectNothingStarted(events, pausedAt, until);
  const probing = starts.filter((at) => at >= until && at < (resumed[0]?.at ?? ''));
  expect(probing, 'one attempt tries first').toHaveLength(1);
}

function expectNothingStarted(events: readonly Stamped[], from: string, to: string): void {
  const early = events.filter(({ type, at }) => type === 'attempt-started' && at > from && at < to);
  expect(early).toEqual([]);
}

/** Every task is done, in one session each, and none has paid for what refused it. */
function expectResumed(project: AccountProject, tasks: number): void {
  expect(statuses(project)).toEqual(Array(tasks).fill('done'));
  expectUncharged(project);
  const sessions = new Set(attempts(project).map(({ taskId, sessionId }) => `${taskId} ${sessionId}`));
  expect(sessions.size, 'one session a task').toBe(tasks);
  const asked = account.simulator.requests.filter(({ role }) => role === 'worker');
  expect(new Set(asked.map(({ session }) => session)).size, 'the API sees the same').toBe(tasks);
  for (const each of attempts(project)) expect(each.resumed).toBe(each.number > 1);
}

function expectUncharged(project: AccountProject): void {
  const outcomes = attempts(project).map(({ end }) => end?.outcome ?? 'none');
  const free = ['landed', 'usage-limited', 'cancelled', 'infrastructure'];
  expect(outcomes.filter((outcome) => !free.includes(outcome))).toEqual([]);
}

function expectWithin(value: number, least: number, more: number): void {
  expect(value).toBeGreaterThanOrEqual(least - 2000);
  expect(value).toBeLessThanOrEqual(least + more + 2000);
}
