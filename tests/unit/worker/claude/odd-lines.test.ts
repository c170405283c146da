import fc from 'fast-check';
import { expect, test } from 'vitest';
import { OUTCOMES } from '../../../../src/domain/outcome.ts';
import { cliFailure } from '../../../../src/manager/cli/cli-failure.ts';
import { classifyEnd } from '../../../../src/worker/claude/classify-end.ts';
import { readLimitObservation } from '../../../../src/worker/claude/limit-observation.ts';
import { describeAction } from '../../../../src/worker/claude/progress.ts';
import { Transcript } from '../../../../src/worker/claude/transcript.ts';
import { cases } from '../../../rig/effort.ts';

/** The fields that the readers use, each with a possible value. A line may have any other value too. */
const known: Readonly<Record<string, unknown>> = {
  subtype: 'success',
  is_error: true,
  result: 'API Error',
  errors: ['x'],
  terminal_reason: 'api_error',
  api_error: 'usage_limit_reached',
  api_error_status: 429,
  is_api_error_message: true,
  error: 'rate_limit',
  message: { id: 'm', model: 'x', content: [{ type: 'tool_use', name: 'Bash', input: { command: 'x' } }] },
  event: { type: 'message_start', message: { id: 'm', usage: {} } },
  rate_limit_info: { status: 'rejected', resetsAt: 1e30, rateLimitType: 'five_hour' },
  api_error_params: { rate_limit_info: { resetsAt: 1e30 } },
  structured_output: { status: 'completed' },
  permission_denials: [{ tool_name: 'Bash', tool_input: { command: 7 } }],
  modelUsage: { x: { costUSD: 'much' } },
  num_turns: -1,
};
const fields = fc.record(
  Object.fromEntries(
    Object.entries(known).map(([name, value]) => [name, fc.oneof(fc.constant(value), fc.jsonValue())]),
  ),
  { requiredKeys: [] },
);
const types = ['system', 'assistant', 'result', 'rate_limit_event', 'stream_event', 'tool_progress', 'user'];
const line = fc
  .tuple(fc.constantFrom(...types), fields)
  .map(([type, rest]) => Buffer.from(JSON.stringify({ type, ...rest })));

test('whatever fields lines of the CLI lack or have, an end has an outcome, a message and times that a date can tell', () => {
  fc.assert(
    fc.property(fc.array(line, { maxLength: 6 }), (lines) => {
      const transcript = new Transcript(false);
      for (const bytes of lines) {
        const entry = transcript.add({ kind: 'line', bytes });
        describeAction(entry, '/work');
        for (const { resetsAt } of readLimitObservation(entry)?.windows ?? [])
          expect(() => new Date(resetsAt ?? 0).toISOString()).not.toThrow();
      }
      const facts = transcript.facts();
      const { end } = classifyEnd({
        transcript: facts,
        stderr: '',
        exitCode: 1,
        signal: null,
        endedBy: 'itself',
        model: 'sonnet',
        timeoutMs: 1,
        stallMs: 1,
      });
      expect(OUTCOMES).toContain(end.outcome);
      expect(() => new Date(end.resetsAt ?? 0).toISOString()).not.toThrow();
      for (const { costUsd } of end.usage) expect(costUsd).toBeGreaterThanOrEqual(0);
      expect(cliFailure(facts, 'opus', 'API key', '').message).not.toBe('');
    }),
    { numRuns: cases(2_000) },
  );
});
