import { describe, expect, test } from 'vitest';
import { parseStreamLine } from '../../../../src/worker/claude/stream-json.ts';
import { UsageMeter } from '../../../../src/worker/claude/usage-meter.ts';

function usage(resumed: boolean, ...lines: readonly object[]): ReturnType<UsageMeter['usage']> {
  const meter = new UsageMeter(resumed);
  for (const line of lines) meter.add(parseStreamLine(Buffer.from(JSON.stringify(line))));
  return meter.usage();
}

const SONNET = 'claude-sonnet-5-5';
const cli = (inputTokens: number, costUSD: number) => ({
  [SONNET]: { inputTokens, outputTokens: 5, costUSD },
});
const start = (id: string, input_tokens: number) => ({
  type: 'stream_event',
  event: { type: 'message_start', message: { id, model: SONNET, usage: { input_tokens, output_tokens: 1 } } },
});
const delta = (output_tokens: number, id?: string) => ({
  type: 'stream_event',
  api_message_id: id,
  event: { type: 'message_delta', usage: { output_tokens } },
});
const assistant = (id: string, input_tokens: number, model = SONNET) => ({
  type: 'assistant',
  message: { id, model, content: [], usage: { input_tokens, output_tokens: 1 } },
});
const result = (since: object | undefined, total: object) => ({
  type: 'result',
  modelUsage: total,
  model_usage_since_last_result: since,
});

describe('what a process used', () => {
  test('is what its results say it used, not what the session had used before', () => {
    expect(usage(true, result(cli(10, 1), cli(110, 11)))).toMatchObject([{ input: 10, costUsd: 1 }]);
    expect(usage(true, result(cli(10, 1), cli(110, 11)), result(cli(20, 2), cli(130, 13)))).toMatchObject([
      { input: 30, costUsd: 3 },
    ]);
  });

  test('is the total of a new session where a CLI tells no difference', () => {
    expect(usage(false, result(undefined, cli(10, 1)), result(undefined, cli(30, 3)))).toMatchObject([
      { input: 30, costUsd: 3 },
    ]);
  });

  test('is what the stream tells where there is no result, each message once', () => {
    const lines = [
      start('a', 100),
      assistant('a', 100),
      assistant('a', 100),
      delta(50, 'a'),
      start('b', 200),
      delta(7),
    ];
    expect(usage(false, ...lines)).toEqual([
      { model: SONNET, input: 300, output: 57, cacheRead: 0, cacheWrite: 0, costUsd: 0.00117 },
    ]);
  });

  test('adds to the results what came after the last of them', () => {
    const lines = [
      start('a', 100),
      delta(5, 'a'),
      result(cli(100, 1), cli(100, 1)),
      start('b', 50),
      delta(5, 'b'),
    ];
    expect(usage(false, ...lines)).toMatchObject([{ input: 150, output: 10 }]);
  });

  test('holds messages of subagents, and none that the CLI made up', () => {
    const lines = [
      assistant('a', 10),
      assistant('b', 5, 'claude-haiku-5-5'),
      assistant('c', 99, '<synthetic>'),
    ];
    expect(usage(false, ...lines)).toMatchObject([
      { model: 'claude-haiku-5-5', input: 5 },
      { model: SONNET, input: 10 },
    ]);
  });

  test('is right for more messages than are kept open', () => {
    const lines = Array.from({ length: 2000 }, (_, index) => [
      start(`m${index}`, 1),
      delta(2, `m${index}`),
    ]).flat();
    expect(usage(false, ...lines)).toMatchObject([{ input: 2000, output: 4000 }]);
  });
});
