import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Phase } from '../../../../src/domain/attempt.ts';
import { lines, recordHooks, processes, until, workerRig, type WorkerRig } from '../../../rig/worker-rig.ts';

let rig: WorkerRig;
beforeEach(async () => {
  rig = await workerRig();
});
afterEach(async () => {
  const leftovers = rig.leftovers();
  await rig.close();
  expect(leftovers).toEqual([]);
});

const timeouts = { totalMs: 90_000, stallMs: 60_000, graceMs: 10_000, afterResultMs: 60_000 };
const work = [{ print: lines.init }, { print: lines.tool('Edit', { file_path: 'src/a.ts' }) }];

describe('a worker', () => {
  test('passes its phases and comes back with a landed change and what it cost', async () => {
    rig.script([...work, { print: lines.result() }]);
    const { recorded, ...end } = await rig.run({ verifyCommands: ['true'] });
    expect(end).toMatchObject({
      outcome: 'landed',
      message: '',
      report: { status: 'completed', summary: 'Did it.', handover: 'hello.txt' },
      turns: 2,
      exitCode: 0,
      signal: null,
    });
    expect(end.usage).toEqual([
      {
        model: 'claude-sonnet-5-5',
        input: 1000,
        output: 50,
        cacheRead: 300,
        cacheWrite: 200,
        costUsd: 0.003,
      },
    ]);
    expect(recorded.phases).toEqual(['working', 'verifying', 'landing']);
    expect(recorded.progress.map(({ action }) => action)).toEqual(['starting', 'Edit src/a.ts', 'reporting']);
    expect(recorded.spawned).toEqual([{ pid: rig.calls()[0]?.pid, startTime: expect.any(String) as string }]);
  });

  test('gives the CLI its prompt, arguments, environment and directory', async () => {
    rig.script([{ print: lines.result() }]);
    await rig.run({
      claude: {
        ...rig.claude,
        environment: {
          ...rig.claude.environment,
          ANTHROPIC_API_KEY: 'sk-secret',
          CLAUDECODE: '1',
          SLACK_WEBHOOK_URL: 'https://hooks.example/x',
          NOTIFY_WEBHOOK_URL: 'https://hooks.example/y',
          CLAUDE_CODE_MAX_RETRIES: '4',
        },
        billing: 'subscription',
        allowedTools: ['Bash(npm test:*)', 'WebFetch'],
        maxTurns: 7,
        bashMaxTimeoutMs: 5000,
        extraFlags: ['--effort', 'low'],
      },
    });
    const [call] = rig.calls();
    expect(call?.prompt).toContain('Task 1: Write hello.txt');
    expect(call?.cwd).toBe(rig.project);
    const argv = call?.argv.join(' ');
    expect(argv).toContain('-p --output-format stream-json --verbose');
    expect(argv).toContain(`--session-id ${rig.attempt().sessionId} --model sonnet`);
    expect(argv).toContain('--permission-mode acceptEdits');
    expect(argv).toContain('--allowedTools=Bash(npm test:*) --allowedTools=WebFetch');
    expect(argv).toContain('--max-turns 7');
    expect(argv).toMatch(/--effort low$/);
    expect(call?.env).toMatchObject({
      CLAUDE_ORCHESTRATOR_ATTEMPT: rig.marker.value,
      CLAUDE_CODE_DISABLE_BACKGROUND_TASKS: '1',
      BASH_MAX_TIMEOUT_MS: '5000',
      // The user's values win over our defaults.
      CLAUDE_CODE_MAX_RETRIES: '4',
    });
    expect(call?.env).not.toHaveProperty('ANTHROPIC_API_KEY');
    for (const name of ['CLAUDECODE', 'SLACK_WEBHOOK_URL', 'NOTIFY_WEBHOOK_URL'])
      expect(call?.env).not.toHaveProperty(name);
  });

  test('says how to install the CLI where there is none', async () => {
    const end = await rig.run({ claude: { ...rig.claude, command: 'no-such-claude-cli' } });
    expect(end.outcome).toBe('infrastructure');
    expect(end.message).toContain('npm install -g @anthropic-ai/claude-code');
  });

  test('says that its directory is gone', async () => {
    const { createSharedDirectory } = await import('../../../../src/workspace/shared-directory.ts');
    const end = await rig.run({ workspaces: createSharedDirectory(join(rig.root, 'gone')) });
    expect(end).toMatchObject({ outcome: 'infrastructure' });
    expect(end.message).toContain('gone');
  });

  test.each([
    ['nothing at all', [], 'infrastructure'],
    ['an exit code alone', [{ stderr: 'error: unknown option --x\n' }, { exit: 1 }], 'infrastructure'],
    ['exit 143 in the middle', [...work, { exit: 143 }], 'crashed'],
    ['a signal from outside', [...work, { kill: 'SIGKILL' }], 'crashed'],
    ['half a result line', [...work, { raw: btoa('{"type":"result","is_err') }], 'crashed'],
    ['noise', [...work, { raw: '/v8AgP//Cg==' }, { raw: btoa('not json\n[]\n1\n') }], 'crashed'],
    [
      'a prompt that is too long',
      [{ stderr: 'piped stdin input exceeds 10MB\n' }, { exit: 1 }],
      'prompt-too-long',
    ],
  ] as const)('that leaves %s has failed', async (_, steps, outcome) => {
    rig.script([...steps]);
    const end = await rig.run();
    expect(end.outcome).toBe(outcome);
    expect(end.message).not.toBe('');
    // What it used is counted nevertheless: one message had begun.
    if (steps.length > 2) expect(end.usage).toMatchObject([{ input: 100, output: 1, costUsd: 0.00021 }]);
  });

  test('that prints noise around its result has succeeded', async () => {
    const noise = { raw: '/v8AgP//Cg==' };
    const result = JSON.stringify(lines.result());
    rig.script([noise, ...work, noise, { raw: btoa(result.slice(0, 30)) }, { raw: btoa(result.slice(30)) }]);
    expect((await rig.run()).outcome).toBe('landed');
  });

  test('that prints a line of 10 MB has succeeded', async () => {
    rig.script([...work, { hugeResult: { line: lines.result(), length: 10_000_000 } }]);
    expect((await rig.run()).outcome).toBe('landed');
  });

  test('whose result is longer than any line can be has failed, and says so', async () => {
    rig.script([...work, { hugeResult: { line: lines.result(), length: 34_000_000 } }]);
    const end = await rig.run();
    expect(end.outcome).toBe('crashed');
    expect(end.message).toMatch(/one line of 3\d MB is longer than can be read/);
  });

  test('is judged by its last result', async () => {
    const failed = lines.result({ subtype: 'error_max_turns', is_error: true, structured_output: undefined });
    rig.script([{ print: failed }, ...work, { print: lines.result() }]);
    const end = await rig.run();
    expect(end.outcome).toBe('landed');
    // Both turns cost money.
    expect(end.usage[0]).toMatchObject({ input: 2000, costUsd: 0.006 });
  });
});

describe('ending a worker', () => {
  test('on abort: the CLI, its tools and their children are gone, and the outcome is cancelled', async () => {
    const escapee = 'setsid nohup sleep 1000 >/dev/null 2>&1 & sleep 1000 & sleep 1000';
    rig.script([
      ...work,
      { tool: escapee },
      { child: 'sleep 1000' },
      { write: { path: 'ready', text: '' } },
      { hang: 1 },
    ]);
    const abort = new AbortController();
    const running = rig.run({}, abort.signal);
    await until(() => rig.leftovers().length >= 6 && exists('ready'));
    abort.abort();
    expect(await running).toMatchObject({ outcome: 'cancelled', signal: 'SIGTERM' });
  });

  test('that ignores SIGTERM', async () => {
    rig.script([...work, { ignoreSigterm: 1 }, { write: { path: 'ready', text: '' } }, { hang: 1 }]);
    const abort = new AbortController();
    const running = rig.run({ timeouts: { ...timeouts, graceMs: 300 } }, abort.signal);
    await until(() => exists('ready'));
    abort.abort();
    expect(await running).toMatchObject({ outcome: 'cancelled', signal: 'SIGKILL' });
  });

  test('in a hurry does not wait for the grace period', async () => {
    rig.script([...work, { ignoreSigterm: 1 }, { write: { path: 'ready', text: '' } }, { hang: 1 }]);
    const abort = new AbortController();
    const hurry = new AbortController();
    const options = { timeouts: { ...timeouts, graceMs: 1e9 }, hurry: hurry.signal };
    const running = rig.run(options, abort.signal);
    await until(() => exists('ready'));
    abort.abort();
    hurry.abort();
    expect(await running).toMatchObject({ outcome: 'cancelled', signal: 'SIGKILL' });
  });

  test('that never ends', async () => {
    rig.script([...work, { hang: 1 }]);
    const end = await rig.run({ timeouts: { ...timeouts, totalMs: 1500 } });
    expect(end).toMatchObject({ outcome: 'timed-out', signal: 'SIGTERM' });
    expect(end.message).toContain('execution.worker_timeout');
  });

  test('that says nothing any more', async () => {
    rig.script([...work, { hang: 1 }]);
    const end = await rig.run({ timeouts: { ...timeouts, stallMs: 1500 } });
    expect(end.outcome).toBe('stalled');
    expect(end.usage).toMatchObject([{ input: 100 }]);
  });

  test('that was stopped by a signal and does nothing any more', async () => {
    rig.script([...work, { kill: 'SIGSTOP' }, { print: lines.result() }]);
    const end = await rig.run({ timeouts: { ...timeouts, stallMs: 3000, graceMs: 300 } });
    expect(end).toMatchObject({ outcome: 'stalled', usage: [{ input: 100 }], contextTokens: 100 });
  });

  test('that is silent in the middle of a line', async () => {
    rig.script([...work, { raw: btoa('{"type":"assistant","mess') }, { hang: 1 }]);
    const end = await rig.run({ timeouts: { ...timeouts, stallMs: 1500 } });
    expect(end.outcome).toBe('stalled');
  });

  test('that only says that it is alive: the time limit ends it', async () => {
    const heartbeat = { type: 'tool_progress', tool_name: 'Bash', elapsed_time_seconds: 30 };
    rig.script([...work, { beat: { line: heartbeat, everyMs: 20 } }]);
    const end = await rig.run({ timeouts: { ...timeouts, totalMs: 7000, stallMs: 6000 } });
    expect(end.outcome).toBe('timed-out');
  });

  test('that goes round in circles, and keeps what it has cost', async () => {
    const steps = Array.from({ length: 13 }, (_, index) => [
      { print: call(`toolu_${index}`, 'npm test') },
      { print: resultOf(`toolu_${index}`, '1 failed') },
    ]).flat();
    rig.script([...work, ...steps, { hang: 1 }]);
    const end = await rig.run();
    expect(end).toMatchObject({
      outcome: 'looping',
      message: 'It called `Bash npm test` 12 times in a row with the same result.',
      signal: 'SIGTERM',
    });
    expect(end.usage).toMatchObject([{ input: 100 }]);
  });

  test('not where it has reported, whatever it did before', async () => {
    const steps = Array.from({ length: 20 }, (_, index) => [
      call(`toolu_${index}`, 'npm test'),
      resultOf(`toolu_${index}`, '1 failed'),
    ]).flat();
    const all = [...steps, lines.result()].map((line) => `${JSON.stringify(line)}\n`).join('');
    rig.script([...work, { raw: btoa(all) }]);
    expect((await rig.run()).outcome).toBe('landed');
  });

  test('that hangs after its result: the result counts', async () => {
    rig.script([...work, { print: lines.result() }, { hang: 1 }]);
    const end = await rig.run({ timeouts: { ...timeouts, afterResultMs: 500 } });
    expect(end).toMatchObject({ outcome: 'landed', signal: 'SIGTERM' });
  });

  test('sweeps up what a finished worker left running', async () => {
    rig.script([
      { tool: 'nohup sleep 1000 & setsid sleep 1000 & trap "" TERM; sleep 1000; sleep 1000' },
      { waitFor: 'started' },
      { print: lines.result() },
    ]);
    const running = rig.run({ timeouts: { ...timeouts, graceMs: 300 } });
    await until(() => rig.leftovers().length >= 5);
    writeFileSync(join(rig.project, 'started'), '');
    expect((await running).outcome).toBe('landed');
  });

  test('before it was started costs nothing', async () => {
    rig.script([{ print: lines.result() }]);
    expect((await rig.run({}, AbortSignal.abort())).outcome).toBe('cancelled');
    expect(rig.calls()).toEqual([]);
  });
});

describe('a session', () => {
  const unknown = lines.result({
    subtype: 'error_during_execution',
    is_error: true,
    structured_output: undefined,
    errors: ['No conversation found with session ID: x'],
  });

  test('that is gone is begun anew, with the whole task', async () => {
    rig.script([{ print: unknown }, { exit: 1 }], [{ print: lines.result() }]);
    const recorded = recordHooks();
    const assignment = rig.assignment({ attempt: rig.attempt({ resumed: true }) });
    const end = await rig.worker().run(assignment, recorded.hooks, new AbortController().signal);
    expect(end).toMatchObject({ outcome: 'landed', usage: [{ input: 2000 }] });
    const [first, second] = rig.calls();
    expect(first?.argv).toContain('--resume');
    expect(first?.prompt).toContain('You were interrupted');
    expect(second?.argv).toContain('--session-id');
    expect(second?.prompt).toContain('Work by the rules in your instructions');
    expect(recorded.spawned).toHaveLength(2);
  });

  test('is copied where the attempt says so, under an id of its own', async () => {
    rig.script([{ print: lines.result() }]);
    const of = '11111111-1111-4111-8111-111111111111';
    const assignment = rig.assignment({ attempt: rig.attempt({ resumed: true, forkedFrom: of }) });
    await rig.worker().run(assignment, recordHooks().hooks, new AbortController().signal);
    const [first] = rig.calls();
    expect(first?.argv.join(' ')).toContain(
      `--resume ${of} --fork-session --session-id ${rig.attempt().sessionId} --model`,
    );
    expect(first?.prompt).toContain('You were interrupted');
  });

  test('that is there already is resumed', async () => {
    rig.script(
      [{ stderr: `Error: Session ID ${rig.attempt().sessionId} is already in use.\n` }, { exit: 1 }],
      [{ print: lines.result() }],
    );
    expect((await rig.run()).outcome).toBe('landed');
    expect(rig.calls()[1]?.argv).toContain('--resume');
  });
});

test('a hook that throws leaves no process behind', async () => {
  rig.script([{ hang: 1 }]);
  const hooks = {
    ...recordHooks().hooks,
    onSpawn: () => {
      throw new Error('store is gone');
    },
  };
  const running = rig.worker().run(rig.assignment(), hooks, new AbortController().signal);
  await expect(running).rejects.toThrow('store is gone');
});

test('what an attempt cost is kept where its change cannot be verified', async () => {
  rig.script([{ print: lines.result() }]);
  const hooks = {
    ...recordHooks().hooks,
    onPhase: (phase: Phase) => {
      if (phase === 'verifying') throw new Error('store is gone');
    },
  };
  const worker = rig.worker({ verifyCommands: ['true'] });
  const end = await worker.run(rig.assignment(), hooks, new AbortController().signal);
  expect(end).toMatchObject({ outcome: 'infrastructure', usage: [{ input: 1000 }] });
  expect(end.message).toContain('store is gone');
});

test("the attempt's files are private", async () => {
  rig.script([{ print: lines.result() }]);
  mkdirSync(join(rig.root, 'attempts'));
  await rig.run();
  const folder = join(rig.root, 'attempts', '1');
  expect(statSync(folder).mode & 0o777).toBe(0o700);
  expect(readFileSync(join(folder, 'transcript.ndjson'), 'utf8')).toContain('"type":"result"');
  expect(processes.isAlive({ pid: process.pid, startTime: 'another' })).toBe(false);
});

function call(id: string, command: string): object {
  const block = { type: 'tool_use', id, name: 'Bash', input: { command } };
  return { type: 'assistant', message: { model: 'claude-sonnet-5-5', content: [block] } };
}

function resultOf(id: string, content: string): object {
  return { type: 'user', message: { content: [{ type: 'tool_result', tool_use_id: id, content }] } };
}

function exists(name: string): boolean {
  return statSync(join(rig.project, name), { throwIfNoEntry: false }) !== undefined;
}
