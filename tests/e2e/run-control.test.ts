import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Stamped } from '../../src/domain/event.ts';
import { makeDraft } from '../rig/arbitrary-tasks.ts';
import { projectRig, type ProjectRig, type StartedTool } from '../rig/project.ts';
import { lines, processes, until, type FakeCall, type Step } from '../rig/worker-rig.ts';

const FAKE_CLAUDE = resolve('tests/rig/fake-claude.js');

const limit = {
  status: 'rejected',
  resetsAt: Math.round(Date.now() / 1000) + 3600,
  rateLimitType: 'five_hour',
};
/** The end of a worker at the usage limit, as the real CLI prints it. */
const usageLimit: readonly Step[] = [
  { print: { type: 'rate_limit_event', rate_limit_info: limit } },
  {
    print: {
      type: 'assistant',
      message: { id: 'msg_2', model: '<synthetic>', content: [] },
      error: 'rate_limit',
      is_api_error_message: true,
      api_error_status: 429,
      api_error: 'usage_limit_reached',
      api_error_params: { rate_limit_info: limit },
    },
  },
  {
    print: lines.result({
      is_error: true,
      terminal_reason: 'api_error',
      api_error_status: 429,
      api_error: 'usage_limit_reached',
      result: "You've hit your 5-hour limit",
      structured_output: undefined,
    }),
  },
  { exit: 1 },
];

describe('run', () => {
  let rig: ProjectRig;
  let fake: string;

  beforeEach(async () => {
    rig = await projectRig({ rules: [] });
    fake = join(rig.directory, 'fake');
    mkdirSync(fake);
    const command = join(fake, 'claude');
    writeFileSync(
      command,
      `#!/bin/sh\nFAKE_CLAUDE_DIR='${fake}' exec '${process.execPath}' '${FAKE_CLAUDE}' "$@"\n`,
    );
    chmodSync(command, 0o755);
    writeFileSync(
      join(rig.directory, 'orchestrator_config.json'),
      JSON.stringify({
        claude_cli: { command, auth: 'api_key' },
        execution: { max_workers: 2, retry_base_delay: 0 },
      }),
    );
  });

  afterEach(async () => {
    await rig.close();
  });

  const script = (...calls: readonly (readonly Step[])[]): void =>
    writeFileSync(join(fake, 'steps.json'), JSON.stringify(calls));
  const calls = (): FakeCall[] => {
    const file = join(fake, 'calls.ndjson');
    if (!existsSync(file)) return [];
    // The last line may be half written.
    const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1);
    return lines.map((line) => JSON.parse(line) as FakeCall);
  };
  const add = (count: number, dependencies: Readonly<Record<number, string[]>> = {}): void =>
    rig.withStore((store) => {
      const drafts = Array.from({ length: count }, (_, index) =>
        makeDraft(String(index + 1), { dependencies: dependencies[index + 1] ?? [] }),
      );
      store.addTasks(drafts, { source: 'test' });
    });
  const statuses = (): string[] => rig.withStore((store) => store.tasks().map(({ status }) => status));
  const run = (...args: string[]): StartedTool => rig.start(['run', '--no-plan', '--json', ...args]);
  const working = [{ print: lines.init }, { hang: true }] as const;
  const succeeding = [{ print: lines.init }, { print: lines.result() }] as const;
  /** Everything that was started for an attempt of this project and still lives. */
  const leftovers = (): number[] =>
    calls()
      .map(({ env }) => env['CLAUDE_ORCHESTRATOR_ATTEMPT'] ?? '')
      .flatMap((value) => processes.findMarked({ variable: 'CLAUDE_ORCHESTRATOR_ATTEMPT', value }))
      .map(({ pid }) => pid);
  const eventsOf = (stdout: string): (Stamped | { type: 'summary'; outcome: string })[] =>
    stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Stamped);

  it('ends its workers and their tools at the first Ctrl-C, saves, and exits with 130', async () => {
    add(3);
    script([{ tool: 'sleep 600' }, ...working]);
    const tool = run();
    await until(() => calls().length === 2);
    tool.process.kill('SIGINT');
    const { exitCode, stdout } = await tool.end;
    expect(exitCode).toBe(130);
    expect(eventsOf(stdout).at(-1)).toMatchObject({ type: 'summary', outcome: 'interrupted' });
    expect(statuses()).toEqual(['pending', 'pending', 'pending']);
    expect(leftovers()).toEqual([]);
  });

  it('is no run where it is refused before it begins: a plain error, exit code 2, and nothing in `status`', async () => {
    const git = (...args: string[]): void =>
      void execFileSync('git', ['-c', 'user.name=Ada', '-c', 'user.email=ada@example.com', ...args], {
        cwd: rig.directory,
        env: rig.env,
      });
    const refused = async (why: RegExp, env: Readonly<Record<string, string>> = {}): Promise<void> => {
      const { exitCode, stdout, stderr } = await rig.tool(['run', '--no-plan'], { env });
      expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
      expect(stderr).toMatch(why);
      expect(stderr).not.toMatch(/interrupted/i);
      expect(rig.withStore((store) => store.lastRun())).toBeUndefined();
    };
    add(1);
    git('init', '-q', '-b', 'main');
    git('config', 'user.name', 'Ada');
    git('config', 'user.email', 'ada@example.com');
    await refused(/no commit yet/);
    git('add', 'orchestrator_config.json');
    git('commit', '-qm', 'Begin');
    mkdirSync(join(rig.directory, '.git', 'rebase-merge'));
    await refused(/rebase/);
    rmdirSync(join(rig.directory, '.git', 'rebase-merge'));
    const inside = { CLAUDE_ORCHESTRATOR__WORKSPACE__ROOT: join(rig.directory, 'inside') };
    await refused(/error: .*inside/, inside);
    const { stdout } = await rig.tool(['status', '--json']);
    expect(JSON.parse(stdout)).toMatchObject({ run: null, tasks: { total: 1 } });
  });

  it('does not wait for a worker that ignores SIGTERM at the second Ctrl-C', async () => {
    add(1);
    script([
      { ignoreSigterm: true },
      { print: lines.init },
      { write: { path: join(fake, 'ready'), text: '' } },
      { hang: true },
    ]);
    const tool = run();
    await until(() => existsSync(join(fake, 'ready')));
    tool.process.kill('SIGINT');
    tool.process.kill('SIGTERM');
    const { exitCode } = await tool.end;
    expect([130, 143]).toContain(exitCode);
    expect(leftovers()).toEqual([]);
  });

  it('takes over the worker of a killed orchestrator: one call, one result', async () => {
    add(1);
    const go = join(fake, 'go');
    script([{ print: lines.init }, { waitFor: go }, { print: lines.result() }]);
    const first = run();
    await until(
      () => calls().length === 1 && rig.withStore((store) => store.attempts().at(-1)?.process != null),
    );
    first.process.kill('SIGKILL');
    await first.end;
    const second = run();
    await until(() => second.output.stdout.includes('run-planned'));
    writeFileSync(go, '');
    const { exitCode, stdout, stderr } = await second.end;
    expect(exitCode, stdout + stderr).toBe(0);
    expect(calls()).toHaveLength(1);
    expect(statuses()).toEqual(['done']);
    expect(rig.withStore((store) => store.attempts().length)).toBe(1);
    expect(rig.withStore((store) => store.usage().length)).toBe(1);
  });

  it('resumes the session of a worker that was killed with its orchestrator, and leaves nothing of it', async () => {
    add(1);
    script([{ tool: 'sleep 600' }, ...working], succeeding);
    const first = run();
    await until(
      () => calls().length === 1 && rig.withStore((store) => store.attempts().at(-1)?.process != null),
    );
    first.process.kill('SIGKILL');
    await first.end;
    process.kill(calls()[0]?.pid ?? 0, 'SIGKILL');
    const { exitCode, stdout, stderr } = await run().end;
    expect(exitCode, stdout + stderr).toBe(0);
    const [before, after] = calls();
    expect(after?.argv).toContain('--resume');
    expect(after?.argv[after.argv.indexOf('--resume') + 1]).toBe(
      before?.argv[before.argv.indexOf('--session-id') + 1],
    );
    expect(leftovers()).toEqual([]);
    expect(statuses()).toEqual(['done']);
  });

  it('refuses to run beside another run, and names it', async () => {
    add(1);
    const go = join(fake, 'go');
    script([{ print: lines.init }, { waitFor: go }, { print: lines.result() }]);
    const first = run();
    await until(() => calls().length === 1);
    const { exitCode, stdout } = await run().end;
    expect(exitCode).toBe(2);
    expect(JSON.parse(stdout.trim().split('\n').at(-1) ?? '')).toMatchObject({
      error: {
        reason: 'run-in-progress',
        message: expect.stringContaining(String(first.process.pid)) as string,
      },
    });
    writeFileSync(go, '');
    expect((await first.end).exitCode).toBe(0);
  });

  it('picks up a task that is added while it works', async () => {
    add(1);
    const go = join(fake, 'go');
    script([{ print: lines.init }, { waitFor: go }, { print: lines.result() }]);
    const tool = run('--workers', '1');
    await until(() => calls().length === 1);
    expect(await rig.tool(['add', '--raw', 'A late thought'])).toMatchObject({ exitCode: 0 });
    writeFileSync(go, '');
    const { exitCode, stdout } = await tool.end;
    expect(exitCode, stdout).toBe(0);
    expect(statuses()).toEqual(['done', 'done']);
  });

  it('stops all dispatch at the usage limit, charges nobody, and exits with 3', async () => {
    add(5);
    script([{ print: lines.init }, ...usageLimit]);
    const { exitCode, stdout } = await run('--workers', '1', '--no-wait').end;
    expect(exitCode, stdout).toBe(3);
    expect(calls()).toHaveLength(1);
    expect(statuses()).toEqual(Array(5).fill('pending'));
  });

  it('fails only what failed and what needs it', async () => {
    add(4, { 2: ['1'], 4: ['3'] });
    script([
      { print: lines.init },
      {
        print: lines.result({
          is_error: true,
          terminal_reason: 'prompt_too_long',
          api_error_status: 400,
          result: 'Prompt is too long',
        }),
      },
      { exit: 1 },
    ]);
    const { exitCode, stdout } = await rig.tool(['run', '--no-plan', '--json', '1', '2'], {
      env: { CLAUDE_ORCHESTRATOR__EXECUTION__MAX_RETRIES: '0' },
    });
    expect(exitCode, stdout).toBe(1);
    expect(statuses()).toEqual(['failed', 'pending', 'pending', 'pending']);
  });

  it('says in one sentence what is missing when there is no Claude CLI', async () => {
    add(1);
    writeFileSync(
      join(rig.directory, 'orchestrator_config.json'),
      JSON.stringify({ claude_cli: { command: 'no-such-claude' } }),
    );
    const { exitCode, stderr } = await rig.tool(['run', '--no-plan']);
    expect(exitCode).toBe(2);
    expect(stderr).toContain('npm install -g @anthropic-ai/claude-code');
    expect(statuses()).toEqual(['pending']);
  });
});
