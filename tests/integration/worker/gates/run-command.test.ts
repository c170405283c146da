import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  createCommandRunner,
  type CommandOptions,
  type CommandPlace,
  type CommandResult,
} from '../../../../src/worker/gates/run-command.ts';
import { bundle } from '../../../rig/bundle.ts';
import { processes, until, workerRig, type WorkerRig } from '../../../rig/worker-rig.ts';

let rig: WorkerRig;
beforeEach(async () => {
  rig = await workerRig();
});
afterEach(async () => {
  const leftovers = rig.leftovers();
  await rig.close();
  expect(leftovers).toEqual([]);
});

const PATH = process.env['PATH'];

function run(
  command: string,
  overrides: Partial<CommandOptions & CommandPlace> = {},
  signal = new AbortController().signal,
): Promise<CommandResult> {
  const { timeoutMs = 60_000, directory = rig.project } = overrides;
  const options = {
    table: processes,
    environment: { PATH, ...overrides.environment },
    timeoutMs,
    graceMs: 300,
  };
  return createCommandRunner(options)(
    command,
    { directory, environment: { EXTRA: '1' }, marker: rig.marker },
    signal,
  );
}

async function failureOf(...args: Parameters<typeof run>): Promise<CommandResult & { kind: 'failed' }> {
  const result = await run(...args);
  if (result.kind !== 'failed') throw new Error(`Expected a failure, got ${JSON.stringify(result)}`);
  return result;
}

test('a command runs in the directory, with what the workspace adds to its environment', async () => {
  const command = `touch here && test "$EXTRA $CLAUDE_ORCHESTRATOR_ATTEMPT" = "1 ${rig.marker.value}"`;
  expect(await run(command)).toEqual({ kind: 'passed' });
  expect(existsSync(join(rig.project, 'here'))).toBe(true);
});

test.each([
  ['one that says no', 'exit 3', 'failed', 'exit code 3'],
  ['one that is not there', 'no-such-command', 'not-found', 'exit code 127'],
  ['one that kills itself', 'kill -9 $$', 'failed', 'SIGKILL'],
])('a command fails: %s', async (_, command, sort, how) => {
  expect(await run(command)).toMatchObject({ kind: 'failed', sort, how });
});

describe('what it prints', () => {
  test('is kept of both streams', async () => {
    expect((await failureOf('echo out; echo err >&2; exit 3')).output).toMatch(/^(out\nerr|err\nout)$/);
  });

  test('may be nothing', async () => {
    expect((await failureOf('false')).output).toBe('');
  });

  test('may be of any length: beginning and end are kept', async () => {
    const { output } = await failureOf('echo FIRST; seq 1 2000000; echo LAST; false');
    expect(output).toMatch(/^FIRST[^]*bytes left out[^]*LAST$/);
    expect(output.length).toBeLessThan(25_000);
  });

  test('may never end', async () => {
    const { how, output } = await failureOf('yes', { timeoutMs: 500 });
    expect(how).toBe('no end after 0.5 s');
    expect(output.length).toBeLessThan(25_000);
  });

  test('may be binary', async () => {
    const { output } = await failureOf(
      `printf 'a\\000\\033[2J\\377\\r\\nb'; head -c 100000 /dev/urandom; exit 1`,
    );
    expect(output).toMatch(/^a\ufffd\nb/);
    expect(output).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/);
    expect(JSON.parse(JSON.stringify(output))).toBe(output);
  });
});

test('there is nothing to read and no terminal to ask', async () => {
  expect(await run('cat; ! head -c 1 </dev/tty')).toEqual({ kind: 'passed' });
});

test('keys and settings of the orchestrator are not in its environment', async () => {
  const own = {
    ANTHROPIC_API_KEY: 'x',
    ANTHROPIC_AUTH_TOKEN: 'x',
    CLAUDE_CODE_OAUTH_TOKEN: 'x',
    CLAUDE_ORCHESTRATOR__NOTIFICATIONS__SLACK_WEBHOOK_URL: 'x',
    CLAUDECODE: '1',
    SLACK_WEBHOOK_URL: 'x',
    NOTIFY_WEBHOOK_URL: 'x',
    GIT_DIR: '/nowhere',
    GIT_INDEX_FILE: '/nowhere',
    GIT_AUTHOR_NAME: 'kept',
    DATABASE_PASSWORD: 'kept',
  };
  const { output } = await failureOf('env; false', { environment: own });
  const names = output.split('\n').map((line) => line.split('=')[0]);
  const shells = ['PWD', 'OLDPWD', 'SHLVL', '_'];
  expect(names.filter((name) => !shells.includes(name ?? '')).sort()).toEqual([
    'CLAUDE_ORCHESTRATOR_ATTEMPT',
    'DATABASE_PASSWORD',
    'EXTRA',
    'GIT_AUTHOR_NAME',
    'PATH',
  ]);
});

describe('what it starts is gone', () => {
  test('without delaying it: a child and a daemon that hold its output open', async () => {
    expect(await run('sleep 1000 & setsid nohup sleep 1000 & true')).toEqual({ kind: 'passed' });
  });

  test('also a daemon that no longer has a parent', async () => {
    expect(await run('(setsid sh -c "sleep 1000 & sleep 1000" </dev/null >/dev/null 2>&1 &) ; true')).toEqual(
      {
        kind: 'passed',
      },
    );
  });

  test('when it takes too long', async () => {
    const command = 'trap "" TERM; sleep 1000 & sleep 1000; sleep 1000';
    expect(await run(command, { timeoutMs: 500 })).toMatchObject({
      sort: 'time-out',
      how: 'no end after 0.5 s',
    });
  });

  test('when it is aborted', async () => {
    const abort = new AbortController();
    const running = run('touch begun; sleep 1000 & sleep 1000', {}, abort.signal);
    await until(() => existsSync(join(rig.project, 'begun')));
    abort.abort();
    expect(await running).toEqual({ kind: 'aborted' });
    expect(await run('touch again', {}, abort.signal)).toEqual({ kind: 'aborted' });
    expect(existsSync(join(rig.project, 'again'))).toBe(false);
  });
});

describe('what the machine cannot start says nothing of a change', () => {
  test('a directory that is gone', async () => {
    const result = await run('true', { directory: join(rig.root, 'gone') });
    expect(result).toMatchObject({
      kind: 'infrastructure',
      message: expect.stringContaining('gone') as string,
    });
  });

  test('a command longer than the system takes', async () => {
    const result = await run(`: ${'x'.repeat(4_000_000)}`);
    expect(result).toMatchObject({
      kind: 'infrastructure',
      message: expect.stringContaining('E2BIG') as string,
    });
    if (result.kind === 'infrastructure') expect(result.message.length).toBeLessThan(1000);
  });

  test('a machine that is out of something for a moment is asked again', async () => {
    const program = join(rig.root, 'starved.js');
    bundle('tests/rig/starved-program.ts', program);
    const limited = ['-c', 'ulimit -n 64 && exec "$@"', 'sh', process.execPath, program, rig.root];
    const { stdout } = await promisify(execFile)('sh', limited, { env: { PATH } });
    expect(JSON.parse(stdout)).toEqual({ failedBefore: 'EMFILE', result: { kind: 'passed' } });
  });
});
