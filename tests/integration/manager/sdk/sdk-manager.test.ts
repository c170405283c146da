import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { Manager, Question } from '../../../../src/manager/manager.ts';
import { parsePrd } from '../../../../src/manager/planning/draft-tasks.ts';
import { createSdkManager } from '../../../../src/manager/sdk/sdk-manager.ts';
import type { SdkConnection } from '../../../../src/manager/sdk/exchange.ts';
import type { ScenarioInput } from '../../../../src/simulator/scenario.ts';
import { startSimulator, type Simulator } from '../../../../src/simulator/server.ts';

type ReplyInput = NonNullable<ScenarioInput['rules'][number]['reply']>;

const KEY = 'sk-ant-secret-key-of-the-test-wxyz';
const NEVER = new AbortController().signal;
const USAGE: NonNullable<ReplyInput['usage']> = { input: 1000, output: 100 };

const question: Question<{ answer: number }> = {
  purpose: 'plan',
  system: 'You plan.',
  prompt: 'What is it?',
  schema: z.strictObject({ answer: z.number() }),
};

const open: Simulator[] = [];
afterEach(async () => {
  for (const simulator of open.splice(0)) await simulator.close();
});

/** A manager against a simulator that gives these replies and repeats the last one. */
async function rig(
  replies: readonly ReplyInput[],
  options: Partial<SdkConnection> & { model?: string } = {},
): Promise<{ manager: Manager; simulator: Simulator; calls: () => Body[] }> {
  const rules: ScenarioInput['rules'] = replies.map((reply, index) => ({
    reply,
    ...(index < replies.length - 1 ? { times: 1 } : {}),
  }));
  const simulator = await startSimulator({ rules });
  open.push(simulator);
  const { model = 'opus', ...connection } = options;
  const made = await createSdkManager(connect(simulator.url, connection), model, NEVER);
  if (!made.ok) throw new Error(made.error.message);
  const calls = (): Body[] =>
    simulator.requests
      .filter(({ path }) => path.startsWith('/v1/messages'))
      .map(({ body }) => JSON.parse(body) as Body);
  return { manager: made.value, simulator, calls };
}

interface Body {
  readonly model: string;
  readonly stream?: boolean;
  readonly messages: readonly { role: string; content: unknown }[];
  readonly output_config?: { format?: { type: string; schema: Record<string, unknown> } };
  readonly tools?: readonly { name: string }[];
}

function connect(baseUrl: string, options: Partial<SdkConnection> = {}): SdkConnection {
  return {
    apiKey: KEY,
    baseUrl,
    timeoutMs: 60_000,
    silenceMs: 30_000,
    maxRetries: 2,
    baseMs: 5,
    maxMs: 50,
    random: () => 0.5,
    ...options,
  };
}

describe('a question', () => {
  test('gets a structured reply with its usage at list price, by streaming', async () => {
    const { manager, simulator, calls } = await rig([{ json: { answer: 42 }, usage: USAGE }]);
    const reply = await manager.ask(question, NEVER);
    expect(reply).toMatchObject({
      ok: true,
      value: {
        value: { answer: 42 },
        text: '{"answer":42}',
        sources: [],
        usage: [{ model: 'claude-opus-5-5', input: 1000, output: 100, costUsd: 0.006 }],
      },
    });
    expect(calls()).toHaveLength(1);
    expect(calls()[0]).toMatchObject({
      model: 'claude-opus-5-5',
      stream: true,
      output_config: { format: { type: 'json_schema', schema: { additionalProperties: false } } },
    });
    expect(calls()[0]?.tools).toBeUndefined();
    expect(simulator.unmatched).toEqual([]);
  });

  test('of the wrong form comes back with what is wrong, and a correction continues the conversation', async () => {
    const { manager, calls } = await rig([
      { json: { answer: 'many' }, usage: USAGE },
      { json: { answer: 1 }, usage: USAGE },
    ]);
    const bad = await manager.ask(question, NEVER);
    if (bad.ok || bad.error.invalid === undefined) throw new Error('expected an invalid reply');
    expect(bad.error.failure.reason).toBe('plan-invalid');
    expect(bad.error.invalid.problems[0]).toContain('answer');
    expect(bad.error.usage[0]?.input).toBe(1000);

    const good = await manager.ask({ ...question, correction: bad.error.invalid }, NEVER);
    expect(good.ok).toBe(true);
    expect(calls()[1]?.messages.map(({ role }) => role)).toEqual(['user', 'assistant', 'user']);
    expect(JSON.stringify(calls()[1]?.messages)).toContain('many');
  });

  test('that is no JSON at all is an invalid reply too', async () => {
    const { manager } = await rig([{ text: 'I would rather talk.' }]);
    const reply = await manager.ask(question, NEVER);
    expect(reply).toMatchObject({ ok: false, error: { invalid: { reply: 'I would rather talk.' } } });
  });
});

describe('the model', () => {
  test.each([
    ['opus', 'claude-opus-5-5', 'opus (claude-opus-5-5) via API key …wxyz'],
    ['sonnet', 'claude-sonnet-5-5', 'sonnet (claude-sonnet-5-5) via API key …wxyz'],
    ['claude-opus-5', 'claude-opus-5', 'claude-opus-5 via API key …wxyz'],
    [
      'claude-sonnet-4-5',
      'claude-sonnet-4-5',
      'claude-sonnet-4-5 (deprecated, retires 2026-11-30) via API key …wxyz',
    ],
    ['claude-opsu-5', 'claude-opsu-5', 'claude-opsu-5 (not in the models list) via API key …wxyz'],
  ])('%s is asked as %s', async (model, id, description) => {
    const { manager, calls } = await rig([{ json: { answer: 1 } }], { model });
    expect(manager.description).toBe(description);
    await manager.ask(question, NEVER);
    expect(calls()[0]?.model).toBe(id);
  });

  test('that does not exist fails with its name, the key and the alias', async () => {
    const { manager } = await rig(
      [{ fault: { kind: 'http', status: 404, type: 'not_found_error', message: 'model: claude-opus-3' } }],
      { model: 'claude-opus-3' },
    );
    const reply = await manager.ask(question, NEVER);
    if (reply.ok) throw new Error('expected a failure');
    expect(reply.error.failure.reason).toBe('model-unavailable');
    expect(reply.error.failure.message).toContain('"claude-opus-3" of models.manager.model');
    expect(reply.error.failure.fix).toContain('"opus"');
  });

  test('that is retired, or whose line is not there, fails before any question', async () => {
    const models = [
      { ...listedModel('claude-opus-4-1', 'opus'), lifecycle: 'retired' },
      listedModel('claude-sonnet-9', undefined),
    ];
    const server = createServer((_request, response) => {
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ data: models, has_more: false, next_page: null }));
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    try {
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      for (const name of ['claude-opus-4-1', 'opus']) {
        const made = await createSdkManager(connect(url), name, NEVER);
        expect(made).toMatchObject({ ok: false, error: { reason: 'model-unavailable' } });
        expect(made.ok || made.error.message).toContain(`"${name}"`);
      }
      const made = await createSdkManager(connect(url), 'sonnet', NEVER);
      expect(made.ok && made.value.description).toContain('claude-sonnet-9');
    } finally {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    }
  });
});

function listedModel(id: string, line: string | undefined): object {
  return {
    type: 'model',
    id,
    line,
    lifecycle: 'active',
    created_at: '2026-01-01T00:00:00Z',
    retires_at: null,
    max_input_tokens: null,
    max_tokens: null,
  };
}

describe('faults', () => {
  const fault = (status: number, type: string, message: string, retryAfter?: number): ReplyInput => ({
    fault: { kind: 'http', status, type, message, ...(retryAfter === undefined ? {} : { retryAfter }) },
  });
  const ONCE = 1;
  const ALL_TRIES = 3;

  test.each<[string, ReplyInput, string, number]>([
    ['401', fault(401, 'authentication_error', 'invalid x-api-key'), 'unauthenticated', ONCE],
    ['403', fault(403, 'permission_error', 'not allowed'), 'unauthenticated', ONCE],
    ['no credit', fault(400, 'invalid_request_error', 'Your credit balance is too low'), 'billing', ONCE],
    ['402', fault(402, 'billing_error', 'pay'), 'billing', ONCE],
    ['400', fault(400, 'invalid_request_error', 'bad'), 'manager-unavailable', ONCE],
    ['413', fault(413, 'request_too_large', 'too large'), 'prd-too-large', ONCE],
    ['429 asking for an hour', fault(429, 'rate_limit_error', 'slow down', 3600), 'usage-limited', ONCE],
    ['429', fault(429, 'rate_limit_error', 'slow down'), 'usage-limited', ALL_TRIES],
    ['500', fault(500, 'api_error', 'oops'), 'manager-unavailable', ALL_TRIES],
    ['529', fault(529, 'overloaded_error', 'Overloaded'), 'manager-unavailable', ALL_TRIES],
    ['reset', { fault: { kind: 'reset', at: 'before-headers' } }, 'manager-unavailable', ALL_TRIES],
    [
      'reset in the stream',
      { json: { answer: 1 }, fault: { kind: 'reset', at: 'mid-stream' } },
      'manager-unavailable',
      ALL_TRIES,
    ],
    [
      'error in the stream',
      { json: { answer: 1 }, fault: { kind: 'error-event' } },
      'manager-unavailable',
      ALL_TRIES,
    ],
    [
      'end without message_stop',
      { json: { answer: 1 }, fault: { kind: 'truncated' } },
      'manager-unavailable',
      ALL_TRIES,
    ],
    ['malformed', { json: { answer: 1 }, fault: { kind: 'malformed' } }, 'manager-unavailable', ALL_TRIES],
    ['truncation without an end', { text: '{"answer":', stopReason: 'max_tokens' }, 'plan-invalid', 4],
    ['refusal', { text: '', stopReason: 'refusal' }, 'plan-invalid', ONCE],
  ])('%s', async (_name, reply, reason, tries) => {
    const { manager, calls } = await rig([reply]);
    const answer = await manager.ask(question, NEVER);
    if (answer.ok) throw new Error('expected a failure');
    expect(answer.error.failure.reason).toBe(reason);
    expect(answer.error.invalid).toBeUndefined();
    expect(JSON.stringify(answer.error)).not.toContain(KEY);
    expect(calls()).toHaveLength(tries);
  });

  test('a reply that is cut at its length is continued, and costs no second one', async () => {
    const { manager, calls } = await rig([
      { text: '{"answer": 4', stopReason: 'max_tokens' },
      { text: '2', stopReason: 'max_tokens' },
      { text: '}' },
    ]);
    const answer = await manager.ask(question, NEVER);
    if (!answer.ok) throw new Error(answer.error.failure.message);
    expect(answer.value.value).toEqual({ answer: 42 });
    expect(answer.value.notes).toEqual(['The reply: it was cut at its greatest length and went on.']);
    const last = JSON.stringify(calls().at(-1));
    expect(last).toContain('go on with the very next character');
    expect(last).not.toContain('output_config');
  });

  test('a passing fault is only seen in the cost', async () => {
    const { manager, simulator } = await rig([
      { json: { answer: 1 }, usage: USAGE, fault: { kind: 'error-event' } },
      fault(529, 'overloaded_error', 'Overloaded', 0.01),
      { json: { answer: 2 }, usage: USAGE },
    ]);
    const answer = await manager.ask(question, NEVER);
    if (!answer.ok) throw new Error(answer.error.failure.message);
    expect(answer.value.value).toEqual({ answer: 2 });
    expect(answer.value.usage).toHaveLength(1);
    expect(answer.value.usage[0]?.input).toBe(2000);
    expect(simulator.requests.length).toBeGreaterThan(2);
  });

  test.each<[string, ReplyInput]>([
    ['silence in the stream', { json: { answer: 1 }, usage: USAGE, fault: { kind: 'silence' } }],
    ['no headers', { fault: { kind: 'no-headers' } }],
  ])('%s ends, and is tried again', async (_name, reply) => {
    const { manager, calls } = await rig([reply], { silenceMs: 300, maxRetries: 1 });
    const answer = await manager.ask(question, NEVER);
    expect(answer).toMatchObject({ ok: false, error: { failure: { reason: 'manager-unavailable' } } });
    expect(answer.ok || answer.error.failure.message).toContain('nothing was heard for 0.3 s');
    expect(calls()).toHaveLength(2);
  });

  test('endless pings are no silence, and end at the total time', async () => {
    const { manager, calls } = await rig(
      [{ json: { answer: 1 }, usage: USAGE, fault: { kind: 'pings', everyMs: 20 } }],
      { silenceMs: 4000, timeoutMs: 6000 },
    );
    const answer = await manager.ask(question, NEVER);
    if (answer.ok) throw new Error('expected a failure');
    expect(answer.error.failure.message).toContain('within 6 s');
    expect(answer.error.usage[0]?.input).toBe(1000);
    expect(calls()).toHaveLength(1);
  });

  test('an abort ends the call, and a later one before it starts', async () => {
    const controller = new AbortController();
    const { manager, simulator } = await rig([
      { json: { answer: 1 }, usage: USAGE, fault: { kind: 'silence' } },
    ]);
    const asked = manager.ask(question, controller.signal);
    await expect.poll(() => simulator.requests.length, { timeout: 30_000 }).toBe(2);
    controller.abort();
    expect(await asked).toMatchObject({ ok: false, error: { failure: { reason: 'interrupted' } } });
    const again = await manager.ask(question, controller.signal);
    expect(again).toMatchObject({ ok: false, error: { failure: { reason: 'interrupted' } } });
  });
});

describe('research', () => {
  test('searches the web, goes on after a pause, and tells the sources', async () => {
    const results = [{ title: 'Docs', url: 'https://example.com/docs' }];
    const { manager, calls } = await rig([
      { searches: [{ query: 'docs', results }], stopReason: 'pause_turn', usage: USAGE },
      { json: { answer: 7 }, usage: USAGE },
    ]);
    const reply = await manager.ask({ ...question, research: true }, NEVER);
    if (!reply.ok) throw new Error(reply.error.failure.message);
    expect(reply.value.sources).toEqual(['https://example.com/docs']);
    expect(reply.value.value).toEqual({ answer: 7 });
    expect(reply.value.usage[0]?.input).toBe(2000);
    expect(calls()[0]?.tools?.map(({ name }) => name)).toEqual(['web_search']);
    expect(calls()[1]?.messages.at(-1)?.role).toBe('assistant');
  });
});

test('a PRD becomes tasks, with a correction for a cycle in between', async () => {
  const task = (id: string, dependencies: string[]): object => ({
    id,
    title: `Task ${id}`,
    description: '',
    details: '',
    testStrategy: '',
    priority: 'high',
    dependencies,
    size: 'S',
    estimateMinutes: 3,
    touches: ['src/**'],
    risk: 'low',
  });
  const { manager, calls } = await rig([
    { json: { tasks: [task('1', ['2']), task('2', ['1'])] }, usage: USAGE },
    { json: { tasks: [task('1', []), task('2', ['1'])] }, usage: USAGE },
  ]);
  const parsed = await parsePrd(manager, { prd: 'Build it.', existing: [] }, NEVER);
  if (!parsed.ok) throw new Error(parsed.error.failure.message);
  expect(parsed.value.drafts.map(({ id, dependencies }) => [id, dependencies])).toEqual([
    ['1', []],
    ['2', ['1']],
  ]);
  expect(parsed.value.usage[0]?.costUsd).toBeCloseTo(0.012, 9);
  expect(JSON.stringify(calls()[1]?.messages.at(-1))).toContain('cycle: 1 → 2 → 1');
});
