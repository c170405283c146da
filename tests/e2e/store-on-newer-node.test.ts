import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';
import { ALL } from '../rig/effort.ts';

/** Set for the run inside this test, which must not start another one. */
const GUARD = 'STORE_ON_NEWER_NODE';

const env = {
  ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('VITEST'))),
  [GUARD]: '1',
  NO_COLOR: '1',
};
const nodeOf = (major: number, args: readonly string[], cwd = '.') =>
  spawnSync('npx', ['-y', `node@${major}`, ...args], { cwd, env, encoding: 'utf8', timeout: 900_000 });

it.runIf(ALL && process.env[GUARD] === undefined).for([
  { major: 22, tests: 'tests/integration/store/driver', atLeast: 1 },
  { major: 24, tests: 'tests/integration/store', atLeast: 30 },
])(
  'passes $tests on Node $major, over its own SQLite',
  { timeout: 1_000_000 },
  ({ major, tests, atLeast }, context) => {
    const version = nodeOf(major, ['--version']);
    if (version.status !== 0) context.skip(`npx cannot get node@${major} here: ${version.stderr}`);
    const suite = ['run', '--project', 'integration', tests, '--reporter', 'json'];
    const run = nodeOf(major, ['node_modules/vitest/vitest.mjs', ...suite]);
    const report = JSON.parse(run.stdout.slice(run.stdout.indexOf('{'))) as {
      success: boolean;
      testResults: { assertionResults: { status: string; fullName: string }[] }[];
    };
    const results = report.testResults.flatMap(({ assertionResults }) => assertionResults);
    expect(results.filter(({ status }) => status === 'failed')).toEqual([]);
    expect({ status: run.status, success: report.success }).toEqual({ status: 0, success: true });
    const passed = results.filter(
      ({ status, fullName }) => status === 'passed' && fullName.includes('over node:sqlite'),
    );
    expect(passed.length).toBeGreaterThanOrEqual(atLeast);
  },
);

it.runIf(ALL && process.env[GUARD] === undefined)(
  'says nothing on Node 22 about its SQLite, which is still experimental there',
  { timeout: 1_000_000 },
  (context) => {
    const folder = mkdtempSync(join(tmpdir(), 'newer-node-'));
    try {
      if (nodeOf(22, ['--version']).status !== 0) context.skip('npx cannot get node@22 here');
      const program = resolve('bin/claude-orchestrator.js');
      const init = nodeOf(22, [program, 'init', '--yes', '--quiet'], folder);
      const { status, stdout, stderr } = nodeOf(22, [program, 'list'], folder);
      expect({ init: init.status, status, stdout }).toMatchObject({ init: 0, status: 0 });
      expect(`${init.stderr}${stderr}`).not.toContain('Warning');
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
);
