import { spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { ALL } from '../rig/effort.ts';

/** Set for the run inside this test, which must not start another one. */
const GUARD = 'STORE_ON_NEWER_NODE';

const env = {
  ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('VITEST'))),
  [GUARD]: '1',
  NO_COLOR: '1',
};
const nodeOf = (major: number, args: readonly string[]) =>
  spawnSync('npx', ['-y', `node@${major}`, ...args], { env, encoding: 'utf8', timeout: 900_000 });

it.runIf(ALL && process.env[GUARD] === undefined).for([
  // Node 22 still warns that its SQLite is experimental, which people must not see.
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
