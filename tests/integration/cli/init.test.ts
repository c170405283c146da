import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  makeSandbox,
  runTool,
  toolEnvironment,
  type Sandbox,
  type ToolOptions,
  type ToolResult,
} from '../../rig/cli.ts';
import { runOnTerminal } from '../../rig/terminal.ts';

let sandbox: Sandbox;
beforeEach(() => {
  sandbox = makeSandbox();
});
afterEach(() => sandbox.remove());

const init = (args: readonly string[] = [], options: Partial<ToolOptions> = {}): Promise<ToolResult> =>
  runTool(['init', ...args], { cwd: sandbox.project, ...options });
const at = (...path: string[]): string => join(sandbox.project, ...path);
const read = (...path: string[]): string => readFileSync(at(...path), 'latin1');
const config = (): {
  verify: { commands: string[] };
  claude_cli: { allowed_tools: string[] };
  $schema: string;
} => JSON.parse(read('orchestrator_config.json')) as ReturnType<typeof config>;

/** Every file with its bytes and mode, but for the database, which SQLite may touch. */
function snapshot(folder: string): Record<string, string> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(
      (entry) =>
        !entry.isDirectory() && !entry.name.startsWith('tasks.db') && !entry.parentPath.includes('.git'),
    )
    .map((entry) => join(entry.parentPath, entry.name));
  return Object.fromEntries(
    files.map((file) => [file, `${lstatSync(file).mode.toString(8)} ${readFileSync(file, 'latin1')}`]),
  );
}

describe('init', () => {
  test('sets a repository up, proposes what fits it, and says what comes next', async () => {
    execFileSync('git', ['init', '-q'], { cwd: sandbox.project });
    writeFileSync(at('package.json'), '{"scripts":{"test":"node --test","lint":"true"}}');
    writeFileSync(at('go.mod'), 'module a\n');
    const { code, stdout, stderr } = await init();
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain('Next: claude-orchestrator check');
    expect(config().verify.commands).toEqual(['npm run lint', 'npm test', 'go build ./...', 'go test ./...']);
    expect(config().claude_cli.allowed_tools).toContain('Bash(npm test:*)');
    expect(JSON.parse(read(config().$schema))).toMatchObject({ type: 'object', additionalProperties: false });
    expect(statSync(at('.env')).mode & 0o777).toBe(0o600);
    const ignored = [
      '.env',
      '.taskmaster/tasks.db',
      '.taskmaster/tasks.db-wal',
      '.taskmaster/attempts/1/prompt',
    ];
    expect(execFileSync('git', ['check-ignore', ...ignored], { cwd: sandbox.project }).toString()).toBe(
      `${ignored.join('\n')}\n`,
    );
    expect(existsSync(at('.taskmaster', 'tasks.db'))).toBe(true);
    expect(await runTool(['config', 'validate'], { cwd: sandbox.project })).toMatchObject({
      code: 0,
      stderr: '',
    });
  });

  test('run again, it changes nothing and asks nothing', async () => {
    await init();
    const before = snapshot(sandbox.project);
    for (const args of [[], ['--yes'], ['--json']]) {
      const { code, stdout } = await init(args, { stdin: 'y\n' });
      expect(code).toBe(0);
      expect(stdout).not.toMatch(/written|replaced|completed/);
    }
    expect(snapshot(sandbox.project)).toEqual(before);
  });

  test('keeps a configuration and an .env that are there, and completes .gitignore', async () => {
    writeFileSync(at('orchestrator_config.json'), '{"execution":{"max_workers":9}}');
    writeFileSync(at('.env'), 'ANTHROPIC_API_KEY=mine\r\n', { mode: 0o644 });
    writeFileSync(at('.gitignore'), Buffer.from('node_modules\r\n\xff\r\n.env', 'latin1'));
    const { code, stdout } = await init(['--yes']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/kept +orchestrator_config\.json/);
    expect(read('orchestrator_config.json')).toBe('{"execution":{"max_workers":9}}');
    expect(read('.env')).toBe('ANTHROPIC_API_KEY=mine\r\n');
    expect(read('.gitignore')).toBe(
      'node_modules\r\n\xff\r\n.env\r\n\r\n# claude-orchestrator\r\n.taskmaster/tasks.db*\r\n.taskmaster/attempts/\r\n.taskmaster/logs/\r\n',
    );
  });

  test.each([
    ['n', false],
    ['', false],
    ['y', true],
  ])('on a terminal it asks before it replaces a configuration: %j', async (answer, replaced) => {
    writeFileSync(at('orchestrator_config.json'), '{}');
    const terminal = runOnTerminal([process.execPath, resolve('bin/claude-orchestrator.js'), 'init'], {
      columns: 200,
      rows: 30,
      cwd: sandbox.project,
      env: toolEnvironment({ cwd: sandbox.project, env: { NO_COLOR: '1' } }),
    });
    const shown = (): string => terminal.outputs.map(({ text }) => text).join('');
    await terminal.until(() => shown().includes('exists. Replace it with a new one? [y/N]'));
    terminal.type(`${answer}\r`);
    expect((await terminal.ended).exit).toBe(0);
    expect(read('orchestrator_config.json') !== '{}').toBe(replaced);
    expect(shown()).toMatch(replaced ? /replaced +orchestrator_config/ : /kept +orchestrator_config/);
  });

  test('--json has a fixed shape', async () => {
    writeFileSync(at('Cargo.toml'), '');
    const { stdout, stderr } = await init(['--json']);
    expect(stderr).toBe('');
    expect(JSON.parse(stdout)).toEqual({
      root: sandbox.project,
      stacks: [
        {
          name: 'Rust',
          evidence: 'Cargo.toml',
          verify: ['cargo test'],
          allowedTools: ['Bash(cargo build:*)', 'Bash(cargo check:*)', 'Bash(cargo test:*)'],
        },
      ],
      files: [
        { path: 'orchestrator_config.json', action: 'written' },
        { path: '.env', action: 'written', note: expect.any(String) as string },
        { path: '.gitignore', action: 'written' },
        { path: '.taskmaster/config.schema.json', action: 'written' },
        { path: '.taskmaster/tasks.db', action: 'written' },
      ],
      notes: [expect.stringContaining('not in a git repository')],
      next: 'claude-orchestrator check',
    });
  });

  test('writes through a symbolic link, and leaves one that leads nowhere alone', async () => {
    mkdirSync(at('shared'));
    writeFileSync(at('shared', 'ignore'), 'a\n');
    symlinkSync('shared/ignore', at('.gitignore'));
    symlinkSync('/nonexistent/env', at('.env'));
    expect((await init()).code).toBe(0);
    expect(lstatSync(at('.gitignore')).isSymbolicLink()).toBe(true);
    expect(read('shared', 'ignore')).toMatch(/^a\n\n# claude-orchestrator\n\.env\n/);
    expect(lstatSync(at('.env')).isSymbolicLink()).toBe(true);
  });

  test('refuses the home directory, also when it is reached by a link', async () => {
    symlinkSync(sandbox.home, at('link'));
    for (const cwd of [sandbox.home, at('link')]) {
      const { code, stderr } = await init([], { cwd, env: { HOME: sandbox.home } });
      expect(code).toBe(2);
      expect(stderr).toContain('is your home directory');
    }
    expect(readdirSync(sandbox.home)).toEqual([]);
  });

  test('names the project that a folder belongs to, and makes one inside it only where that is asked for', async () => {
    await init();
    mkdirSync(at('inner'));
    for (const args of [[], ['--yes'], ['--json']]) {
      const { code, stdout, stderr } = await init(args, { cwd: at('inner') });
      expect(code).toBe(2);
      expect(stdout + stderr).toContain(`The project ${sandbox.project} covers ${at('inner')} already`);
      expect(readdirSync(at('inner'))).toEqual([]);
    }
    expect((await init(['--nested'], { cwd: at('inner') })).code).toBe(0);
    expect(existsSync(at('inner', 'orchestrator_config.json'))).toBe(true);
    expect((await init([], { cwd: at('inner') })).code).toBe(0);
  });

  test('says that this is not the top of the repository', async () => {
    execFileSync('git', ['init', '-q'], { cwd: sandbox.project });
    mkdirSync(at('inner'));
    const { code, stderr } = await init(['-d', 'inner']);
    expect(code).toBe(0);
    expect(stderr).toContain(`not the top of the git repository, which is ${sandbox.project}`);
  });

  test.each([
    ['a file where the state folder belongs', () => writeFileSync(at('.taskmaster'), '')],
    ['a directory where the configuration belongs', () => mkdirSync(at('orchestrator_config.json'))],
    ['a directory where .gitignore belongs', () => mkdirSync(at('.gitignore'))],
    [
      'a database that is none',
      () => {
        mkdirSync(at('.taskmaster'));
        writeFileSync(at('.taskmaster', 'tasks.db'), 'This is no database at all. '.repeat(50));
      },
    ],
  ])('%s is a clear failure, exit 2', async (_name, prepare) => {
    prepare();
    const { code, stderr } = await init();
    expect(code).toBe(2);
    expect(stderr).toMatch(/^(?:note: .*\n)?error: .+\n {2}.+/);
    expect(stderr).not.toMatch(/\n\s+at /);
    expect(readdirSync(sandbox.project).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  test.skipIf(process.platform !== 'linux')(
    'a file system that takes no files is a clear failure',
    async () => {
      const { code, stderr } = await init(['-d', '/proc']);
      expect(code).toBe(2);
      expect(stderr).toMatch(/error: \/proc\/\.taskmaster cannot be made: .+\n {2}.+/);
    },
  );

  test.skipIf(process.getuid?.() === 0)('a read-only directory is a clear failure, exit 2', async () => {
    chmodSync(sandbox.project, 0o555);
    const { code, stderr } = await init();
    chmodSync(sandbox.project, 0o755);
    expect(code).toBe(2);
    expect(stderr).toContain('cannot be made');
    expect(readdirSync(sandbox.project)).toEqual([]);
  });
});

describe('config', () => {
  const tool = (args: readonly string[], env: Record<string, string> = {}): Promise<ToolResult> =>
    runTool(args, { cwd: sandbox.project, env });

  test('show tells every value with its origin, and no secret', async () => {
    const key = 'sk-ant-api03-SECRETSECRETSECRETSECRETwxyz';
    const hook = 'https://hooks.slack.com/services/T0/B0/HOOKSECRET12';
    writeFileSync(at('orchestrator_config.json'), '{"execution":{"max_workers":4}}');
    writeFileSync(at('.env'), `ANTHROPIC_API_KEY="${key}"\r\nSLACK_WEBHOOK_URL=${hook}\r\n`);
    const env = { CLAUDE_ORCHESTRATOR__CLAUDE_CLI__ENVIRONMENT: '{"NPM_TOKEN":"tokentokentoken99"}' };
    for (const args of [['config'], ['config', 'show', '--json'], ['config', '--verbose']]) {
      const { code, stdout, stderr } = await tool(args, env);
      expect(code).toBe(0);
      expect(stdout + stderr).not.toMatch(/SECRET|tokentoken/);
      expect(stdout).toContain('…wxyz');
    }
    const { values } = JSON.parse((await tool(['config', '--json'], env)).stdout) as {
      values: { key: string; value: unknown; origin: { source: string } }[];
    };
    const origins = Object.fromEntries(values.map(({ key: name, origin }) => [name, origin.source]));
    expect(origins).toMatchObject({
      'execution.max_workers': 'file',
      'execution.max_retries': 'default',
      'notifications.slack_webhook_url': '.env',
      'claude_cli.environment': 'environment',
    });
  });

  test('schema prints the JSON Schema', async () => {
    const { code, stdout } = await tool(['config', 'schema']);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ $schema: 'https://json-schema.org/draft/2020-12/schema' });
  });

  test('validate names every problem, exit 2', async () => {
    writeFileSync(at('orchestrator_config.json'), '{"exekution":{},"git":{"auto_commit":"yes"}}');
    const { code, stderr } = await tool(['config', 'validate']);
    expect(code).toBe(2);
    expect(stderr).toContain('exekution: there is no such key — did you mean execution?');
    expect(stderr).toContain('git.auto_commit: expected true or false, got "yes" (text)');
    const json = await tool(['config', 'validate', '--json']);
    expect(json.code).toBe(2);
    expect(JSON.parse(json.stdout)).toMatchObject({
      valid: false,
      problems: [{ path: 'exekution' }, { path: 'git.auto_commit' }],
    });
  });

  test('a trailing comma names line and column', async () => {
    writeFileSync(at('orchestrator_config.json'), '{\n  "execution": {},\n}\n');
    const { code, stderr } = await tool(['config']);
    expect(code).toBe(2);
    expect(stderr).toContain('line 3, column 1: a comma before "}" is one too many');
  });

  test('an unknown action is wrong usage', async () => {
    expect(await tool(['config', 'shw'])).toMatchObject({ code: 2, stdout: '' });
  });
});
