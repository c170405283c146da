import { spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';

/** Set for the run inside this test, which must not start another one. */
const GUARD = 'STORE_ON_NEWER_NODE';

const env = {
  ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('VITEST'))),
  [GUARD]: '1',
  NO_COLOR: '1',
};
const node24 = (args: readonly string[]) =>
  spawnSync('npx', ['-y', 'node@24', ...args], { env, encoding: 'utf8', timeout: 900_000 });

it.skipIf(process.env[GUARD] !== undefined)(
  'passes every test of the store on Node 24, over its own SQLite',
  (context) => {
    const version = node24(['--version']);
    if (version.status !== 0) context.skip(`npx cannot get node@24 here: ${version.stderr}`);
    const suite = ['run', '--project', 'integration', 'tests/integration/store', '--reporter', 'json'];
    const run = node24(['node_modules/vitest/vitest.mjs', ...suite]);
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
    expect(passed.length).toBeGreaterThan(30);
  },
  1_000_000,
);
