import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';
import { CLAUDE_ORCHESTRATOR, TASK_MASTER } from '../../src/cli/commands.ts';
import { runTool, toolEnvironment } from '../rig/cli.ts';
import { SAMPLE_TASKS, taskProject, type TaskProject } from '../rig/task-project.ts';

/** Asks bash for completions as readline would: the words so far, the last of them unfinished. */
const ASK_BASH = `
source ./script
shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=()
[[ $(complete -p "$1") =~ -F\\ ([^ ]+) ]] && "\${BASH_REMATCH[1]}" "$1"
printf '%s\\n' "\${COMPREPLY[@]}"
`;

it('completes commands, options, values, ids and files in bash', async () => {
  using project = taskProject(SAMPLE_TASKS);
  const env = await prepare(project, 'bash');
  writeFileSync(join(project.directory, 'prd.md'), '');
  writeFileSync(join(project.directory, 'ask'), ASK_BASH);
  const complete = (...words: string[]): string[] =>
    execFileSync('bash', ['--norc', './ask', 'words', ...words], {
      cwd: project.directory,
      env,
      encoding: 'utf8',
    })
      .split('\n')
      .filter((word) => word !== '');

  expect(complete('claude-orchestrator', '')).toEqual(CLAUDE_ORCHESTRATOR.commands.map(({ name }) => name));
  expect(complete('task-master', '')).toEqual(TASK_MASTER.commands.map(({ name }) => name));
  expect(complete('claude-orchestrator', '--tag', 'x', 'set-')).toEqual(['set-status']);
  expect(complete('claude-orchestrator', 'list', '--with')).toEqual(['--with-subtasks']);
  expect(complete('claude-orchestrator', 'list', '--js')).toEqual(['--json']);
  expect(complete('claude-orchestrator', 'list', '--status', 'de')).toEqual(['deferred']);
  // Readline hands over `--status=de` as three words.
  expect(complete('claude-orchestrator', 'list', '--status', '=', 'de')).toEqual(['deferred']);
  expect(complete('claude-orchestrator', 'show', '3')).toEqual(['3', '3.1', '3.2']);
  expect(complete('claude-orchestrator', 'set-status', '5', 'd')).toEqual(['done', 'deferred']);
  expect(complete('claude-orchestrator', 'depend', '')).toEqual(['add', 'remove']);
  expect(complete('claude-orchestrator', 'depend', 'add', '5')).toEqual(['5']);
  expect(complete('claude-orchestrator', 'parse', 'pr')).toEqual(['prd.md']);
  expect(complete('claude-orchestrator', 'edit', '3', '--title', '')).toEqual([]);
  expect(complete('task-master', 'set-status', '--id', '=', '3', '--status', '=', 'pe')).toEqual(['pending']);
});

it.skipIf(!isInstalled('fish'))('completes in fish', async () => {
  using project = taskProject(SAMPLE_TASKS);
  const env = await prepare(project, 'fish');
  const complete = (line: string): string[] =>
    execFileSync('fish', ['--no-config', '-c', 'source ./script; complete -C $argv[1]', line], {
      cwd: project.directory,
      env,
      encoding: 'utf8',
    })
      .split('\n')
      .map((candidate) => candidate.split('\t')[0] ?? '')
      .filter((word) => word !== '');
  expect(complete('claude-orchestrator set-')).toEqual(['set-status']);
  expect(complete('claude-orchestrator list --status de')).toEqual(['deferred']);
  expect(complete('claude-orchestrator show 3.')).toEqual(['3.1', '3.2']);
  expect(complete('task-master add-')).toEqual(['add-dependency', 'add-task']);
});

it.skipIf(!isInstalled('zsh'))('is a script that zsh loads', async () => {
  using project = taskProject(SAMPLE_TASKS);
  const env = await prepare(project, 'zsh');
  const load = 'autoload -U compinit; compinit -D -u; source ./script; print $_comps[task-master]';
  const loaded = execFileSync('zsh', ['-f', '-c', load], { cwd: project.directory, env, encoding: 'utf8' });
  expect(loaded).toBe('_task_master\n');
});

/** Writes the script, and puts both programs on PATH under their own names. */
async function prepare(project: TaskProject, shell: string): Promise<NodeJS.ProcessEnv> {
  const { stdout, code } = await runTool(['completion', shell], { cwd: project.directory });
  expect(code).toBe(0);
  writeFileSync(join(project.directory, 'script'), stdout);
  for (const name of ['claude-orchestrator', 'task-master']) {
    const file = join(project.directory, name);
    writeFileSync(file, `#!/bin/sh\nexec '${process.execPath}' '${resolve('bin', `${name}.js`)}' "$@"\n`);
    chmodSync(file, 0o755);
  }
  const PATH = `${project.directory}:${process.env['PATH'] ?? ''}`;
  return toolEnvironment({ cwd: project.directory, env: { PATH } });
}

function isInstalled(program: string): boolean {
  return spawnSync(program, ['--version']).status === 0;
}
