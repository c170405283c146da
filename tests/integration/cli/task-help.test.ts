import { describe, expect, it } from 'vitest';
import packageJson from '../../../package.json' with { type: 'json' };
import { CLAUDE_ORCHESTRATOR, TASK_MASTER } from '../../../src/cli/commands.ts';
import { json, run, taskMaster } from '../../rig/hand-made-cli.ts';
import { taskProject } from '../../rig/task-project.ts';

const OWN = [
  ...['list', 'show', 'next', 'set-status', 'edit', 'delete', 'depend', 'completion'],
  ...['logs', 'diff', 'retry', 'cancel', 'recover'],
];

describe('every command', () => {
  it.each([
    ...CLAUDE_ORCHESTRATOR.commands.map(({ name }) => ({ name, on: run })),
    ...TASK_MASTER.commands.map(({ name }) => ({ name, on: taskMaster })),
  ])('$name names its exit codes, and says the same of help as the top level', async ({ name, on }) => {
    using project = taskProject();
    const [own, top] = [await on(project, [name, '--help']), await on(project, ['--help'])];
    for (const { stdout } of [own, top]) {
      expect(stdout).toMatch(/\nExit codes:\s+0 .*2 /s);
      expect(stdout).toMatch(/-h, --help +print help\n/);
      expect(stdout).toMatch(/-V, --version +print the version/);
    }
  });

  it.each(OWN)('%s shows an example in its help', async (name) => {
    using project = taskProject();
    const end = await run(project, [name, '--help']);
    expect(end.exitCode).toBe(0);
    expect(end.stdout).toMatch(new RegExp(`Examples?:\\n  claude-orchestrator ${name}`));
  });

  it.each([
    ...['init', 'check', 'plan', 'status', 'list pending', 'next', 'logs 1', 'diff 1', 'clean', 'expand 1'],
    ...['edit 1', 'config show', 'demo', 'completion bash', 'recover show 1', 'recover restore 1'],
  ])('%s takes no argument more', async (line) => {
    using project = taskProject();
    const end = await run(project, [...line.split(' '), 'extra']);
    expect(end).toMatchObject({ exitCode: 2, stdout: '' });
    expect(end.stderr).toMatch(/too many arguments|extra/);
  });

  it('says what to do where no project is', async () => {
    using project = taskProject();
    const end = await run(project, ['list', '-d', '..']);
    expect(end).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('init') as string });
  });

  it.each([
    { argv: ['lst', '--json'], message: "Unknown command 'lst'.", fix: 'Did you mean list?' },
    {
      argv: ['list', '--json', '--nothing'],
      message: "Unknown option '--nothing'.",
      fix: '`claude-orchestrator list --help`',
    },
    {
      argv: ['run', '--json', '--workers', '0'],
      message:
        "Option '-w, --workers <n>' argument '0' is invalid. --workers takes a whole number from 1 to 64.",
      fix: '`claude-orchestrator run --help`',
    },
    { argv: ['show', '--json', '--id'], message: "Option '-i, --id <ids>' argument missing.", fix: '--help' },
    { argv: ['depend', 'add', '--json'], message: "Missing required argument 'id'.", fix: '--help' },
    { argv: ['--json'], message: 'No command was given.', fix: '--help' },
  ])('prints wrong usage as JSON where JSON is asked for: $argv', async ({ argv, message, fix }) => {
    using project = taskProject();
    const end = await run(project, argv);
    expect(end).toMatchObject({ exitCode: 2, stderr: '' });
    expect(json(end)).toEqual({
      error: { reason: 'wrong-usage', message, fix: expect.stringContaining(fix) as string },
    });
  });

  it('prints its version for -v alone, which has nothing to be verbose about', async () => {
    using project = taskProject();
    expect(await run(project, ['-v'])).toEqual({
      exitCode: 0,
      stdout: `${packageJson.version}\n`,
      stderr: '',
    });
  });

  it('prints a failure as JSON where JSON is asked for', async () => {
    using project = taskProject();
    expect(json(await run(project, ['show', '7', '--json']))).toEqual({
      error: {
        reason: 'task-not-found',
        message: 'There is no task 7 here.',
        fix: expect.any(String) as string,
      },
    });
  });
});
