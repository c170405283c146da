import { cpSync, existsSync, mkdtempSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { probeDriver } from '../../src/store/driver.ts';

/** Node brings its own SQLite: there is no machine without one. */
const isBuiltIn = (() => {
  try {
    return probeDriver({ driver: 'node:sqlite' }) === 'node:sqlite';
  } catch {
    return false;
  }
})();

describe.skipIf(isBuiltIn)('where SQLite cannot be loaded', () => {
  let root: string;
  const project = () => join(root, 'project');
  const tool = (...args: string[]) => {
    const program = join(root, 'prefix/lib/node_modules/claude-orchestrator/bin/claude-orchestrator.js');
    const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...args], {
      cwd: project(),
      env: {
        PATH: '/usr/bin:/bin',
        HOME: root,
        ANTHROPIC_API_KEY: 'sk-ant-simulated-key',
        ANTHROPIC_BASE_URL: 'http://127.0.0.1:1',
        CLAUDE_ORCHESTRATOR__CLAUDE_CLI__AUTH: 'api_key',
      },
      encoding: 'utf8',
    });
    return { status, stdout, stderr };
  };
  beforeAll(() => {
    root = mkdtempSync(join(tmpdir(), 'without-sqlite-'));
    mkdirSync(project());
    // As npm leaves it with an optional dependency that it could not build.
    for (const part of ['bin', 'dist', 'package.json'])
      cpSync(part, join(root, 'prefix/lib/node_modules/claude-orchestrator', part), { recursive: true });
  });
  afterAll(() => rmSync(root, { recursive: true, force: true }));

  it('says so before init writes anything, with the command that mends it', () => {
    const { status, stdout, stderr } = tool('init');
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain('SQLite, which holds the task list, cannot be loaded');
    expect(stderr).toContain(`--prefix "${join(root, 'prefix')}" better-sqlite3@12`);
    expect(readdirSync(project())).toEqual([]);
  });

  it('says so before do tells what it is going to do and makes a folder for it', () => {
    const { status, stderr } = tool('do', '--yes', '--raw', 'Fix it');
    expect(status).toBe(2);
    expect(stderr).toMatch(/^error: SQLite, which holds the task list, cannot be loaded/);
    expect(existsSync(join(root, '.local'))).toBe(false);
  });

  it('is named once where runs have met limits before', () => {
    mkdirSync(join(root, '.local/state/claude-orchestrator'), { recursive: true });
    writeFileSync(join(root, '.local/state/claude-orchestrator/usage.db'), '');
    const { checks } = JSON.parse(tool('check', '--json').stdout) as {
      checks: { name: string; status: string }[];
    };
    expect(checks.find(({ name }) => name === 'limits')?.status).toBe('skipped');
  });

  it('is what check names, and not a missing project', () => {
    const { status, stdout } = tool('check', '--json');
    const { checks } = JSON.parse(stdout) as { checks: { name: string; status: string; fix?: string }[] };
    const of = (name: string) => checks.filter((each) => each.name === name);
    expect(status).toBe(1);
    expect(of('sqlite')).toMatchObject([
      { status: 'failure', fix: expect.stringContaining('better-sqlite3@12') as string },
    ]);
    expect(of('store')).toMatchObject([{ status: 'skipped' }]);
  });
});
