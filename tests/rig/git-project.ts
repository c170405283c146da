import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { makeSandbox, runTool, type Sandbox, type ToolResult } from './cli.ts';
import { anyClaude } from './simulator.ts';

/** A repository with one commit, set up for runs against a simulated API. */
export interface GitProject {
  readonly sandbox: Sandbox;
  readonly directory: string;
  readonly git: (...args: string[]) => string;
  readonly write: (path: string, content: string) => void;
  readonly tool: (...args: string[]) => Promise<ToolResult>;
  /** Starts the tool and returns at once, with its output thrown away. */
  readonly start: (...args: string[]) => ChildProcess;
}

/** Makes the repository with these files, text by path; `config` is added to what the CLI needs. */
export async function makeGitProject(
  apiUrl: string,
  files: Readonly<Record<string, string>>,
  config: Readonly<Record<string, unknown>> = {},
): Promise<GitProject> {
  const sandbox = makeSandbox();
  const { project: directory, home } = sandbox;
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: home,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_AUTHOR_NAME: 'Ada',
    GIT_AUTHOR_EMAIL: 'ada@example.com',
    GIT_COMMITTER_NAME: 'Ada',
    GIT_COMMITTER_EMAIL: 'ada@example.com',
    ANTHROPIC_BASE_URL: apiUrl,
    ANTHROPIC_API_KEY: 'sk-ant-simulated-key',
    CLAUDE_CONFIG_DIR: join(home, '.claude'),
    // The real CLI takes bypassPermissions from a root user in a sandbox only.
    IS_SANDBOX: '1',
  };
  const rig: GitProject = {
    sandbox,
    directory,
    git: (...args) => execFileSync('git', args, { cwd: directory, encoding: 'utf8', env }),
    write: (path, content) => {
      mkdirSync(dirname(join(directory, path)), { recursive: true });
      writeFileSync(join(directory, path), content);
    },
    tool: (...args) => runTool(args, { cwd: directory, limitMs: 230_000, env }),
    start: (...args) =>
      spawn(process.execPath, [resolve('bin', 'claude-orchestrator.js'), ...args], {
        cwd: directory,
        env,
        stdio: 'ignore',
      }),
  };
  rig.git('init', '-q', '-b', 'main');
  for (const [path, content] of Object.entries(files)) rig.write(path, content);
  rig.git('add', '.');
  rig.git('commit', '-qm', 'Begin');
  const claude = { command: anyClaude(sandbox.bin), permission_mode: 'bypassPermissions' };
  rig.write('orchestrator_config.json', JSON.stringify({ claude_cli: claude, ...config }));
  const made = await rig.tool('init', '--yes');
  if (made.code !== 0) throw new Error(made.stderr);
  return rig;
}
