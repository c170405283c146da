import { describe, expect, test } from 'vitest';
import { NO_TOKENS, type ModelUsage } from '../../../src/domain/attempt.ts';
import { usageLines } from '../../../src/cli/usage-text.ts';

const used = (model: string, costUsd: number): ModelUsage => ({
  model,
  ...NO_TOKENS,
  input: 1_200_000,
  costUsd,
});
const OPUS = used('claude-opus-4-7-20260416', 12.5);
const SONNET = used('claude-sonnet-5-5', 0.0042);
const usage = { run: [SONNET], last5h: [OPUS, SONNET], last7d: [OPUS, SONNET], account: null };

describe('usage by model', () => {
  test('at 40 columns is the money', () => {
    expect(usageLines(usage, 40)).toMatchInlineSnapshot(`
      [
        "usage         this run last 5 h last 7 d",
        "opus-4-7-202…        -   $12.50   $12.50",
        "sonnet-5-5     $0.0042  $0.0042  $0.0042",
        "total          $0.0042   $12.50   $12.50",
      ]
    `);
  });

  test('at 80 columns has tokens too', () => {
    expect(usageLines(usage, 80)).toMatchInlineSnapshot(`
      [
        "usage                             this run          last 5 h          last 7 d",
        "claude-opus-4-7-20260416                 -    1.2M    $12.50    1.2M    $12.50",
        "claude-sonnet-5-5           1.2M   $0.0042    1.2M   $0.0042    1.2M   $0.0042",
        "total                       1.2M   $0.0042    2.4M    $12.50    2.4M    $12.50",
      ]
    `);
  });

  test.each([40, 50, 60, 69, 70, 80, 120])('is whole at %i columns', (columns) => {
    const lines = usageLines(usage, columns);
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(columns);
    expect(lines.at(-1)).toMatch(/^total +.*\$0\.0042 .*\$12\.50 .*\$12\.50$/);
  });
});
