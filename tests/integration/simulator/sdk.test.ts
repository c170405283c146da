import Anthropic from '@anthropic-ai/sdk';
import { zodOutputFormat } from '@anthropic-ai/sdk/helpers/zod';
import { afterEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { startSimulator, type Simulator } from '../../../src/simulator/server.ts';
import type { Fault, ScenarioInput } from '../../../src/simulator/scenario.ts';

let simulator: Simulator | undefined;
afterEach(() => simulator?.close());

async function connect(rules: ScenarioInput['rules']): Promise<{ client: Anthropic; simulator: Simulator }> {
  simulator = await startSimulator({ rules });
  return {
    client: new Anthropic({ apiKey: 'sk-ant-simulated', baseURL: simulator.url, maxRetries: 0 }),
    simulator,
  };
}

const ASK = {
  model: 'claude-opus-5-5',
  max_tokens: 1000,
  messages: [{ role: 'user' as const, content: 'Plan this.' }],
};
const USAGE = { input: 10, output: 20, cacheRead: 30, cacheWrite: 40 };

describe('the Anthropic SDK against the simulator', () => {
  test('gets the same message whole and streamed', async () => {
    const text = 'Eins, zwei — 三. '.repeat(20);
    const { client, simulator: running } = await connect([
      { reply: { text, tools: [{ name: 'look', input: { at: ['a', 'ü'] } }], usage: USAGE } },
    ]);
    const whole = await client.messages.create(ASK);
    const streamed = await client.messages.stream(ASK).finalMessage();
    const content = [
      { type: 'text', text },
      { type: 'tool_use', name: 'look', input: { at: ['a', 'ü'] } },
    ];
    for (const message of [whole, streamed]) {
      expect(message).toMatchObject({ model: ASK.model, stop_reason: 'tool_use', content });
      expect(message.usage).toMatchObject({
        input_tokens: 10,
        output_tokens: 20,
        cache_read_input_tokens: 30,
        cache_creation_input_tokens: 40,
      });
    }
    expect(whole._request_id).toBe(running.requests[0]?.id);
    const costUsd = (10 * 4 + 20 * 20 + 30 * 0.2 + 40 * 5) / 1e6;
    const [usage] = running.ledger.usage('manager');
    expect(usage).toMatchObject({ model: ASK.model, input: 20, output: 40, cacheRead: 60, cacheWrite: 80 });
    expect(usage?.costUsd).toBeCloseTo(2 * costUsd, 12);
  });

  test('gets structured output', async () => {
    const { client } = await connect([{ reply: { json: { tasks: [{ id: '1' }] } } }]);
    const format = zodOutputFormat(z.object({ tasks: z.array(z.object({ id: z.string() })) }));
    const message = await client.messages.parse({ ...ASK, output_config: { format } });
    expect(message.parsed_output).toEqual({ tasks: [{ id: '1' }] });
  });

  test('gets web searches with their results, and pays for them', async () => {
    const results = [{ title: 'Docs', url: 'https://example.com/docs' }];
    const { client, simulator: running } = await connect([
      { reply: { searches: [{ query: 'docs', results }], text: 'Found.', usage: { input: 0 } } },
    ]);
    const tools = [{ type: 'web_search_20250305' as const, name: 'web_search' as const }];
    for (const message of [
      await client.messages.create({ ...ASK, tools }),
      await client.messages.stream({ ...ASK, tools }).finalMessage(),
    ]) {
      expect(message.stop_reason).toBe('end_turn');
      expect(message.content).toMatchObject([
        { type: 'server_tool_use', name: 'web_search', input: { query: 'docs' } },
        { type: 'web_search_tool_result', content: [{ type: 'web_search_result', ...results[0] }] },
        { type: 'text', text: 'Found.' },
      ]);
      expect(message.usage.server_tool_use?.web_search_requests).toBe(1);
    }
    expect(running.ledger.usage()[0]?.costUsd).toBeCloseTo(0.02, 9);
  });

  test('lists models, finds one, does not know an alias, and counts tokens', async () => {
    const { client } = await connect([]);
    const ids: string[] = [];
    for await (const model of client.models.list()) ids.push(model.id);
    expect(ids).toEqual(expect.arrayContaining(['claude-opus-5-5', 'claude-sonnet-5-5']));
    expect(await client.models.retrieve('claude-opus-5-5')).toMatchObject({
      line: 'opus',
      lifecycle: 'active',
    });
    await expect(client.models.retrieve('opus')).rejects.toBeInstanceOf(Anthropic.NotFoundError);
    expect((await client.messages.countTokens(ASK)).input_tokens).toBeGreaterThan(10);
  });

  test.each([
    [400, Anthropic.BadRequestError, 'invalid_request_error'],
    [401, Anthropic.AuthenticationError, 'authentication_error'],
    [403, Anthropic.PermissionDeniedError, 'permission_error'],
    [404, Anthropic.NotFoundError, 'not_found_error'],
    [429, Anthropic.RateLimitError, 'rate_limit_error'],
    [500, Anthropic.InternalServerError, 'api_error'],
    [529, Anthropic.InternalServerError, 'overloaded_error'],
  ])('gets the error of HTTP %i', async (status, kind, type) => {
    const { client, simulator: running } = await connect([
      { reply: { fault: { kind: 'http', status, retryAfter: 7 }, headers: { 'x-should-retry': 'false' } } },
    ]);
    const error: unknown = await client.messages.create(ASK).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(kind);
    expect(error).toMatchObject({ status, type, requestID: running.requests[0]?.id });
    expect((error as InstanceType<typeof Anthropic.APIError>).headers?.get('retry-after')).toBe('7');
    expect(running.ledger.entries).toEqual([]);
  });

  test.each<[name: string, fault: Fault]>([
    ['reset before headers', { kind: 'reset', at: 'before-headers' }],
    ['reset mid-stream', { kind: 'reset', at: 'mid-stream' }],
    ['truncated', { kind: 'truncated' }],
    ['malformed', { kind: 'malformed' }],
    ['error event', { kind: 'error-event', type: 'overloaded_error', message: 'Overloaded' }],
  ])('fails, whole and streamed, at the fault: %s', async (_, fault) => {
    const { client } = await connect([{ reply: { text: 'some text', fault } }]);
    await expect(client.messages.create(ASK)).rejects.toBeInstanceOf(Error);
    await expect(client.messages.stream(ASK).finalMessage()).rejects.toBeInstanceOf(Error);
  });

  test.each<[name: string, fault: Fault]>([
    ['no headers', { kind: 'no-headers' }],
    ['silence', { kind: 'silence' }],
    ['pings', { kind: 'pings', everyMs: 5 }],
  ])('hangs until it is aborted at the fault: %s', async (_, fault) => {
    const { client, simulator: running } = await connect([{ reply: { text: 'some text', fault } }]);
    const abort = new AbortController();
    const message = client.messages.stream(ASK, { signal: abort.signal }).finalMessage();
    message.catch(() => undefined);
    while (running.requests.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    abort.abort();
    await expect(message).rejects.toBeInstanceOf(Anthropic.APIUserAbortError);
  });

  test('is told what no rule answers, and what has no credential', async () => {
    const { client, simulator: running } = await connect([
      { when: { contains: 'else' }, reply: { text: 'x' } },
    ]);
    await expect(client.messages.create(ASK)).rejects.toThrow('no rule for this manager request');
    expect(running.unmatched).toHaveLength(1);
    const response = await fetch(`${running.url}/v1/messages`, { method: 'POST', body: '{}' });
    expect(response.status).toBe(401);
    const nonsense = await fetch(`${running.url}/v1/messages`, {
      method: 'POST',
      headers: { 'x-api-key': 'x' },
      body: '{',
    });
    expect([nonsense.status, await nonsense.json()]).toMatchObject([
      400,
      { error: { type: 'invalid_request_error' } },
    ]);
    const elsewhere = await fetch(`${running.url}/v1/files`, { headers: { 'x-api-key': 'x' } });
    expect(elsewhere.status).toBe(404);
  });

  test('closes while a reply hangs', async () => {
    const { client, simulator: running } = await connect([
      { reply: { fault: { kind: 'silence' }, text: 'x' } },
    ]);
    const message = client.messages.stream(ASK).finalMessage();
    message.catch(() => undefined);
    while (running.requests.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    await running.close();
    await expect(message).rejects.toBeInstanceOf(Error);
  });
});
