import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, realpathSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startSimulator, type Simulator } from '../../src/simulator/server.ts';
import type { ScenarioInput } from '../../src/simulator/scenario.ts';
import { makeSandbox, runTool, toolEnvironment, type Sandbox, type ToolResult } from '../rig/cli.ts';
import { writtenTask } from '../rig/project.ts';
import { REAL_CLAUDE, STAND_IN } from '../rig/simulator.ts';

type Rule = ScenarioInput['rules'][number];

const REPORT = { json: { status: 'completed', summary: 'Written.', handover: '', followUps: [] } };
const APPROVAL = { json: { findings: [], resolved: [], summary: 'Good.', verdict: 'approved' } };

const SCENARIO: ScenarioInput = {
  rules: [
    { name: 'review', when: { role: 'manager', system: 'You review' }, reply: APPROVAL },
    {
      name: 'write two',
      when: { role: 'manager', contains: 'Fix the login' },
      reply: { json: { tasks: [writtenTask('1', 'Mend the login'), writtenTask('2', 'Add a dark mode')] } },
    },
    {
      name: 'read the document',
      when: { role: 'manager', contains: 'The requirements of a day' },
      reply: { json: { tasks: [writtenTask('1', 'Mend the login')] } },
    },
    ...[
      ['Mend the login', 'login.txt'],
      ['Add a dark mode', 'dark.txt'],
    ].map(([title = '', file = '']): Rule => ({
      name: title,
      when: { role: 'worker', contains: `: ${title}` },
      turns: [
        { tools: [{ name: 'Write', input: { file_path: `{{cwd}}/${file}`, content: 'done\n' } }] },
        REPORT,
      ],
    })),
  ],
};

describe('do', () => {
  let sandbox: Sandbox;
  let simulator: Simulator;
  let env: Record<string, string>;

  beforeEach(async () => {
    sandbox = makeSandbox();
    sandbox.addProgram('claude', `exec '${process.execPath}' '${STAND_IN}' "$@"`);
    simulator = await startSimulator(SCENARIO);
    env = {
      PATH: sandbox.path,
      GIT_AUTHOR_NAME: 'Ada',
      GIT_AUTHOR_EMAIL: 'ada@example.com',
      GIT_COMMITTER_NAME: 'Ada',
      GIT_COMMITTER_EMAIL: 'ada@example.com',
      ANTHROPIC_BASE_URL: simulator.url,
      ANTHROPIC_API_KEY: 'sk-ant-simulated-key',
    };
    makeRepository(sandbox.project);
  });
  afterEach(async () => {
    await simulator.close();
    sandbox.remove();
  });

  const makeRepository = (directory: string): void => {
    mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, 'package.json'), JSON.stringify({ scripts: { test: 'true' } }));
    git(directory, 'init', '-q', '-b', 'main');
    git(directory, 'add', '.');
    git(directory, 'commit', '-qm', 'Begin');
  };
  const git = (cwd: string, ...args: string[]): string =>
    execFileSync('git', args, {
      cwd,
      env: { ...env, HOME: sandbox.home, GIT_CONFIG_NOSYSTEM: '1' },
    }).toString();
  const tool = (args: readonly string[], cwd = sandbox.project, more = {}): Promise<ToolResult> =>
    runTool(args, { cwd, env: { HOME: sandbox.home, ...env, ...more } });
  const json = async (...args: string[]): Promise<unknown> =>
    JSON.parse((await tool(args)).stdout) as unknown;
  const lines = (result: ToolResult): Record<string, unknown>[] =>
    result.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  /** Starts the tool; `printed` resolves when all of these texts are in its output. */
  const startTool = (args: readonly string[]) => {
    const child = spawn(process.execPath, [resolve('bin', 'claude-orchestrator.js'), ...args], {
      cwd: sandbox.project,
      env: toolEnvironment({ cwd: sandbox.project, env }),
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let output = '';
    const end = once(child, 'close').then(([code]) => code as number | null);
    const printed = (...texts: readonly string[]): Promise<void> =>
      new Promise((done, failed) => {
        child.stdout.on('data', (chunk: Buffer) => {
          output += chunk.toString();
          if (texts.every((text) => output.includes(text))) done();
        });
        void end.then(() => failed(new Error(`It ended before:\n${output}`)));
      });
    return { process: child, printed, end };
  };
  const filesOf = (directory: string): string[] =>
    readdirSync(directory, { recursive: true, encoding: 'utf8' })
      .filter((path) => path !== '.git' && !path.startsWith('.git/'))
      .sort();

  it('does two things in a repository that was never set up, and leaves nothing but the results', async () => {
    const done = await tool(['do', 'Fix the login', 'Add dark mode', '--yes', '--max-cost', '5']);
    expect(done.code, done.stderr + done.stdout).toBe(0);
    expect(done.stderr).toContain('npm test (found by package.json)');
    expect(done.stderr).toContain('$5.00');
    expect(git(sandbox.project, 'status', '--porcelain')).toBe('A  dark.txt\nA  login.txt\n');
    expect(filesOf(sandbox.project)).toEqual(['dark.txt', 'login.txt', 'package.json']);
    expect(simulator.requests.filter(({ body }) => body.includes('wish for task'))).toHaveLength(1);

    const list = (await json('list', '--json')) as { tasks: { id: string; status: string }[] };
    expect(list.tasks.map(({ id, status }) => `${id} ${status}`)).toEqual(['1 done', '2 done']);
    const status = (await json('status', '--json')) as { run: { outcome: string } };
    expect(status.run.outcome).toBe('completed');
    expect((await tool(['logs', '1'])).stdout).toContain('Written.');
    expect((await tool(['diff', '1', '--name-only'])).stdout).toBe('login.txt\n');
    expect((await tool(['recover', 'list'])).code).toBe(0);
    expect((await tool(['config', 'show', '--json'])).stdout).toContain('"npm test"');
    expect((await tool(['check'])).stdout).toContain('tasks.db is sound');
    expect(filesOf(sandbox.project)).toEqual(['dark.txt', 'login.txt', 'package.json']);
  });

  it('does its job with the real Claude CLI', async () => {
    sandbox.addProgram('claude', `exec '${REAL_CLAUDE}' "$@"`);
    const done = await tool(['do', 'Fix the login', 'Add dark mode', '--yes', '--json']);
    expect(done.code, done.stderr + done.stdout).toBe(0);
    expect(git(sandbox.project, 'status', '--porcelain')).toBe('A  dark.txt\nA  login.txt\n');
    expect(filesOf(sandbox.project)).toEqual(['dark.txt', 'login.txt', 'package.json']);
  });

  it('reads a document, tells a program everything, and is taken over by init with its history', async () => {
    writeFileSync(join(sandbox.home, 'prd.md'), 'The requirements of a day');
    const args = ['do', '-f', join(sandbox.home, 'prd.md'), '--yes', '--json'];
    const done = await tool(args);
    expect(done.code, done.stderr + done.stdout).toBe(0);
    const told = lines(done);
    expect(told[0]).toMatchObject({
      type: 'intention',
      root: realpathSync(sandbox.project),
      isOutside: true,
      verify: ['npm test'],
      results: 'staged',
      maxCostUsd: null,
    });
    expect(told[1]).toMatchObject({ type: 'tasks', tasks: [{ id: '1', title: 'Mend the login' }] });
    expect(told.at(-1)).toMatchObject({ type: 'summary', outcome: 'completed' });
    const { stateFolder } = told[0] as { stateFolder: string };

    const before = (await tool(['logs', '1', '--raw'])).stdout;
    const made = await tool(['init', '--yes']);
    expect(made.stdout).toContain(`taken over from ${stateFolder}, with 1 task`);
    expect(existsSync(join(stateFolder, 'tasks.db'))).toBe(false);
    expect(existsSync(join(stateFolder, 'attempts'))).toBe(false);
    expect((await tool(['logs', '1', '--raw'])).stdout).toBe(before);
    const shown = (await json('show', '1', '--json')) as { tasks: [{ attempts: [{ files: string }] }] };
    expect(JSON.stringify(shown)).not.toContain(stateFolder);
    expect(JSON.stringify(shown)).toContain(join(sandbox.project, '.taskmaster', 'attempts'));
  });

  it('goes on, when it is interrupted, with the same words or with run; and names who holds the project', async () => {
    const { rules } = SCENARIO;
    await simulator.close();
    simulator = await startSimulator({
      rules: rules
        .map((rule) =>
          rule.name === 'Add a dark mode'
            ? { ...rule, times: 1, turns: [{ text: 'Hm.', waitMs: 600_000 }] }
            : rule,
        )
        .concat(rules.filter(({ name }) => name === 'Add a dark mode')),
    });
    env['ANTHROPIC_BASE_URL'] = simulator.url;
    const words = ['do', 'Fix the login', 'Add dark mode', '--yes', '--json'];
    const started = startTool(words);
    await started.printed('"attempt-progress"', '"landed"');
    const second = await tool(['do', 'Something else', '--raw', '--yes']);
    expect(second.code).toBe(2);
    expect(second.stderr).toContain(`process ${started.process.pid}`);
    started.process.kill('SIGINT');
    expect(await started.end).toBe(130);
    expect(git(sandbox.project, 'status', '--porcelain')).toBe('A  login.txt\n');
    expect(filesOf(sandbox.project)).toEqual(['login.txt', 'package.json']);

    const again = await tool(words);
    expect(again.code, again.stderr + again.stdout).toBe(0);
    expect(lines(again)[0]).toMatchObject({ continues: ['1', '2'] });
    expect(filesOf(sandbox.project)).toEqual(['dark.txt', 'login.txt', 'package.json']);
    expect(((await json('list', '--json')) as { tasks: unknown[] }).tasks).toHaveLength(2);
  });

  it('works on the tasks of a project that is set up, and does only its own', async () => {
    await tool(['init', '--yes']);
    await tool(['add', '--raw', 'An older task']);
    const done = await tool(['do', '--raw', 'Mend the login', '--no-plan', '--yes', '--json']);
    expect(done.code, done.stderr + done.stdout).toBe(0);
    expect(lines(done)[0]).toMatchObject({ isOutside: false });
    const list = (await json('list', '--json')) as { tasks: { id: string; status: string }[] };
    expect(list.tasks.map(({ id, status }) => `${id} ${status}`)).toEqual(['1 pending', '2 done']);
  });
});
