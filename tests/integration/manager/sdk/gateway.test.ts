import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { createSdkManager } from '../../../../src/manager/sdk/sdk-manager.ts';
import { resolveModel } from '../../../../src/manager/sdk/models.ts';

const NEVER = new AbortController().signal;

let server: Server | undefined;
afterEach(async () => {
  await new Promise<void>((done) => (server === undefined ? done() : server.close(() => done())));
  server = undefined;
});

/** A gateway that is older than the SDK, or that somebody wrote over a weekend. */
async function gateway(answers: { models?: unknown; message?: readonly object[] }): Promise<string> {
  const started = createServer((request, response) => {
    request.resume();
    response.setHeader('connection', 'close');
    if (request.url?.startsWith('/v1/models') === true) {
      const isText = typeof answers.models === 'string';
      response.setHeader('content-type', isText ? 'text/html' : 'application/json');
      response.end(
        isText
          ? answers.models
          : JSON.stringify(answers.models === undefined ? { data: [] } : answers.models),
      );
      return;
    }
    response.setHeader('content-type', 'text/event-stream');
    for (const event of answers.message ?? [])
      response.write(`event: ${(event as { type: string }).type}\ndata: ${JSON.stringify(event)}\n\n`);
    response.end();
  });
  server = started;
  await new Promise<void>((done) => started.listen(0, '127.0.0.1', done));
  return `http://127.0.0.1:${(started.address() as AddressInfo).port}`;
}

const connect = (baseUrl: string) => ({
  apiKey: 'any-key',
  baseUrl,
  timeoutMs: 30_000,
  silenceMs: 20_000,
  maxRetries: 0,
  baseMs: 1,
  maxMs: 1,
  random: () => 0,
});

async function resolve(models: unknown, name: string) {
  const url = await gateway({ models });
  const deadline = { at: performance.now() + 20_000, signal: NEVER };
  return await resolveModel(connect(url), name, deadline);
}

describe('a models list', () => {
  const opus = { type: 'model', id: 'claude-opus-5-5', created_at: '2026-01-01T00:00:00Z' };

  test.each<[string, unknown, string, object]>([
    ['with ids and times only', { data: [opus] }, 'opus', { value: { id: 'claude-opus-5-5', note: '' } }],
    ['with ids only', { data: [{ id: opus.id }] }, 'opus', { value: { id: 'claude-opus-5-5' } }],
    [
      'with nulls',
      { data: [{ ...opus, retires_at: null, line: null, max_tokens: null }] },
      opus.id,
      { value: { maxOutput: 32_000 } },
    ],
    [
      'with odd types',
      { data: [{ ...opus, retires_at: 7, lifecycle: {}, max_tokens: 'many' }, 3, null] },
      opus.id,
      { value: { id: opus.id } },
    ],
    [
      'that is deprecated without a date',
      { data: [{ ...opus, lifecycle: 'deprecated' }] },
      'opus',
      { value: { note: 'deprecated' } },
    ],
    ['that is empty', { data: [] }, 'opus', { error: { reason: 'model-unavailable' } }],
    ['that is none', { models: [] }, 'opus', { error: { reason: 'model-unavailable' } }],
    [
      'that is null',
      null,
      'opus',
      { error: { message: expect.stringContaining('no models list') as string } },
    ],
    [
      'without a model of the line',
      { data: [opus] },
      'sonnet',
      { error: { fix: expect.stringContaining('id of a model') as string } },
    ],
    ['that is a page for people', '<html>welcome</html>', 'opus', { error: {} }],
    ['that is none, for an id', [], 'my-model', { value: { id: 'my-model' } }],
  ])('%s', async (_, models, name, expected) => {
    expect(await resolve(models, name)).toMatchObject(expected);
  });

  test('of whatever form ends with a model or a failure, never with a bug', async () => {
    const odd = fc.record(
      {
        id: fc.oneof(fc.constant(opus.id), fc.jsonValue()),
        retires_at: fc.jsonValue(),
        created_at: fc.jsonValue(),
        lifecycle: fc.jsonValue(),
        line: fc.jsonValue(),
      },
      { requiredKeys: [] },
    );
    const answers: { models: unknown } = { models: [] };
    const url = await gateway(answers);
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.jsonValue(), fc.record({ data: fc.array(odd) })), async (models) => {
        answers.models = typeof models === 'string' ? [models] : models;
        const deadline = { at: performance.now() + 20_000, signal: NEVER };
        const found = await resolveModel(connect(url), 'opus', deadline);
        if (!found.ok) expect(found.error.message).not.toMatch(/undefined|not a function/);
      }),
      { numRuns: 40 },
    );
  });
});

const delta = (text: string) => ({
  type: 'content_block_delta',
  index: 0,
  delta: { type: 'text_delta', text },
});
const stream = (message: object, usage: object) => [
  {
    type: 'message_start',
    message: { id: 'm', type: 'message', role: 'assistant', content: [], ...message },
  },
  { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
  delta('{"answer": 42}'),
  { type: 'content_block_stop', index: 0 },
  { type: 'message_delta', delta: { stop_reason: 'end_turn' }, ...usage },
  { type: 'message_stop' },
];

test.each<[string, object, object, object]>([
  [
    'two counts only',
    { model: 'claude-opus-5-5', usage: { input_tokens: 1000, output_tokens: 1 } },
    { usage: { output_tokens: 100 } },
    { input: 1000, output: 100, cacheRead: 0 },
  ],
  [
    'no model',
    { usage: { input_tokens: 10, output_tokens: 1 } },
    { usage: { output_tokens: 5 } },
    { model: 'claude-opus-5-5', output: 5 },
  ],
  [
    'counts that are none',
    { model: 'x', usage: { input_tokens: 'few', output_tokens: null } },
    { usage: { output_tokens: null } },
    { input: 0, output: 0 },
  ],
])(
  'a reply that tells of its usage %s is read, and booked as far as is known',
  async (_, message, usage, booked) => {
    const url = await gateway({ message: stream(message, usage) });
    const made = await createSdkManager(connect(url), 'claude-opus-5-5', NEVER);
    if (!made.ok) throw new Error(made.error.message);
    const question = {
      purpose: 'plan',
      system: 'You plan.',
      prompt: 'What?',
      schema: z.object({ answer: z.number() }),
    };
    const answer = await made.value.ask(question, NEVER);
    if (!answer.ok) throw new Error(answer.error.failure.message);
    expect(answer.value.value).toEqual({ answer: 42 });
    expect(answer.value.usage).toMatchObject([booked]);
  },
);
