import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import packageJson from '../../package.json' with { type: 'json' };

const run = promisify(execFile);

/** An install may have to compile better-sqlite3, which takes minutes on a slow machine. */
const PATIENCE_MS = 900_000;

describe('the packed tarball, installed into an empty directory', () => {
  let folder: string;
  let files: string[];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'package-test-'));
    const packed = await run('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', folder]);
    const [report] = JSON.parse(packed.stdout) as [{ filename: string; files: { path: string }[] }];
    files = report.files.map(({ path }) => path);
    await run('npm', ['init', '--yes'], { cwd: folder });
    await run('npm', ['install', '--no-audit', '--no-fund', join(folder, report.filename)], { cwd: folder });
  }, PATIENCE_MS);

  afterAll(async () => {
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  });

  const env = (): NodeJS.ProcessEnv => ({ PATH: process.env['PATH'], HOME: folder });
  const bin = (name: string): string => join(folder, 'node_modules', '.bin', name);

  it('holds what a user needs and nothing else', () => {
    const tops = new Set(files.map((path) => path.split('/')[0]));
    expect([...tops].sort()).toEqual([
      '.env.example',
      'CHANGELOG.md',
      'LICENSE',
      'README.md',
      'bin',
      'dist',
      'docs',
      'orchestrator_config.json',
      'package.json',
    ]);
  });

  it('answers by both its names', async () => {
    for (const name of ['claude-orchestrator', 'task-master']) {
      expect((await run(bin(name), ['--version'], { cwd: folder, env: env() })).stdout).toBe(
        `${packageJson.version}\n`,
      );
    }
  });

  it('does the main job, on this Node', { timeout: PATIENCE_MS }, async () => {
    const { stdout } = await run(bin('claude-orchestrator'), ['demo', '--stand-in', '--json'], {
      cwd: folder,
      env: env(),
    });
    expect(JSON.parse(stdout)).toMatchObject({ passed: true });
  });

  it('does the main job on Node 24, with the SQLite that Node has', { timeout: PATIENCE_MS }, async () => {
    const tool = join(folder, 'node_modules', 'claude-orchestrator', 'bin', 'claude-orchestrator.js');
    const { stdout } = await run('npx', ['-y', 'node@24', tool, 'demo', '--stand-in', '--json'], {
      cwd: folder,
      env: { ...env(), HOME: process.env['HOME'] },
    });
    expect(JSON.parse(stdout)).toMatchObject({ passed: true });
    expect(await readdir(folder)).not.toContain('.taskmaster');
  });
});
