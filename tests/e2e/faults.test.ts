import { chmodSync, existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { AttemptEnd } from '../../src/domain/attempt.ts';
import type { ScenarioInput } from '../../src/simulator/scenario.ts';
import {
  openAccount,
  partRules,
  promptOf,
  type Account,
  type AccountProject,
  type Login,
} from '../rig/account.ts';
import { ALL } from '../rig/effort.ts';
import { processes, until } from '../rig/worker-rig.ts';

type RuleInput = ScenarioInput['rules'][number];
type Fault = NonNullable<NonNullable<RuleInput['reply']>['fault']>;

const MIDSTREAM = ['reset', 'truncated', 'malformed', 'error-event'];

/** A fault of what one task asks. */
function faultOf(part: number, fault: Fault, more: Partial<RuleInput> = {}): RuleInput {
  return {
    name: `fault of ${part}`,
    when: { role: 'worker', contains: promptOf(part) },
    // What fails half way has to have something to send.
    reply: MIDSTREAM.includes(fault.kind) ? { text: 'A few words to begin with.', fault } : { fault },
    ...more,
  };
}

/** How often the CLI itself tries again, and how long it waits for headers. */
const hasty = (retries: number, timeoutMs = 30_000): object => ({
  claude_cli: {
    environment: { CLAUDE_CODE_MAX_RETRIES: String(retries), API_TIMEOUT_MS: String(timeoutMs) },
  },
});

/** How long the real Claude CLI is refused, however often it asks; the stand-in asks as often as is known. */
const OUTAGE_MS = 2500;

let account: Account;

afterEach(async () => {
  expect(await account.leftovers(), 'nothing is left behind').toEqual([]);
  await account.close();
});

const ends = (project: AccountProject): (AttemptEnd | null)[] =>
  project.withStore((store) => store.attempts().map(({ end }) => end));
const outcomes = (project: AccountProject): (string | undefined)[] =>
  ends(project).map((end) => end?.outcome);
const statuses = (project: AccountProject): string[] =>
  project.withStore((store) => store.tasks().map(({ status }) => status));

it('costs nobody anything where the Claude CLI gets over it by itself', async () => {
  const faults: Fault[] = [
    { kind: 'http', status: 500 },
    { kind: 'http', status: 503, body: '<html>Service Unavailable</html>' },
    { kind: 'http', status: 529 },
    { kind: 'reset', at: 'before-headers' },
    { kind: 'reset', at: 'mid-stream' },
    { kind: 'truncated' },
    { kind: 'malformed' },
    { kind: 'error-event' },
  ];
  account = await openAccount('api_key', {
    rules: [
      ...faults.map((fault, index) => faultOf(index + 1, fault, { times: 1 })),
      ...partRules(faults.length),
    ],
  });
  const project = account.project(faults.length, { ...hasty(2), execution: { max_workers: 3 } });
  const { code, output } = await project.start().end;
  expect(code, output).toBe(0);
  expect(outcomes(project)).toEqual(faults.map(() => 'landed'));
});

it('fails only the task whose own request is refused', async () => {
  const own: Fault[] = [
    { kind: 'http', status: 400, message: 'messages.3: something is wrong with it' },
    { kind: 'http', status: 400, message: 'prompt is too long: 250000 tokens > 200000 maximum' },
    { kind: 'http', status: 413 },
  ];
  account = await openAccount('api_key', {
    rules: [...own.map((fault, index) => faultOf(index + 1, fault)), ...partRules(4)],
  });
  const project = account.project(4, { ...hasty(0), execution: { max_workers: 2 } });
  const { code, output } = await project.start().end;
  expect(code, output).toBe(1);
  expect(statuses(project)).toEqual(['failed', 'failed', 'failed', 'done']);
  const byTask = new Map(
    project.withStore((store) => store.attempts().map(({ taskId, end }) => [taskId, end?.outcome])),
  );
  expect(Object.fromEntries(byTask)).toEqual({
    1: 'refused',
    2: 'prompt-too-long',
    3: 'prompt-too-long',
    4: 'landed',
  });
});

describe('stops the run at once, with the reason, and charges no task', () => {
  it.each<[name: string, login: Login, fault: Fault, outcome: string, code: number]>([
    ['a wrong API key', 'api_key', { kind: 'http', status: 401 }, 'unauthenticated', 5],
    ['a login that has ended', 'subscription', { kind: 'http', status: 401 }, 'unauthenticated', 5],
    ['a key without permission', 'api_key', { kind: 'http', status: 403 }, 'unauthenticated', 5],
    [
      'no credit',
      'api_key',
      { kind: 'http', status: 400, message: 'Your credit balance is too low to access the Anthropic API.' },
      'unauthenticated',
      5,
    ],
    [
      'a retired model',
      'api_key',
      { kind: 'http', status: 404, message: 'model: claude-sonnet-5-5' },
      'model-unavailable',
      2,
    ],
  ])('%s', async (_name, login, fault, outcome, code) => {
    account = await openAccount(login, { rules: [{ when: { role: 'worker' }, reply: { fault } }] });
    const project = account.project(3, { ...hasty(0), execution: { max_workers: 1 } });
    const end = await project.start().end;
    expect(end.code, end.output).toBe(code);
    expect(end.summary).toMatchObject({ outcome });
    expect(outcomes(project)).toEqual([outcome]);
    expect(statuses(project)).toEqual(['pending', 'pending', 'pending']);
  });
});

describe('is one outage for all, which the run waits for', () => {
  const outages: [name: string, login: Login, fault: Fault][] = [
    ['throttling of a key', 'api_key', { kind: 'http', status: 429 }],
    ['throttling of a login', 'subscription', { kind: 'http', status: 429 }],
    ['a broken proxy', 'api_key', { kind: 'http', status: 503, body: '<html>Service Unavailable</html>' }],
    ['a connection that is refused', 'api_key', { kind: 'outage', ms: 3000 }],
    ['a server that does not answer', 'api_key', { kind: 'no-headers' }],
    ['a stream that is reset', 'api_key', { kind: 'reset', at: 'mid-stream' }],
  ];
  // To the tool these are the same as those above.
  const alike: typeof outages = [
    ['a broken server', 'api_key', { kind: 'http', status: 500 }],
    ['an overloaded server', 'api_key', { kind: 'http', status: 529 }],
    ['a connection that is reset', 'api_key', { kind: 'reset', at: 'before-headers' }],
    ['a stream that ends too early', 'api_key', { kind: 'truncated' }],
    ['a stream that is garbled', 'api_key', { kind: 'malformed' }],
    ['an error in the stream', 'api_key', { kind: 'error-event' }],
  ];
  it.each([...outages, ...(ALL ? alike : [])])('%s', async (_name, login, fault) => {
    const isMidstream = MIDSTREAM.includes(fault.kind);
    account = await openAccount(login, {
      rules: [
        {
          name: 'broken',
          when: { role: 'worker' },
          // A broken stream is asked for once more, as a whole.
          ...(ALL ? { forMs: OUTAGE_MS } : { times: isMidstream ? 2 : 1 }),
          reply: isMidstream ? { text: 'A few words to begin with.', fault } : { fault },
        },
        ...partRules(2),
      ],
    });
    const timeoutMs = fault.kind === 'no-headers' ? 1000 : 30_000;
    const project = account.project(2, { ...hasty(0, timeoutMs), execution: { max_workers: 1 } });
    const tool = project.start();
    expect(await tool.event('run-paused')).toMatchObject({ reason: 'outage' });
    expect(outcomes(project)).toEqual(['infrastructure']);
    const brokenAt = account.simulator.requests.find(({ rule }) => rule === 'broken')?.at ?? 0;
    const lastsMs = fault.kind === 'outage' ? fault.ms : ALL ? OUTAGE_MS : 0;
    await until(() => Date.now() > brokenAt + lastsMs);
    tool.leap(31_000);
    const { code, output } = await tool.end;
    expect(code, output).toBe(0);
    expect(outcomes(project)).toEqual(['infrastructure', 'landed', 'landed']);
    expect(tool.events().filter(({ type }) => type === 'run-paused')).toHaveLength(1);
    expect(tool.events().filter(({ type }) => type === 'run-resumed')).toHaveLength(1);
  });
});

/** Makes a Claude CLI whose workers behave as this shell script says. */
function program(script: string): string {
  const file = join(account.home, 'claude');
  const isAsked = '[ "$1" = --version ]';
  writeFileSync(file, `#!/bin/sh\n${isAsked} && echo "2.1.330 (Claude Code)" && exit\n${script}\n`);
  chmodSync(file, 0o755);
  return file;
}

describe('ends what does not end by itself', () => {
  it('a stream that goes silent, and one that only pings', async () => {
    account = await openAccount('api_key', {
      rules: [faultOf(1, { kind: 'silence' }), faultOf(2, { kind: 'pings', everyMs: 200 }), ...partRules(3)],
    });
    const project = account.project(3, { ...hasty(0), execution: { max_retries: 0 } });
    const tool = project.start();
    await until(
      () => account.simulator.requests.filter(({ rule }) => rule?.startsWith('fault')).length === 2,
    );
    await until(() => tool.events().some(({ type }) => type === 'attempt-ended'));
    tool.leap(601_000);
    const { code, output } = await tool.end;
    expect(code, output).toBe(1);
    expect(statuses(project)).toEqual(['failed', 'failed', 'done']);
    expect(outcomes(project).toSorted()).toEqual(['landed', 'stalled', 'stalled']);
  });

  it('a worker that is stopped, with the tool that it runs', async () => {
    const working = (): string => join(account.home, 'working');
    account = await openAccount('api_key', {
      rules: [
        {
          when: { role: 'worker' },
          reply: {
            tools: [
              {
                name: 'Bash',
                input: { command: 'touch ~/working; while :; do read -t 1 < /dev/zero; done' },
              },
            ],
          },
        },
      ],
    });
    const project = account.project(1, {
      execution: { max_retries: 0 },
      claude_cli: { permission_mode: 'bypassPermissions', environment: { IS_SANDBOX: '1' } },
    });
    const tool = project.start();
    const { process: worker } = await tool.event('attempt-spawned');
    await until(() => existsSync(working()));
    process.kill(worker.pid, 'SIGSTOP');
    tool.leap(601_000);
    await until(() => !processes.isAlive(worker) || tool.process.exitCode !== null);
    const { code, output } = await tool.end;
    expect(code, output).toBe(1);
    expect(outcomes(project)).toEqual(['stalled']);
  });

  it('a worker that ignores SIGTERM and says nothing', async () => {
    account = await openAccount('api_key', { rules: [] });
    const command = program(`trap '' TERM; touch ~/working; while :; do sleep 0.2; done`);
    const project = account.project(1, { execution: { max_retries: 0 }, claude_cli: { command } });
    const tool = project.start();
    // Its process is there before the tool counts its time.
    await tool.event('attempt-spawned');
    await until(() => existsSync(join(account.home, 'working')));
    tool.leap(601_000);
    const { code, output } = await tool.end;
    expect(code, output).toBe(1);
    expect(outcomes(project)).toEqual(['stalled']);
  });

  it('a worker that hangs after its result, whose work counts', async () => {
    account = await openAccount('api_key', { rules: [] });
    const result = {
      type: 'result',
      subtype: 'success',
      is_error: false,
      terminal_reason: 'completed',
      structured_output: { status: 'completed', summary: 'Did it.', handover: '', followUps: [] },
    };
    const command = program(
      `echo part > part-1.txt; echo '{"type":"system","subtype":"init"}'; echo '${JSON.stringify(result)}'; touch ~/working; exec sleep 1000`,
    );
    const project = account.project(1, { claude_cli: { command } });
    const tool = project.start();
    // Its process is there before the tool counts its time.
    await tool.event('attempt-spawned');
    await until(() => existsSync(join(account.home, 'working')));
    tool.leap(20_000);
    const { code, output } = await tool.end;
    expect(code, output).toBe(0);
    expect(outcomes(project)).toEqual(['landed']);
  });

  it('what a tool has left in the background', async () => {
    account = await openAccount('api_key', {
      rules: [
        {
          when: { role: 'worker', contains: promptOf(1) },
          turns: [
            {
              tools: [
                {
                  name: 'Bash',
                  input: {
                    command:
                      'echo part > part-1.txt; nohup setsid tail -f /dev/null > /dev/null 2>&1 & echo $! > ~/left',
                  },
                },
              ],
            },
            { json: { status: 'completed', summary: 'Wrote it.', handover: '', followUps: [] } },
          ],
        },
      ],
    });
    const project = account.project(1, {
      claude_cli: { permission_mode: 'bypassPermissions', environment: { IS_SANDBOX: '1' } },
    });
    const { code, output } = await project.start().end;
    expect(code, output).toBe(0);
    expect(existsSync(join(account.home, 'left')), 'it was started').toBe(true);
    expect(outcomes(project)).toEqual(['landed']);
  });
});
