import { describe, expect, test } from 'vitest';
import type { AttemptOutcome } from '../../../../src/domain/outcome.ts';
import { classifyEnd, type ProcessEnd } from '../../../../src/worker/claude/classify-end.ts';
import { Transcript } from '../../../../src/worker/claude/transcript.ts';

type Line = Record<string, unknown>;

function end(lines: readonly Line[], overrides: Partial<ProcessEnd> = {}): ProcessEnd {
  const transcript = new Transcript(false);
  for (const line of lines) transcript.add({ kind: 'line', bytes: Buffer.from(JSON.stringify(line)) });
  return {
    transcript: transcript.facts(),
    stderr: '',
    exitCode: 0,
    signal: null,
    endedBy: 'itself',
    model: 'claude-sonnet-9',
    timeoutMs: 1_800_000,
    stallMs: 600_000,
    ...overrides,
  };
}

const init = { type: 'system', subtype: 'init' };
const report = { status: 'completed', summary: 'Done.', handover: '', followUps: [] };
const success: Line = {
  type: 'result',
  subtype: 'success',
  is_error: false,
  terminal_reason: 'completed',
  structured_output: report,
  result: JSON.stringify(report),
};
const failure = (fields: Line): Line => ({
  ...success,
  is_error: true,
  terminal_reason: 'api_error',
  structured_output: undefined,
  result: 'API Error',
  ...fields,
});
const apiError = (error: string, fields: Line = {}): Line => ({
  type: 'assistant',
  message: { id: 'x', model: '<synthetic>', content: [{ type: 'text', text: 'said by the CLI' }] },
  error,
  is_api_error_message: true,
  ...fields,
});
const text = {
  type: 'assistant',
  message: { id: 'm', model: 'claude-sonnet-5-5', content: [{ type: 'text', text: 'hi' }] },
};
/** A reply of the model with these token counts. All but the output belong to the session's context. */
const reply = (usage: Line = { input_tokens: 7 }, fields: Line = {}): Line => ({
  type: 'assistant',
  message: { id: 'm', model: 'claude-sonnet-5-5', content: [], usage },
  ...fields,
});
const loop: Line[] = Array.from({ length: 13 }, (_, index) => [
  {
    type: 'assistant',
    message: {
      content: [{ type: 'tool_use', id: `toolu_${index}`, name: 'Bash', input: { command: 'npm test' } }],
    },
  },
  {
    type: 'user',
    message: { content: [{ type: 'tool_result', tool_use_id: `toolu_${index}`, content: '1 failed' }] },
  },
]).flat();
const rejected = { status: 'rejected', resetsAt: 1_795_335_096, rateLimitType: 'five_hour' };
const REGAIN =
  'API Error: 400 You have reached your specified API usage limits. You will regain access on 2026-12-01 at 00:00 UTC.';
const error = (subtype: string, words: string): Line => ({
  type: 'result',
  subtype,
  is_error: true,
  errors: [words],
});

describe('an ended run with a result', () => {
  test.each<[string, AttemptOutcome, Line[], RegExp?]>([
    ['success', 'landed', [success]],
    [
      'nothing to do',
      'no-change',
      [{ ...success, structured_output: { ...report, status: 'nothing-to-do' } }],
    ],
    [
      'blocked',
      'refused',
      [{ ...success, structured_output: { ...report, status: 'blocked', summary: 'No.' } }],
      /blocked: No\./,
    ],
    [
      'no report',
      'crashed',
      [{ ...success, structured_output: undefined, result: 'All fine!' }],
      /last words: All fine!/,
    ],
    [
      'a report of another form',
      'crashed',
      [{ ...success, structured_output: { status: 'ok' } }],
      /without a report/,
    ],
    [
      'max turns',
      'timed-out',
      [error('error_max_turns', 'Reached maximum number of turns (2)')],
      /\(2\).*max_turns/,
    ],
    ['budget', 'over-budget', [error('error_max_budget_usd', 'Reached maximum budget ($3)')], /\$3/],
    ['invalid reports', 'crashed', [error('error_max_structured_output_retries', 'x')], /no valid report/],
    [
      'SIGINT from outside',
      'cancelled',
      [{ ...error('error_during_execution', '[ede_diagnostic]'), terminal_reason: 'aborted_tools' }],
    ],
    ['an unknown subtype', 'crashed', [error('error_new_kind', 'words')], /words/],
    [
      'no is_error and an error subtype',
      'crashed',
      [{ type: 'result', subtype: 'error_x', structured_output: report }],
    ],
    ['401', 'unauthenticated', [apiError('authentication_failed'), failure({ api_error_status: 401 })]],
    ['401 without its message', 'unauthenticated', [failure({ api_error_status: 401 })]],
    ['403', 'unauthenticated', [apiError('authentication_failed'), failure({ api_error_status: 403 })]],
    [
      'no credentials',
      'unauthenticated',
      [apiError('authentication_failed'), failure({ api_error_status: null })],
    ],
    [
      'no credit',
      'unauthenticated',
      [apiError('billing_error'), failure({ api_error_status: 400, result: 'Credit balance is too low' })],
      /no credit left/,
    ],
    [
      '404',
      'model-unavailable',
      [apiError('model_not_found'), failure({ api_error_status: 404 })],
      /"claude-sonnet-9".*models\.worker\.model.*API Error/,
    ],
    [
      'the limit that the owner of a key has set',
      'usage-limited',
      [apiError('invalid_request'), failure({ api_error_status: 400, result: REGAIN })],
      /regain access/,
    ],
    ['402', 'unauthenticated', [failure({ api_error_status: 402 })], /no credit left; add some/],
    ['400', 'refused', [apiError('unknown'), failure({ api_error_status: 400 })]],
    [
      'prompt too long',
      'prompt-too-long',
      [apiError('invalid_request'), failure({ terminal_reason: 'prompt_too_long', api_error_status: 400 })],
    ],
    ['prompt too long for the CLI', 'prompt-too-long', [failure({ terminal_reason: 'blocking_limit' })]],
    [
      '413',
      'prompt-too-long',
      [apiError('invalid_request'), failure({ terminal_reason: 'image_error', api_error_status: 413 })],
    ],
    ['refusal', 'refused', [failure({ stop_reason: 'refusal' })], /model refused/],
    ['max tokens', 'crashed', [failure({ api_error: 'max_output_tokens' })], /too long/],
    ['429', 'infrastructure', [apiError('rate_limit'), failure({ api_error_status: 429 })]],
    ['500', 'infrastructure', [apiError('server_error'), failure({ api_error_status: 500 })]],
    ['529', 'infrastructure', [apiError('server_error'), failure({ api_error_status: 529 })]],
    [
      'no connection',
      'infrastructure',
      [apiError('server_error'), failure({ api_error: 'connection_failed', api_error_status: null })],
    ],
    ['a silent stream', 'infrastructure', [failure({ api_error: 'stream_idle_timeout' })]],
    ['a malformed stream', 'infrastructure', [apiError('unknown'), failure({ api_error_status: null })]],
    ['an error without any reason', 'crashed', [failure({ result: '' })], /no reason/],
    [
      'a usage limit',
      'usage-limited',
      [
        apiError('rate_limit', { api_error_params: { rate_limit_info: rejected } }),
        failure({ api_error: 'usage_limit_reached', api_error_status: 429 }),
      ],
    ],
  ])('by %s is %s', (_, outcome, lines, says) => {
    const verdict = classifyEnd(end([init, ...lines], { exitCode: 1 }));
    expect(verdict.end.outcome).toBe(outcome);
    expect(verdict.kind).toBe(['landed', 'no-change'].includes(outcome) ? 'reported' : 'ended');
    if (says !== undefined) expect(verdict.end.message).toMatch(says);
  });

  test('takes the reset of a usage limit from where it stands', () => {
    const limited = failure({ api_error: 'usage_limit_reached', api_error_status: 429 });
    const inMessage = apiError('rate_limit', { api_error_params: { rate_limit_info: rejected } });
    const event = { type: 'rate_limit_event', rate_limit_info: rejected };
    expect(classifyEnd(end([inMessage, limited])).end.resetsAt).toBe(1_795_335_096_000);
    expect(classifyEnd(end([event, limited])).end.resetsAt).toBe(1_795_335_096_000);
    expect(classifyEnd(end([limited])).end.resetsAt).toBeNull();
  });

  test('takes the end of the limit that the owner of a key has set from its message', () => {
    const limited = failure({ api_error_status: 400, result: REGAIN });
    expect(classifyEnd(end([limited])).end.resetsAt).toBe(Date.parse('2026-12-01T00:00:00Z'));
  });

  test.each<[string, boolean, Line[]]>([
    ['429 with a key', true, [apiError('rate_limit'), failure({ api_error_status: 429 })]],
    ['529', true, [apiError('server_error'), failure({ api_error_status: 529 })]],
    ['no connection', true, [failure({ api_error: 'connection_failed', api_error_status: null })]],
    ['a refused key', false, [failure({ api_error_status: 401 })]],
    ['no report', false, [{ ...success, structured_output: undefined }]],
    ['a usage limit', false, [failure({ api_error: 'usage_limit_reached', api_error_status: 429 })]],
  ])('by %s is an outage: %s', (_, outage, lines) => {
    expect(classifyEnd(end([init, ...lines], { exitCode: 1 })).end.outage).toBe(outage);
  });

  test('tells what the session held at its last reply, and not what a subagent or an error did', () => {
    const usage = { input_tokens: 5, cache_read_input_tokens: 1000, cache_creation_input_tokens: 200 };
    const other = reply({ input_tokens: 9_999 }, { parent_tool_use_id: 'toolu_1' });
    const lines = [reply({ input_tokens: 3 }), reply(usage), other, apiError('server_error')];
    expect(classifyEnd(end([init, ...lines])).end.contextTokens).toBe(1205);
    expect(classifyEnd(end([init, apiError('server_error')])).end.contextTokens).toBeNull();
  });

  test('is a success although a rate limit event says "rejected"', () => {
    const event = { type: 'rate_limit_event', rate_limit_info: { ...rejected, isUsingOverage: true } };
    expect(classifyEnd(end([event, success])).end.outcome).toBe('landed');
  });

  test('is a success with denials, and an honest failure where they led to no report', () => {
    const permission_denials = [{ tool_name: 'Bash', tool_input: { command: 'npm test -- a' } }];
    const denials = [{ tool: 'Bash', rule: 'Bash(npm test:*)' }];
    expect(classifyEnd(end([{ ...success, permission_denials }])).end).toMatchObject({
      outcome: 'landed',
      denials,
    });
    const silent = { ...success, permission_denials, structured_output: undefined };
    expect(classifyEnd(end([silent])).end).toMatchObject({ outcome: 'permission-denied', denials });
  });

  test('is judged by its last result', () => {
    expect(classifyEnd(end([failure({ api_error_status: 500 }), text, success])).end.outcome).toBe('landed');
    expect(classifyEnd(end([success, text, failure({ api_error_status: 500 })])).end.outcome).toBe(
      'infrastructure',
    );
  });

  test('that we ended after its result counts; in the middle of a further turn it does not', () => {
    for (const endedBy of ['after-result', 'timed-out', 'stalled'] as const)
      expect(classifyEnd(end([success], { endedBy, exitCode: 143 })).end.outcome).toBe('landed');
    expect(classifyEnd(end([success, text], { endedBy: 'stalled' })).end.outcome).toBe('stalled');
    expect(classifyEnd(end([success], { endedBy: 'aborted' })).end.outcome).toBe('cancelled');
  });

  test('of an unknown session is told apart', () => {
    const words = 'No conversation found with session ID: x';
    expect(classifyEnd(end([error('error_during_execution', words)], { exitCode: 1 })).kind).toBe(
      'session-unknown',
    );
  });
});

describe('an ended run without a result', () => {
  test.each<[string, AttemptOutcome, Line[], Partial<ProcessEnd>, RegExp]>([
    ['our time limit', 'timed-out', [init], { endedBy: 'timed-out', exitCode: 143 }, /30 min/],
    ['our stall limit', 'stalled', [init], { endedBy: 'stalled', exitCode: 143 }, /10 min/],
    ['our abort', 'cancelled', [init], { endedBy: 'aborted', exitCode: 143 }, /Stopped/],
    ['SIGTERM from outside', 'crashed', [init, reply()], { exitCode: 143 }, /exit code 143/],
    [
      'SIGKILL from outside',
      'crashed',
      [init, reply()],
      { exitCode: null, signal: 'SIGKILL' },
      /SIGKILL.*memory/,
    ],
    ['exit 0 in the middle', 'crashed', [init, reply()], {}, /exit code 0/],
    ['exit 0 and nothing said', 'infrastructure', [init], {}, /exit code 0 before the model said anything/],
    ['SIGTERM at once', 'infrastructure', [init], { exitCode: 143 }, /exit code 143 before/],
    ['SIGKILL at once', 'infrastructure', [], { exitCode: null, signal: 'SIGKILL' }, /SIGKILL.*before/],
    ['a loop', 'looping', [init, ...loop], { endedBy: 'looping', exitCode: 143 }, /`Bash npm test` 12 times/],
    ['a killed orchestrator', 'cancelled', [init], { exitCode: null }, /orchestrator/],
    [
      'a bad flag',
      'infrastructure',
      [],
      { exitCode: 1, stderr: "error: unknown option '--x'\n" },
      /does not know the option --x: it is too old.*claude_cli\.flags/,
    ],
    ['a deleted directory', 'infrastructure', [], { exitCode: 1, stderr: 'ENOENT: getcwd\n' }, /getcwd/],
    [
      'a prompt over 10 MB',
      'prompt-too-long',
      [],
      { exitCode: 1, stderr: 'Error: piped stdin input exceeds 10MB' },
      /10MB/,
    ],
    [
      'an API error that came before the kill',
      'infrastructure',
      [init, apiError('server_error', { api_error_status: 500 })],
      { exitCode: 143 },
      /said by the CLI/,
    ],
    [
      'a usage limit that came before the kill',
      'usage-limited',
      [init, apiError('rate_limit', { api_error_params: { rate_limit_info: rejected } })],
      { exitCode: 143 },
      /./,
    ],
  ])('by %s is %s', (_, outcome, lines, overrides, says) => {
    const verdict = classifyEnd(end(lines, overrides));
    expect(verdict.kind).toBe('ended');
    expect(verdict.end).toMatchObject({ outcome, message: expect.stringMatching(says) as string });
  });

  test('because the session exists is told apart', () => {
    const stderr = 'Error: Session ID 11111111-1111-4111-8111-111111111111 is already in use.';
    expect(classifyEnd(end([], { exitCode: 1, stderr })).kind).toBe('session-exists');
  });

  test('has a message of one printable line, however long and wild the reason is', () => {
    const { message } = classifyEnd(
      end([], { exitCode: 1, stderr: `error: \u001b[31m${'x\u0007\t'.repeat(9999)}\n` }),
    ).end;
    expect(message).toMatch(/^[ -~…]+$/);
    expect(message.length).toBeLessThanOrEqual(600);
  });
});
