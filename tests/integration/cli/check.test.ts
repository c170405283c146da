import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { subscriptionAccount } from '../../../src/usage/account.ts';
import { openUsageLedger } from '../../../src/usage/sqlite-ledger.ts';
import { openStore } from '../../../src/store/sqlite-store.ts';
import { createProcessTable } from '../../../src/worker/process/process-table.ts';
import { startSampleRun } from '../../rig/attempted.ts';
import { makeSandbox, runTool, toolEnvironment, type Sandbox } from '../../rig/cli.ts';

interface Report {
  readonly canRun: boolean;
  readonly checks: readonly { name: string; status: string; message: string; fix?: string }[];
}

const LOGGED_IN =
  'case "$1" in --version) echo "2.1.330 (Claude Code)";; auth) if [ -n "$ANTHROPIC_API_KEY" ]; then echo \'{"loggedIn":true,"authMethod":"api_key"}\'; else echo \'{"loggedIn":true,"authMethod":"claude.ai","subscriptionType":"max"}\'; fi;; esac';
const LOGGED_OUT =
  'case "$1" in --version) echo "2.1.330 (Claude Code)";; auth) echo \'{"loggedIn":false,"authMethod":"none"}\'; exit 1;; esac';
const KEY = 'sk-ant-api03-AAAAAAAAAAAAAAAAAAAAAAAAAAAAwxyz';

let prepared: Sandbox;
let sandbox: Sandbox;
let servers: Server[];
beforeAll(async () => {
  prepared = sandbox = makeSandbox();
  git('init', '-q');
  git('config', 'user.name', 'A');
  git('config', 'user.email', 'a@example.com');
  // With a Makefile, init has a verify command to propose.
  writeFileSync(at('Makefile'), 'test:\n\ttrue\n');
  expect((await runTool(['init'], { cwd: sandbox.project })).code).toBe(0);
  git('add', '-A');
  git('commit', '-q', '-m', 'first');
});
afterAll(() => prepared.remove());
beforeEach(() => {
  sandbox = makeSandbox();
  cpSync(prepared.project, sandbox.project, { recursive: true });
  servers = [];
});
afterEach(() => {
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
  sandbox.remove();
});

const at = (...path: string[]): string => join(sandbox.project, ...path);

function git(...args: string[]): string {
  return execFileSync('git', args, { cwd: sandbox.project, encoding: 'utf8' });
}

/** The findings by name, and the exit code. */
async function check(env: Record<string, string | undefined> = {}) {
  const result = await runTool(['check', '--json'], {
    cwd: sandbox.project,
    env: { PATH: sandbox.path, ...env },
  });
  expect(result.stderr).toBe('');
  const { canRun, checks } = JSON.parse(result.stdout) as Report;
  expect(result.code).toBe(canRun ? 0 : 1);
  return {
    canRun,
    of: (name: string) => checks.filter((finding) => finding.name === name),
    not: (status: string) =>
      checks.filter((finding) => finding.status !== status && finding.status !== 'skipped'),
    text: result.stdout,
  };
}

/** A server that answers every request so; without an answer it is silent for ever. */
async function serve(answer?: { readonly status: number; readonly body: unknown }): Promise<string> {
  const server = createServer((_request, response) => {
    if (answer === undefined) return;
    response
      .writeHead(answer.status, { 'content-type': 'application/json' })
      .end(JSON.stringify(answer.body));
  });
  servers.push(server);
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const model = (id: string, line: string, lifecycle = 'active') => ({
  type: 'model',
  id,
  line,
  lifecycle,
  display_name: id,
  created_at: '2026-01-01T00:00:00Z',
  retires_at: null,
  max_input_tokens: 200_000,
  max_tokens: 64_000,
});
const MODELS = {
  data: [model('claude-opus-5-5', 'opus'), model('claude-sonnet-5-5', 'sonnet')],
  has_more: false,
  first_id: null,
  last_id: null,
};

describe('check', () => {
  test('all is well with a subscription', async () => {
    sandbox.addProgram('claude', LOGGED_IN);
    const { canRun, not, of } = await check();
    expect(not('ok')).toEqual([]);
    expect(canRun).toBe(true);
    expect(of('login')[0]?.message).toBe('workers: Claude subscription (max)');
    expect(of('models')[0]?.status).toBe('skipped');
    const { stdout, code } = await runTool(['check'], { cwd: sandbox.project, env: { PATH: sandbox.path } });
    expect(code).toBe(0);
    expect(stdout).toMatch(/✔ claude +Claude CLI 2\.1\.330\n/);
    expect(stdout).toContain('A run can start.');
  });

  test('a usage limit in force is told, with its reset and the key that ignores it', async () => {
    sandbox.addProgram('claude', LOGGED_IN);
    const account = subscriptionAccount({ environment: {}, home: sandbox.home }, 'Claude subscription');
    const ledger = openUsageLedger({
      file: join(sandbox.home, '.local', 'state', 'claude-orchestrator', 'usage.db'),
      accounts: { worker: account, manager: account },
      project: sandbox.project,
      now: Date.now,
    });
    const resetsAt = Date.now() + 3_600_000;
    const window = { name: 'five_hour', utilization: 1, status: 'rejected', resetsAt } as const;
    ledger.observe('worker', { windows: [window], overageInUse: false, refused: true });
    ledger.close();
    const heeded = await check({ XDG_STATE_HOME: undefined });
    expect(heeded.canRun).toBe(true);
    expect(heeded.of('limits')).toMatchObject([
      {
        status: 'warning',
        message: expect.stringMatching(/^the 5-hour usage limit is reached, until .*: a run waits/) as string,
        fix: expect.stringContaining('monitoring.check_usage_before_start') as string,
      },
    ]);
    const ignored = await check({
      XDG_STATE_HOME: undefined,
      CLAUDE_ORCHESTRATOR__MONITORING__CHECK_USAGE_BEFORE_START: 'false',
    });
    expect(ignored.of('limits')[0]?.message).toContain('a run tries at once');
  });

  test('nothing but the word of a worker is worth a warning', async () => {
    sandbox.addProgram('claude', LOGGED_IN);
    const { canRun, of } = await check({ CLAUDE_ORCHESTRATOR__VERIFY__COMMANDS: '[]' });
    expect(canRun).toBe(true);
    expect(of('verify')).toMatchObject([
      { status: 'warning', fix: expect.stringContaining('verify.commands') as string },
    ]);
  });

  test('all is well with a key, which is never shown', async () => {
    sandbox.addProgram('claude', LOGGED_OUT);
    writeFileSync(at('.env'), `ANTHROPIC_API_KEY='${KEY}'\r\n`, { mode: 0o600 });
    const base = await serve({ status: 200, body: MODELS });
    const { not, of, text } = await check({ ANTHROPIC_BASE_URL: base });
    expect(not('ok')).toEqual([]);
    expect(of('login')[0]?.message).toBe('workers: API key …wxyz');
    expect(of('models')[0]?.message).toBe(
      'manager opus = claude-opus-5-5, worker sonnet = claude-sonnet-5-5',
    );
    expect(text).not.toContain('AAAA');
  });

  test('without git and without the Claude CLI on PATH', async () => {
    const { canRun, of } = await check({ PATH: sandbox.bin });
    expect(canRun).toBe(false);
    expect(of('claude')).toMatchObject([
      {
        status: 'failure',
        fix: expect.stringContaining('npm install -g @anthropic-ai/claude-code') as string,
      },
    ]);
    expect(of('git')).toMatchObject([
      { status: 'failure', message: expect.stringContaining('git cannot be started') as string },
    ]);
    expect(of('login')).toMatchObject([{ status: 'skipped' }]);
  });

  test('a Claude CLI that hangs with a child is killed, child and all', async () => {
    sandbox.addProgram('claude', `sleep 1000 & echo $! >>${sandbox.home}/pids; wait`);
    const { of } = await check();
    expect(of('claude')).toMatchObject([
      { status: 'failure', message: expect.stringContaining('does not answer to --version') as string },
    ]);
    const pids = readFileSync(join(sandbox.home, 'pids'), 'utf8').trim().split('\n');
    expect(pids).toHaveLength(2);
    for (const pid of pids) expect(isRunning(Number(pid)), pid).toBe(false);
  });

  test('Ctrl-C ends it, and what it started', async () => {
    const pids = join(sandbox.home, 'pids');
    sandbox.addProgram('claude', `echo $$ >>${pids}; exec sleep 1000`);
    const options = { cwd: sandbox.project, env: { PATH: sandbox.path } };
    const child = spawn(process.execPath, [resolve('bin/claude-orchestrator.js'), 'check'], {
      cwd: sandbox.project,
      env: toolEnvironment(options),
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const started = () => (existsSync(pids) ? readFileSync(pids, 'utf8').trim().split('\n') : []);
    await vi.waitFor(() => expect(started()).toHaveLength(2), { timeout: 60_000 });
    child.kill('SIGINT');
    const [stderr, [code]] = await Promise.all([
      text(child.stderr),
      once(child, 'close') as Promise<[number | null]>,
    ]);
    expect({ code, stderr }).toEqual({ code: 130, stderr: 'error: Interrupted. Nothing was changed.\n' });
    for (const pid of started()) expect(isRunning(Number(pid)), pid).toBe(false);
  });

  test.each([
    ['ends with an error', 'echo broken >&2; exit 3', 'ends with exit code 3: broken'],
    ['is no program', 'exec /nonexistent', 'ends with exit code 12'],
  ])('a Claude CLI that %s', async (_name, body, message) => {
    sandbox.addProgram('claude', body);
    expect((await check()).of('claude')).toMatchObject([
      { status: 'failure', message: expect.stringContaining(message) as string },
    ]);
  });

  test.each([
    ['/etc/passwd', 'is not executable'],
    ['/tmp', 'is a directory'],
    ['/nonexistent/claude', 'does not exist'],
    ['no-such-claude', 'was not found on PATH'],
    ['another', 'is not the Claude CLI: to --version it says "another 1.2.3"'],
    ['silent', 'is not the Claude CLI: to --version it says nothing'],
  ])('claude_cli.command: %s %s, in check and in run', async (command, why) => {
    sandbox.addProgram('another', 'echo "another 1.2.3"');
    sandbox.addProgram('silent', 'exit 0');
    const env = { CLAUDE_ORCHESTRATOR__CLAUDE_CLI__COMMAND: command, ANTHROPIC_API_KEY: KEY };
    const { canRun, of } = await check({
      ...env,
      ANTHROPIC_BASE_URL: await serve({ status: 200, body: MODELS }),
    });
    expect(canRun).toBe(false);
    expect(of('claude')).toMatchObject([
      {
        status: 'failure',
        message: `the Claude CLI: "${command}" ${why}`,
        fix: expect.stringContaining('claude_cli.command') as string,
      },
    ]);
    const options = { cwd: sandbox.project, env: { ...env, PATH: sandbox.path } };
    expect((await runTool(['add', '--raw', 'x'], options)).code).toBe(0);
    for (const auth of ['auto', 'api_key']) {
      const run = { ...options, env: { ...options.env, CLAUDE_ORCHESTRATOR__CLAUDE_CLI__AUTH: auth } };
      const { stderr, stdout, code } = await runTool(['run', '--no-plan'], run);
      expect(code, stdout).toBe(2);
      expect(stderr).toContain(`"${command}" ${why}`);
    }
    // What was refused is no run.
    expect(JSON.parse((await runTool(['status', '--json'], options)).stdout)).toMatchObject({ run: null });
  });

  test('signing that fails is a failure, as a run is refused for it', async () => {
    sandbox.addProgram('claude', LOGGED_IN);
    git('config', 'commit.gpgSign', 'true');
    git('config', 'gpg.program', 'false');
    const { canRun, of } = await check();
    expect(canRun).toBe(false);
    expect(of('git').at(-1)).toMatchObject({
      status: 'failure',
      message: expect.stringContaining('could not sign') as string,
    });
  });

  test('a model that is none of Claude is a failure, in check and in run; one that is not listed a warning', async () => {
    sandbox.addProgram('claude', LOGGED_IN);
    const worker = (model: string) => ({ CLAUDE_ORCHESTRATOR__MODELS__WORKER__MODEL: model });
    const fix = expect.stringContaining('models.worker.model to the alias "sonnet"') as string;
    expect(await check(worker('gpt-4'))).toMatchObject({ canRun: false });
    expect((await check(worker('gpt-4'))).of('models')).toMatchObject([{ status: 'failure', fix }]);
    const options = { cwd: sandbox.project, env: { ...worker('gpt-4'), PATH: sandbox.path } };
    expect((await runTool(['add', '--raw', 'x'], options)).code).toBe(0);
    const { stderr, code } = await runTool(['run'], options);
    expect({ code, stderr }).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('"gpt-4" of models.worker.model') as string,
    });

    const base = { ANTHROPIC_API_KEY: KEY, ANTHROPIC_BASE_URL: await serve({ status: 200, body: MODELS }) };
    const [listed, unlisted] = (await check({ ...base, ...worker('gpt-4') })).of('models');
    expect([listed?.status, unlisted?.status]).toEqual(['ok', 'failure']);
    const rare = await check({ ...base, ...worker('claude-rare-1') });
    expect(rare.canRun).toBe(true);
    expect(rare.of('models').map(({ status }) => status)).toEqual(['ok', 'warning']);
  });

  test('an old Claude CLI, and one that knows no `auth status`', async () => {
    sandbox.addProgram('claude', 'echo "1.0.3 (Claude Code)"');
    const { of } = await check();
    expect(of('claude')[0]).toMatchObject({ status: 'warning' });
    expect(of('login')[0]).toMatchObject({ status: 'failure' });
  });

  test('claude_cli.auth decides who pays', async () => {
    sandbox.addProgram('claude', LOGGED_OUT);
    const auth = (value: string) => ({ CLAUDE_ORCHESTRATOR__CLAUDE_CLI__AUTH: value });
    const base = { ANTHROPIC_API_KEY: KEY, ANTHROPIC_BASE_URL: await serve({ status: 200, body: MODELS }) };
    expect((await check({ ...base, ...auth('subscription') })).of('login')[0]?.status).toBe('failure');
    expect((await check(auth('api_key'))).of('login')[0]?.status).toBe('failure');
    sandbox.addProgram('claude', LOGGED_IN);
    expect((await check({ ...base, ...auth('auto') })).of('login')[0]?.message).toBe(
      'workers: Claude subscription (max)',
    );
    expect((await check({ ...base, ...auth('api_key') })).of('login')[0]?.message).toBe(
      'workers: API key …wxyz',
    );
  });

  test('a refused key and a model that is not there are failures; a silent server is not', async () => {
    sandbox.addProgram('claude', LOGGED_IN);
    const error = { type: 'error', error: { type: 'authentication_error', message: 'invalid x-api-key' } };
    const refused = await check({
      ANTHROPIC_API_KEY: KEY,
      ANTHROPIC_BASE_URL: await serve({ status: 401, body: error }),
    });
    expect(refused.of('models')).toMatchObject([{ status: 'failure' }]);
    const retired = { ...MODELS, data: [model('claude-opus-4-0', 'opus', 'retired'), MODELS.data[1]] };
    const missing = await check({
      ANTHROPIC_API_KEY: KEY,
      ANTHROPIC_BASE_URL: await serve({ status: 200, body: retired }),
    });
    expect(missing.of('models').map(({ status }) => status)).toEqual(['ok', 'failure']);
    const silent = await check({ ANTHROPIC_API_KEY: KEY, ANTHROPIC_BASE_URL: await serve() });
    expect(silent.of('models')).toMatchObject([
      { status: 'warning', message: expect.stringMatching(/^not checked: The manager \(opus\)/) as string },
    ]);
    expect(silent.canRun).toBe(true);
  });

  test('every problem of the configuration, while everything else is still checked', async () => {
    sandbox.addProgram('claude', LOGGED_IN);
    writeFileSync(at('orchestrator_config.json'), '{"execution":{"max_workers":0,"max_retrys":1}}');
    const { canRun, of } = await check();
    expect(canRun).toBe(false);
    expect(of('config').map(({ status }) => status)).toEqual(['failure', 'failure']);
    expect(of('config').find(({ fix }) => fix === 'did you mean execution.max_retries?')).toBeDefined();
    expect(of('login')[0]?.status).toBe('ok');
  });

  test.skipIf(process.platform === 'win32')(
    'an .env that others can read, and one that is committed',
    async () => {
      chmodSync(at('.env'), 0o644);
      git('add', '-f', '.env');
      const { of } = await check();
      expect(of('.env')).toMatchObject([{ status: 'warning', fix: `Run \`chmod 600 ${at('.env')}\`.` }]);
      expect(of('git')[1]).toMatchObject({
        status: 'warning',
        message: expect.stringContaining('.env is committed') as string,
      });
    },
  );

  test('a repository without a commit, in the middle of a merge, and none at all', async () => {
    writeFileSync(at('.git', 'MERGE_HEAD'), git('rev-parse', 'HEAD'));
    const merging = (await check()).of('git');
    expect(merging.find(({ message }) => message === 'a merge is unfinished')).toMatchObject({
      status: 'failure',
      fix: expect.stringContaining('git merge --abort') as string,
    });
    execFileSync('rm', ['-rf', at('.git')]);
    expect((await check()).of('git')[1]).toMatchObject({
      status: 'warning',
      message: expect.stringContaining('is not in a git repository') as string,
    });
    git('init', '-q');
    expect((await check()).of('git')[1]).toMatchObject({
      status: 'failure',
      message: 'the repository has no commit yet',
    });
    writeFileSync(at('orchestrator_config.json'), '{"execution":{"isolation":"none"}}');
    expect((await check()).of('git')[1]?.status).toBe('warning');
    writeFileSync(at('orchestrator_config.json'), '{}');
    writeFileSync(at('.git', 'HEAD'), 'nonsense');
    expect((await check()).of('git')).toMatchObject([{ status: 'failure' }]);
  });

  test.each([
    [
      'a working directory that is not there',
      '{"execution":{"default_working_dir":"packages/app"}}',
      {},
      /packages\/app, which does not exist/,
    ],
    [
      'a working directory that is none, with workers that share it',
      '{"execution":{"default_working_dir":"Makefile","isolation":"none"}}',
      {},
      /Makefile, which is not a directory/,
    ],
    ['worktrees inside of the repository', '{"workspace":{"root":"trees"}}', {}, /inside of the repository/],
    ['a HOME inside of the repository', '{}', { XDG_CACHE_HOME: undefined }, /inside of the repository/],
  ])('what a run refuses, and in the same words: %s', async (_, config, env, words) => {
    writeFileSync(at('orchestrator_config.json'), config);
    mkdirSync(at('home'));
    const environment = { ...env, HOME: at('home') };
    await runTool(['add', '--raw', 'Do it'], { cwd: sandbox.project });
    const { of } = await check(environment);
    const failure = of('git').find(({ status }) => status === 'failure');
    expect(failure?.message).toMatch(words);
    sandbox.addProgram('claude', LOGGED_IN);
    const run = await runTool(['run', '--no-plan'], {
      cwd: sandbox.project,
      env: { PATH: sandbox.path, ...environment },
    });
    expect([run.code, run.stderr]).toEqual([2, expect.stringMatching(words)]);
    expect(run.stderr).not.toContain('share');
  });

  test('a damaged database, none, and a dangling link', async () => {
    sandbox.addProgram('claude', LOGGED_IN);
    truncateSync(at('.taskmaster', 'tasks.db'), 5000);
    const damaged = await check();
    expect(damaged.of('store').length).toBeGreaterThan(0);
    expect(damaged.of('store').every(({ status }) => status === 'failure')).toBe(true);
    execFileSync('rm', ['-rf', at('.taskmaster')]);
    expect((await check()).of('store')).toMatchObject([
      { status: 'failure', fix: 'Run `claude-orchestrator init`.' },
    ]);
    expect(existsSync(at('.taskmaster'))).toBe(false);
    mkdirSync(at('.taskmaster'));
    symlinkSync('/nonexistent/db', at('.taskmaster', 'tasks.db'));
    expect((await check()).of('store')[0]?.status).toBe('failure');
  });

  test.each([
    ['https://hooks.slack.com/services/T000/B000/abcdefgh', 'ok'],
    ['https://hooks.slack.com/services/YOUR/WEBHOOK/URL', 'warning'],
    ['https://example.com/hook', 'warning'],
  ])('the Slack webhook %s: %s', async (address, status) => {
    const { of, text } = await check({ SLACK_WEBHOOK_URL: address });
    expect(of('slack')[0]?.status).toBe(status);
    expect(text).not.toContain(address);
  });

  test('a run that is in progress keeps another one from starting', async () => {
    const store = openStore({ file: at('.taskmaster', 'tasks.db'), tag: 'master', create: true });
    const own = createProcessTable(process).identify(process.pid);
    if (own === undefined) throw new Error('This process is in no table.');
    startSampleRun(store, 'r1', own);
    store.close();
    const { canRun, of } = await check();
    expect(of('runs')).toMatchObject([
      { status: 'failure', message: `run r1 is in progress in process ${own.pid}` },
    ]);
    expect(canRun).toBe(false);
  });

  test('who is told, where the configuration cannot be used', async () => {
    writeFileSync(at('orchestrator_config.json'), '{"hooks":{"on_event":"./notify.sh"}}');
    const { of } = await check({ SLACK_WEBHOOK_URL: 'hooks.slack.com/services/T000/B000/abcdefgh' });
    for (const name of ['slack', 'webhook', 'hook']) expect(of(name)[0]?.status).toBe('skipped');
  });

  test.each([
    ['["./notify.sh", "--all"]', 'ok'],
    ['["no-such-program"]', 'warning'],
    ['["./README"]', 'warning'],
  ])('the program for events %s: %s', async (argv, status) => {
    writeFileSync(at('notify.sh'), '#!/bin/sh\n', { mode: 0o755 });
    writeFileSync(at('README'), '', { mode: 0o644 });
    const { of } = await check({ CLAUDE_ORCHESTRATOR__HOOKS__ON_EVENT: argv });
    expect(of('hook')[0]?.status).toBe(status);
  });
});

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  // Killed and not yet collected by init counts as gone.
  const stat = `/proc/${pid}/stat`;
  return !existsSync(stat) || !/^\d+ \(.*\) Z /.test(readFileSync(stat, 'latin1'));
}
