import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import packageJson from '../../package.json' with { type: 'json' };
import { demoReport } from '../../src/app/contract/demo.ts';
import { ALL } from '../rig/effort.ts';

const run = promisify(execFile);

/** An install may have to compile better-sqlite3, which takes minutes on a slow machine. */
const PATIENCE_MS = 900_000;

describe('the packed tarball, installed into an empty directory', () => {
  let folder: string;
  let tarball: string;
  let files: string[];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'package-test-'));
    const packed = await run('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', folder]);
    const [report] = JSON.parse(packed.stdout) as [{ filename: string; files: { path: string }[] }];
    files = report.files.map(({ path }) => path);
    tarball = join(folder, report.filename);
    await run('npm', ['init', '--yes'], { cwd: folder });
    // What is optional comes from the network and may have to be compiled; only the main job needs it.
    const extent = ALL ? [] : ['--offline', '--omit=optional'];
    await run('npm', ['install', '--no-audit', '--no-fund', ...extent, tarball], { cwd: folder });
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

  it('installs nothing that it does not load', async () => {
    expect(packageJson).not.toHaveProperty('dependencies');
    expect(Object.keys(packageJson.optionalDependencies)).toEqual(['better-sqlite3']);
    const bare = join(folder, 'bare');
    await mkdir(bare);
    const flags = ['--offline', '--omit=optional', '--no-audit', '--no-fund', '--prefix', bare];
    await run('npm', ['install', ...flags, tarball], { cwd: bare });
    const packages = (await readdir(join(bare, 'node_modules'))).filter((name) => !name.startsWith('.'));
    expect(packages).toEqual(['claude-orchestrator']);
  });

  it('passes on the licences of what it is bundled from', async () => {
    const notices = await readFile(
      join(folder, 'node_modules', 'claude-orchestrator', 'dist', 'THIRD-PARTY-NOTICES.txt'),
      'utf8',
    );
    for (const name of ['@anthropic-ai/sdk', 'commander', 'dotenv', 'execa', 'listr2', 'simple-git', 'zod'])
      expect(notices).toMatch(new RegExp(`^${name} \\d+\\.\\d+\\.\\d+\\n\\n(.+\\n+){3}`, 'm'));
  });

  it('answers by both its names', async () => {
    for (const name of ['claude-orchestrator', 'task-master']) {
      expect((await run(bin(name), ['--version'], { cwd: folder, env: env() })).stdout).toBe(
        `${packageJson.version}\n`,
      );
    }
  });

  it.runIf(ALL)('does the main job, on this Node', { timeout: PATIENCE_MS }, async () => {
    const { stdout } = await run(bin('claude-orchestrator'), ['demo', '--stand-in', '--json'], {
      cwd: folder,
      env: env(),
    });
    const report: unknown = JSON.parse(stdout);
    expect(report).toMatchObject({ passed: true });
    expect(demoReport.parse(report)).toEqual(report);
  });

  it.runIf(ALL)(
    'does the main job on Node 24, with the SQLite that Node has',
    { timeout: PATIENCE_MS },
    async () => {
      const tool = join(folder, 'node_modules', 'claude-orchestrator', 'bin', 'claude-orchestrator.js');
      const { stdout } = await run('npx', ['-y', 'node@24', tool, 'demo', '--stand-in', '--json'], {
        cwd: folder,
        env: { ...env(), HOME: process.env['HOME'] },
      });
      expect(JSON.parse(stdout)).toMatchObject({ passed: true });
      expect(await readdir(folder)).not.toContain('.taskmaster');
    },
  );
});
