import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { computePause } from '../../../../src/domain/usage-limit.ts';
import { readLimitObservation } from '../../../../src/worker/claude/limit-observation.ts';
import { parseStreamLine } from '../../../../src/worker/claude/stream-json.ts';
import { cases } from '../../../rig/effort.ts';

const SECONDS = 1_795_335_096;
const observed = (line: object) => readLimitObservation(parseStreamLine(Buffer.from(JSON.stringify(line))));
const event = (info: object) => observed({ type: 'rate_limit_event', rate_limit_info: info });
const apiError = (fields: object, text = 'sorry') =>
  observed({
    type: 'assistant',
    message: { model: '<synthetic>', content: [{ type: 'text', text }] },
    is_api_error_message: true,
    ...fields,
  });

const rejected = { status: 'rejected', resetsAt: SECONDS, rateLimitType: 'five_hour', isUsingOverage: false };

describe('a rate_limit_event', () => {
  test('tells every window, in milliseconds', () => {
    const info = {
      status: 'allowed',
      resetsAt: SECONDS,
      rateLimitType: 'five_hour',
      isUsingOverage: false,
      unifiedWindows: {
        five_hour: { utilization: 0.31, resetsAt: SECONDS, status: 'allowed' },
        seven_day: { utilization: 0.65, resetsAt: SECONDS + 9, status: 'allowed_warning' },
      },
    };
    expect(event(info)).toEqual({
      refused: false,
      overageInUse: false,
      windows: [
        { name: 'five_hour', utilization: 0.31, status: 'allowed', resetsAt: SECONDS * 1000 },
        { name: 'seven_day', utilization: 0.65, status: 'allowed_warning', resetsAt: (SECONDS + 9) * 1000 },
      ],
    });
  });

  test('of a refused request is a refusal, with or without the windows that are not documented', () => {
    const window = { name: 'five_hour', status: 'rejected', resetsAt: SECONDS * 1000 };
    for (const unifiedWindows of [
      undefined,
      null,
      'odd',
      { five_hour: 7 },
      { five_hour: { status: 'allowed' } },
    ])
      expect(event({ ...rejected, unifiedWindows })).toEqual({
        refused: true,
        overageInUse: false,
        windows: [{ ...window, utilization: null }],
      });
    const unifiedWindows = { five_hour: { utilization: 1, resetsAt: SECONDS, status: 'rejected' } };
    expect(event({ ...rejected, unifiedWindows })?.windows).toEqual([{ ...window, utilization: 1 }]);
  });

  test('of a limit for one model names it beside the others, which are not exhausted', () => {
    const unifiedWindows = { five_hour: { utilization: 0.2, resetsAt: SECONDS + 5, status: 'allowed' } };
    const seen = event({ ...rejected, rateLimitType: 'seven_day_opus', unifiedWindows });
    expect(seen).toMatchObject({ refused: true });
    expect(seen === undefined ? undefined : computePause(seen, SECONDS * 1000 - 5000)).toMatchObject({
      window: 'seven_day_opus',
      until: SECONDS * 1000,
    });
  });

  test('with use beyond the plan is no refusal', () => {
    for (const overage of [{ isUsingOverage: true }, { overageInUse: true }, { overageStatus: 'allowed' }])
      expect(event({ ...rejected, ...overage })).toMatchObject({ refused: false, overageInUse: true });
    expect(event({ ...rejected, overageStatus: 'rejected' })).toMatchObject({ refused: true });
  });

  test('of throttling, which names no window, tells nothing', () => {
    expect(event({ status: 'rejected', isUsingOverage: false })).toBeUndefined();
    expect(event({ status: 'allowed', isUsingOverage: false })).toBeUndefined();
    expect(event({})).toBeUndefined();
  });

  test('is read whatever it holds', () => {
    const info = fc.record(
      {
        status: fc.oneof(fc.constantFrom('allowed', 'rejected'), fc.jsonValue()),
        resetsAt: fc.oneof(fc.double(), fc.jsonValue()),
        rateLimitType: fc.oneof(fc.constant('five_hour'), fc.jsonValue()),
        utilization: fc.jsonValue(),
        isUsingOverage: fc.jsonValue(),
        unifiedWindows: fc.oneof(
          fc.jsonValue(),
          fc.dictionary(
            fc.string(),
            fc.record(
              { utilization: fc.jsonValue(), resetsAt: fc.jsonValue(), status: fc.jsonValue() },
              { requiredKeys: [] },
            ),
          ),
        ),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(info, (given) => {
        for (const { name, utilization, status, resetsAt } of event(given)?.windows ?? []) {
          expect(typeof name).toBe('string');
          expect(utilization === null || utilization >= 0).toBe(true);
          expect(['allowed', 'allowed_warning', 'rejected']).toContain(status);
          expect(resetsAt === null || resetsAt > 0).toBe(true);
        }
      }),
      { numRuns: cases(1000) },
    );
  });
});

describe('an error in place of a reply', () => {
  test('that is a usage limit refuses, and tells when it resets where that is there', () => {
    const params = { rate_limit_info: rejected };
    const whole = { error: 'rate_limit', api_error: 'usage_limit_reached', api_error_params: params };
    const window = { name: 'five_hour', utilization: null, status: 'rejected', resetsAt: SECONDS * 1000 };
    expect(apiError(whole)).toEqual({ refused: true, overageInUse: false, windows: [window] });
    expect(apiError({ error: 'rate_limit', api_error_params: params })).toMatchObject({ refused: true });
    expect(apiError({ error: 'rate_limit', api_error: 'usage_limit_reached' })).toEqual({
      refused: true,
      overageInUse: false,
      windows: [],
    });
  });

  test('that is the monthly limit of an API account refuses until access is regained', () => {
    const text =
      'API Error: 400 You have reached your specified API usage limits. You will regain access on 2026-12-01 at 00:00 UTC.';
    expect(apiError({ error: 'unknown', api_error_status: 400 }, text)).toMatchObject({
      refused: true,
      windows: [{ status: 'rejected', resetsAt: Date.parse('2026-12-01T00:00:00Z') }],
    });
  });

  test('of any other kind tells nothing of limits, nor does a reply that speaks of them', () => {
    expect(apiError({ error: 'rate_limit', api_error_status: 429 })).toBeUndefined();
    expect(apiError({ error: 'server_error', api_error_status: 529 })).toBeUndefined();
    const text = 'You have reached your API usage limits. You will regain access on 2026-12-01 at 00:00 UTC';
    expect(
      observed({ type: 'assistant', message: { content: [{ type: 'text', text }] }, error: 'rate_limit' }),
    ).toBeUndefined();
  });
});

test('a reset that no date can tell is none', () => {
  const line = {
    type: 'rate_limit_event',
    rate_limit_info: { status: 'rejected', resetsAt: 1e30, rateLimitType: 'five_hour' },
  };
  const entry = parseStreamLine(Buffer.from(JSON.stringify(line)));
  expect(readLimitObservation(entry)?.windows).toMatchObject([{ name: 'five_hour', resetsAt: null }]);
});
