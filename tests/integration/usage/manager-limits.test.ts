import { afterEach, expect, test } from 'vitest';
import { z } from 'zod';
import { createCliManager } from '../../../src/manager/cli/cli-manager.ts';
import type { Manager, Question } from '../../../src/manager/manager.ts';
import { createSdkManager } from '../../../src/manager/sdk/sdk-manager.ts';
import type { ScenarioInput } from '../../../src/simulator/scenario.ts';
import { computePause, type LimitObservation } from '../../../src/domain/usage-limit.ts';
import { createProcessTable } from '../../../src/worker/process/process-table.ts';
import { REAL_CLAUDE, simulatorRig, type SimulatorRig } from '../../rig/simulator.ts';

type ReplyInput = NonNullable<ScenarioInput['rules'][number]['reply']>;

const NEVER = new AbortController().signal;
const RESET_IN = 7200;

const question: Question<{ answer: number }> = {
  purpose: 'plan',
  system: 'You plan.',
  prompt: 'What is it?',
  schema: z.strictObject({ answer: z.number() }),
};
const http = (status: number, type: string, message = 'sorry'): ReplyInput => ({
  fault: { kind: 'http', status, type, message },
});
const allowed: ReplyInput = {
  json: { answer: 42 },
  rateLimit: {
    status: 'allowed',
    claim: 'five_hour',
    resetIn: RESET_IN,
    fiveHour: { utilization: 0.31, resetIn: RESET_IN },
    sevenDay: { utilization: 0.2, resetIn: 400_000 },
  },
};
const rejected: ReplyInput = {
  ...http(429, 'rate_limit_error'),
  rateLimit: { status: 'rejected', claim: 'five_hour', resetIn: RESET_IN },
};
const MONTHLY =
  'You have reached your specified API usage limits. You will regain access on 2099-12-01 at 00:00 UTC.';

const open: SimulatorRig[] = [];
afterEach(async () => {
  for (const rig of open.splice(0)) await rig.close();
});

interface Told {
  readonly manager: Manager;
  readonly seen: LimitObservation[];
  readonly rig: SimulatorRig;
}

async function start(reply: ReplyInput): Promise<SimulatorRig> {
  const rig = await simulatorRig({ rules: [{ reply }] });
  open.push(rig);
  return rig;
}

async function overApi(reply: ReplyInput): Promise<Told> {
  const rig = await start(reply);
  const seen: LimitObservation[] = [];
  const connection = {
    apiKey: 'sk-ant-secret-key-of-the-test-wxyz',
    baseUrl: rig.simulator.url,
    timeoutMs: 60_000,
    silenceMs: 30_000,
    maxRetries: 2,
    baseMs: 5,
    maxMs: 50,
    random: () => 0.5,
    onLimits: (observation: LimitObservation) => void seen.push(observation),
  };
  const made = await createSdkManager(connection, 'claude-opus-5-5', NEVER);
  if (!made.ok) throw new Error(made.error.message);
  seen.length = 0;
  return { manager: made.value, seen, rig };
}

async function overCli(reply: ReplyInput): Promise<Told> {
  const rig = await start(reply);
  const seen: LimitObservation[] = [];
  const marker = { variable: 'LIMITS_TEST', value: `${process.pid}-${Math.random()}` };
  const manager = createCliManager({
    command: REAL_CLAUDE,
    model: 'opus',
    payer: 'Claude subscription',
    environment: {
      ...Object.fromEntries(Object.entries(rig.env).filter(([name]) => name !== 'ANTHROPIC_API_KEY')),
      CLAUDE_CODE_OAUTH_TOKEN: 'sk-ant-oat01-simulated',
      [marker.variable]: marker.value,
    },
    marker,
    directory: rig.cwd,
    settings: null,
    timeoutMs: 100_000,
    graceMs: 5_000,
    processes: createProcessTable({
      platform: process.platform,
      pid: process.pid,
      kill: (pid, signal) => process.kill(pid, signal),
    }),
    onLimits: (observation) => void seen.push(observation),
  });
  return { manager, seen, rig };
}

const routes: [string, (reply: ReplyInput) => Promise<Told>][] = [
  ['the API', overApi],
  ['the Claude CLI', overCli],
];

test.each(routes)('a manager over %s tells the windows of the plan with a reply', async (_, route) => {
  const { manager, seen } = await route(allowed);
  const before = Date.now();
  expect((await manager.ask(question, NEVER)).ok).toBe(true);
  const after = Date.now();
  const last = seen.at(-1);
  expect(last).toMatchObject({ refused: false, overageInUse: false });
  expect(last?.windows).toMatchObject([
    { name: 'five_hour', utilization: 0.31, status: 'allowed' },
    { name: 'seven_day', utilization: 0.2, status: 'allowed' },
  ]);
  const resetsAt = last?.windows[0]?.resetsAt ?? NaN;
  expect(resetsAt).toBeGreaterThan(before + RESET_IN * 1000 - 2000);
  expect(resetsAt).toBeLessThan(after + RESET_IN * 1000 + 2000);
});

test.each(routes)(
  'a manager over %s that the plan refuses asks once, and fails with the time of the reset',
  async (_, route) => {
    const { manager, seen, rig } = await route(rejected);
    const reply = await manager.ask(question, NEVER);
    if (reply.ok) throw new Error('It was answered.');
    const { reason, resetsAt, message } = reply.error.failure;
    expect(reason).toBe('usage-limited');
    expect(message).toContain(new Date(resetsAt ?? NaN).toISOString());
    expect(seen.length).toBeGreaterThan(0);
    for (const observation of seen)
      expect(computePause(observation, Date.now())).toMatchObject({ until: resetsAt, window: 'five_hour' });
    expect(rig.simulator.requests.filter(({ path }) => path.startsWith('/v1/messages'))).toHaveLength(1);
  },
);

test.each(routes)(
  'a manager over %s whose account has spent its month fails with the time it may go on',
  async (_, route) => {
    const { manager, seen } = await route(http(400, 'invalid_request_error', MONTHLY));
    const reply = await manager.ask(question, NEVER);
    if (reply.ok) throw new Error('It was answered.');
    const regained = Date.parse('2099-12-01T00:00:00Z');
    expect(reply.error.failure).toMatchObject({ reason: 'usage-limited', resetsAt: regained });
    expect(seen.at(-1)).toMatchObject({ refused: true, windows: [{ resetsAt: regained }] });
  },
);

test('a manager over the API tells what a key may still use, and when it may go on after a refusal', async () => {
  const keyLimits = { requests: { limit: 50, remaining: 49, resetIn: 30 } };
  const answered = await overApi({ json: { answer: 42 }, keyLimits });
  expect((await answered.manager.ask(question, NEVER)).ok).toBe(true);
  expect(answered.seen).toMatchObject([
    { refused: false, windows: [{ name: 'api_requests', status: 'allowed' }] },
  ]);

  const { manager, seen } = await overApi({
    ...http(429, 'rate_limit_error'),
    keyLimits: { tokens: { limit: 1000, remaining: 0, resetIn: 45 } },
  });
  const before = Date.now();
  const reply = await manager.ask(question, NEVER);
  if (reply.ok) throw new Error('It was answered.');
  expect(seen[0]).toMatchObject({ refused: true, windows: [{ name: 'api_tokens', status: 'rejected' }] });
  expect(reply.error.failure.resetsAt).toBeGreaterThan(before + 40_000);
});

test('a manager over the API that is refused without a word of when says so after its last try', async () => {
  const { manager, seen } = await overApi(http(429, 'rate_limit_error'));
  const reply = await manager.ask(question, NEVER);
  expect(reply).toMatchObject({ ok: false, error: { failure: { reason: 'usage-limited' } } });
  expect(seen).toEqual([{ windows: [], overageInUse: false, refused: true }]);
});
