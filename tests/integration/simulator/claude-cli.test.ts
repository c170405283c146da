import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import type { ModelUsage } from '../../../src/domain/attempt.ts';
import type { Fault, ScenarioInput } from '../../../src/simulator/scenario.ts';
import { ALL } from '../../rig/effort.ts';
import {
  ended,
  REAL_CLAUDE,
  simulatorRig,
  STAND_IN,
  type ClaudeRun,
  type SimulatorRig,
} from '../../rig/simulator.ts';

const rigs: SimulatorRig[] = [];
afterEach(async () => {
  await Promise.all(rigs.splice(0).map((rig) => rig.close()));
});

async function start(scenario: ScenarioInput): Promise<SimulatorRig> {
  const rig = await simulatorRig(scenario);
  rigs.push(rig);
  return rig;
}

const ARGS = [
  '--model',
  'sonnet',
  '--permission-mode',
  'acceptEdits',
  '--setting-sources=user',
  '--strict-mcp-config',
];
const SCHEMA = [
  '--json-schema',
  '{"type":"object","properties":{"status":{"type":"string"}},"required":["status"]}',
];
const USAGE = { input: 1000, output: 50, cacheRead: 2000, cacheWrite: 300 };
const SUBSCRIPTION = { ANTHROPIC_API_KEY: '', CLAUDE_CODE_OAUTH_TOKEN: 'sk-ant-oat01-simulated' };

/** What the CLI says it used, in the words of the ledger. */
function reported(run: ClaudeRun): ModelUsage[] {
  const usage = run.result?.['modelUsage'] as Record<string, Record<string, number>>;
  return Object.entries(usage).map(([model, counts]) => ({
    model,
    input: counts['inputTokens'] ?? NaN,
    output: counts['outputTokens'] ?? NaN,
    cacheRead: counts['cacheReadInputTokens'] ?? NaN,
    cacheWrite: counts['cacheCreationInputTokens'] ?? NaN,
    costUsd: counts['costUSD'] ?? NaN,
  }));
}

function expectSameBill(rig: SimulatorRig, run: ClaudeRun): void {
  const charged = rig.simulator.ledger.usage();
  const rounded = (usage: ModelUsage): ModelUsage => ({
    ...usage,
    costUsd: Number(usage.costUsd.toFixed(9)),
  });
  expect(reported(run).map(rounded)).toEqual(charged.map(rounded));
  const total = charged.reduce((sum, usage) => sum + usage.costUsd, 0);
  expect(run.result?.['total_cost_usd']).toBeCloseTo(total, 9);
}

function linesOf(run: ClaudeRun, type: string, subtype?: string): ClaudeRun['lines'] {
  return run.lines.filter(
    (line) => line.type === type && (subtype === undefined || line['subtype'] === subtype),
  );
}

describe.each([
  // What we need of the real one is in `worker/real-claude.test.ts` too.
  ...(ALL ? [{ name: 'the real Claude CLI', command: REAL_CLAUDE }] : []),
  { name: 'the stand-in', command: STAND_IN },
])('$name against the simulator', ({ command }) => {
  test('does what the scripted tool calls say and reports what the simulator charged', async () => {
    const rig = await start({
      rules: [
        {
          when: { role: 'worker', contains: 'Task 3:' },
          turns: [
            {
              text: 'First two files.',
              tools: [
                { name: 'Write', input: { file_path: '{{cwd}}/a.txt', content: 'eins, zwei\n' } },
                { name: 'Bash', input: { command: 'echo "two €" > b.txt', description: 'write b' } },
              ],
            },
            { tools: [{ name: 'Read', input: { file_path: '{{cwd}}/a.txt' } }] },
            {
              tools: [
                {
                  name: 'Edit',
                  input: { file_path: '{{cwd}}/a.txt', old_string: 'eins', new_string: 'one' },
                },
              ],
            },
            { json: { status: 'completed' }, usage: USAGE },
          ],
        },
      ],
    });
    const run = await rig.claude('Task 3: make files', [...ARGS, '--allowedTools=Bash', ...SCHEMA], {
      command,
    });
    expect(run.result).toMatchObject({
      subtype: 'success',
      is_error: false,
      terminal_reason: 'completed',
      structured_output: { status: 'completed' },
      result: '{"status":"completed"}',
      permission_denials: [],
      num_turns: 6,
    });
    expect(run.exitCode).toBe(0);
    expect(readFileSync(join(rig.cwd, 'a.txt'), 'utf8')).toBe('one, zwei\n');
    expect(readFileSync(join(rig.cwd, 'b.txt'), 'utf8')).toBe('two €\n');
    expect(rig.simulator.unmatched).toEqual([]);
    expectSameBill(rig, run);
    expect(linesOf(run, 'system', 'init')[0]).toMatchObject({ cwd: rig.cwd, model: 'claude-sonnet-5-5' });
    expect(linesOf(run, 'assistant')).toHaveLength(6);
    expect(linesOf(run, 'user')).toHaveLength(5);
  });

  test('tells partial messages where it is asked to', async () => {
    const rig = await start({ rules: [{ reply: { text: 'one two three' } }] });
    const run = await rig.claude('hello', [...ARGS, '--include-partial-messages'], { command });
    const events = linesOf(run, 'stream_event').map((line) => (line['event'] as { type: string }).type);
    expect(events.filter((type) => type !== 'ping')).toEqual([
      'message_start',
      'content_block_start',
      'content_block_delta',
      'content_block_delta',
      'content_block_delta',
      'content_block_stop',
      'message_delta',
      'message_stop',
    ]);
  });

  test('denies what no rule allows and says so', async () => {
    const rig = await start({
      rules: [
        {
          turns: [
            {
              tools: [
                { name: 'Bash', input: { command: 'node -e 1', description: 'run' } },
                { name: 'Write', input: { file_path: '/outside-of-it/x.txt', content: '' } },
              ],
            },
            { text: 'I may not.' },
          ],
        },
      ],
    });
    const run = await rig.claude('hello', ARGS, { command });
    expect(run.exitCode).toBe(0);
    expect(run.result?.['permission_denials']).toMatchObject([
      { tool_name: 'Bash', tool_input: { command: 'node -e 1' } },
      { tool_name: 'Write' },
    ]);
    expect(linesOf(run, 'system', 'permission_denied')).toHaveLength(2);
    expect(existsSync('/outside-of-it')).toBe(false);
  });

  test('resumes a session: the simulator sees all of it, and its cost adds up', async () => {
    const rig = await start({
      rules: [
        {
          when: { contains: ['Task 3:', 'The change does not pass'] },
          turns: [{ text: 'mended', usage: USAGE }],
        },
        { when: { contains: 'Task 3:' }, turns: [{ text: 'done', usage: USAGE }] },
      ],
    });
    const session = randomUUID();
    const first = await rig.claude('Task 3: x', [...ARGS, '--session-id', session], { command });
    const second = await rig.claude('The change does not pass', [...ARGS, '--resume', session], { command });
    expect([first.result?.['result'], second.result?.['result']]).toEqual(['done', 'mended']);
    expect(second.result?.['session_id']).toBe(session);
    const total = rig.simulator.ledger.usage().reduce((sum, usage) => sum + usage.costUsd, 0);
    expect(second.result?.['total_cost_usd']).toBeCloseTo(total, 9);
    expect(second.result?.['total_cost_usd']).toBeCloseTo(2 * Number(first.result?.['total_cost_usd']), 9);
  });

  test('refuses an id that is taken and one that is unknown', async () => {
    const rig = await start({ rules: [{ reply: { text: 'done' } }] });
    const session = randomUUID();
    await rig.claude('x', [...ARGS, '--session-id', session], { command });
    const taken = await rig.claude('x', [...ARGS, '--session-id', session], { command });
    expect([taken.exitCode, taken.lines]).toEqual([1, []]);
    expect(taken.stderr).toContain(`Session ID ${session} is already in use.`);
    const unknown = await rig.claude('x', [...ARGS, '--resume', randomUUID()], { command });
    expect(unknown.exitCode).toBe(1);
    expect(unknown.result).toMatchObject({ subtype: 'error_during_execution', is_error: true });
  });

  test('stops at its turn limit, at its budget, and on a model that never reports', async () => {
    const rig = await start({
      rules: [
        {
          when: { contains: 'loop' },
          reply: { tools: [{ name: 'Bash', input: { command: 'echo 1', description: 'e' } }] },
        },
        { when: { contains: 'pay' }, reply: { text: 'paid', usage: { input: 200_000 } } },
        { reply: { text: 'no report' } },
      ],
    });
    const turns = await rig.claude('loop', [...ARGS, '--max-turns', '2'], { command });
    expect([turns.exitCode, turns.result?.['subtype'], turns.result?.['terminal_reason']]).toEqual([
      1,
      'error_max_turns',
      'max_turns',
    ]);
    const budget = await rig.claude('pay', [...ARGS, '--max-budget-usd', '0.1'], { command });
    expect([budget.exitCode, budget.result?.['subtype'], budget.result?.['total_cost_usd']]).toEqual([
      1,
      'error_max_budget_usd',
      0.4,
    ]);
    const silent = await rig.claude('report', [...ARGS, ...SCHEMA], { command });
    expect(silent).toMatchObject({ exitCode: 0, result: { subtype: 'success', is_error: false } });
    expect(silent.result).not.toHaveProperty('structured_output');
  });

  test.each<[name: string, fault: Fault, status: number | null, error: string, reason: string]>([
    ['401', { kind: 'http', status: 401 }, 401, 'authentication_failed', 'api_error'],
    ['403', { kind: 'http', status: 403 }, 403, 'authentication_failed', 'api_error'],
    ['404', { kind: 'http', status: 404, message: 'model: x' }, 404, 'model_not_found', 'api_error'],
    ['429', { kind: 'http', status: 429 }, 429, 'rate_limit', 'api_error'],
    ['429 for long', { kind: 'http', status: 429, retryAfter: 120 }, 429, 'rate_limit', 'api_error'],
    ['500', { kind: 'http', status: 500 }, 500, 'server_error', 'api_error'],
    ['503 as HTML', { kind: 'http', status: 503, body: '<html>' }, 503, 'server_error', 'api_error'],
    ['529', { kind: 'http', status: 529 }, 529, 'server_error', 'api_error'],
    [
      'too long',
      { kind: 'http', status: 400, message: 'prompt is too long: 9 > 8' },
      400,
      'invalid_request',
      'prompt_too_long',
    ],
    [
      'no credit',
      { kind: 'http', status: 400, message: 'Your credit balance is too low' },
      400,
      'billing_error',
      'api_error',
    ],
    ['reset', { kind: 'reset', at: 'before-headers' }, null, 'server_error', 'api_error'],
  ])('ends with the right error: %s', async (_, fault, status, error, reason) => {
    const rig = await start({ rules: [{ reply: { fault } }] });
    const run = await rig.claude('hello', ARGS, { command });
    expect(run.exitCode).toBe(1);
    expect(run.result).toMatchObject({
      subtype: 'success',
      is_error: true,
      api_error_status: status,
      terminal_reason: reason,
    });
    const synthetic = run.lines.findLast((line) => line['is_api_error_message'] === true);
    expect(synthetic).toMatchObject({ type: 'assistant', error });
    if (status === null) expect(run.result).toMatchObject({ api_error: 'connection_failed' });
    else expect(synthetic).toMatchObject({ api_error_status: status });
    expect(rig.simulator.ledger.entries).toEqual([]);
  });

  test.each<[name: string, fault: Fault, retries: number]>([
    ['529', { kind: 'http', status: 529 }, 1],
    ['an outage', { kind: 'outage', ms: 100 }, 1],
    ['a reset in the middle of a stream', { kind: 'reset', at: 'mid-stream' }, 1],
    ['a stream without an end', { kind: 'truncated' }, 1],
    ['an error event', { kind: 'error-event', type: 'overloaded_error', message: 'Overloaded' }, 0],
    ['a stream that is not JSON', { kind: 'malformed' }, 0],
  ])('gets over %s', async (_, fault, retries) => {
    const rig = await start({
      rules: [
        { times: 1, reply: { text: 'half of this gets out', usage: USAGE, fault } },
        { reply: { text: 'fine', usage: USAGE } },
      ],
    });
    const run = await rig.claude('hello', ARGS, { command, env: { CLAUDE_CODE_MAX_RETRIES: '1' } });
    expect(run.result).toMatchObject({ is_error: false, result: 'fine' });
    expect(linesOf(run, 'system', 'api_retry').length).toBeGreaterThanOrEqual(retries);
    // How much of a reset stream is read before the reset is up to the machine.
    if (fault.kind !== 'reset') expectSameBill(rig, run);
  });

  test('tells the reset time of a usage limit to a subscription', async () => {
    const limit = { status: 'rejected', claim: 'five_hour', resetIn: 3600 } as const;
    const window = { utilization: 1, resetIn: 3600, status: 'rejected' } as const;
    const rig = await start({
      rules: [{ reply: { fault: { kind: 'http', status: 429 }, rateLimit: { ...limit, fiveHour: window } } }],
    });
    const now = Date.now() / 1000;
    const run = await rig.claude('hello', ARGS, {
      command,
      env: { ...SUBSCRIPTION, CLAUDE_CODE_MAX_RETRIES: '5' },
    });
    expect(run.exitCode).toBe(1);
    expect(run.result).toMatchObject({
      is_error: true,
      api_error: 'usage_limit_reached',
      api_error_status: 429,
    });
    const info = linesOf(run, 'rate_limit_event').at(-1)?.['rate_limit_info'] as Record<string, unknown>;
    expect(info).toMatchObject({ status: 'rejected', rateLimitType: 'five_hour', isUsingOverage: false });
    expect(info['resetsAt']).toBeGreaterThanOrEqual(Math.floor(now + 3600));
    const synthetic = run.lines.findLast((line) => line['is_api_error_message'] === true);
    expect(synthetic?.['api_error_params']).toMatchObject({
      rate_limit_info: { resetsAt: info['resetsAt'] },
    });
    expect(rig.simulator.requests.filter((request) => request.path === '/v1/messages')).toHaveLength(1);
  });

  test('reports the usage windows of a subscription', async () => {
    const fiveHour = {
      utilization: 0.93,
      resetIn: 3600,
      status: 'allowed_warning',
      surpassedThreshold: 0.9,
    } as const;
    const rig = await start({
      rules: [
        {
          reply: {
            text: 'ok',
            rateLimit: {
              status: 'allowed_warning',
              claim: 'five_hour',
              resetIn: 3600,
              fiveHour,
              sevenDay: { utilization: 0.2, resetIn: 9000 },
            },
          },
        },
      ],
    });
    const run = await rig.claude('hello', ARGS, { command, env: SUBSCRIPTION });
    expect(run.result).toMatchObject({ is_error: false, result: 'ok' });
    expect(linesOf(run, 'rate_limit_event')[0]?.['rate_limit_info']).toMatchObject({
      status: 'allowed_warning',
      utilization: 0.93,
      surpassedThreshold: 0.9,
      unifiedWindows: {
        five_hour: { utilization: 0.93 },
        seven_day: { utilization: 0.2, status: 'allowed' },
      },
    });
  });

  test.each<[name: string, stopReason: 'refusal' | 'max_tokens', fields: object]>([
    ['a refusal', 'refusal', { stop_reason: 'refusal' }],
    ['a reply that never ends', 'max_tokens', { api_error: 'max_output_tokens' }],
  ])('ends with an error on %s', async (_, stopReason, fields) => {
    const rig = await start({ rules: [{ reply: { text: 'no', stopReason, usage: USAGE } }] });
    const run = await rig.claude('hello', ARGS, { command });
    expect(run.exitCode).toBe(1);
    expect(run.result).toMatchObject({ is_error: true, terminal_reason: 'api_error', ...fields });
    expectSameBill(rig, run);
  });

  test('ends on SIGTERM without a result, its commands with it, and can be resumed', async () => {
    const rig = await start({
      rules: [
        { when: { contains: 'Go on' }, turns: [{ text: 'all done' }] },
        {
          reply: {
            tools: [
              {
                name: 'Bash',
                input: { command: 'echo $$ > pid; exec tail -f /dev/null', description: 'wait' },
              },
            ],
          },
        },
      ],
    });
    const session = randomUUID();
    const child = rig.startClaude('work', [...ARGS, '--allowedTools=Bash', '--session-id', session], {
      command,
    });
    const end = ended(child);
    const pid = await written(join(rig.cwd, 'pid'));
    child.kill('SIGTERM');
    const run = await end;
    expect([run.exitCode, run.result]).toEqual([143, undefined]);
    await gone(Number(pid));
    const resumed = await rig.claude('Go on', [...ARGS, '--resume', session], { command });
    expect(resumed.result).toMatchObject({ is_error: false, result: 'all done' });
  });
});

/** Resolves with what a file holds as soon as it holds anything. */
async function written(file: string): Promise<string> {
  for (;;) {
    const content = existsSync(file) ? readFileSync(file, 'utf8') : '';
    if (content.endsWith('\n')) return content;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Resolves when a process is gone; a zombie that nobody has reaped yet counts as gone. */
async function gone(pid: number): Promise<void> {
  while (existsSync(`/proc/${pid}`) && !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z')) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
