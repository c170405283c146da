import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { MUTANTS } from './mutants.js';

/**
 * Plants the faults of `mutants.js`, one at a time, each in a fresh copy of the last commit, and says which test of
 * `npm test` catches it: `npm run mutants -- [--all] [NAME…]`. With `--all` the tests are those of `npm run test:all`.
 */
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { all: { type: 'boolean', default: false } },
});
const unknown = positionals.filter((name) => !MUTANTS.some((mutant) => mutant.name === name));
if (unknown.length > 0) throw new Error(`No such mutant: ${unknown.join(', ')}`);
const chosen = MUTANTS.filter(({ name }) => positionals.length === 0 || positionals.includes(name));

const rows = [];
for (const mutant of chosen) {
  const began = performance.now();
  const caughtBy = inCopy((directory) => {
    plant(directory, mutant);
    // What is most likely to notice goes first; what it lets pass, the whole of `npm test` gets.
    return firstFailure(directory, mutant.likely) ?? firstFailure(directory, []);
  });
  const seconds = Math.round((performance.now() - began) / 1000);
  rows.push({ ...mutant, caughtBy });
  console.log(
    `${caughtBy === undefined ? 'SURVIVED' : 'caught  '} ${mutant.name} (${seconds} s)  ${caughtBy ?? ''}`,
  );
}

console.log('\n| part | planted fault | caught by |\n| --- | --- | --- |');
for (const { part, fault, caughtBy } of rows)
  console.log(`| ${part} | ${fault} | ${caughtBy ?? '**nothing**'} |`);
const survivors = rows.filter(({ caughtBy }) => caughtBy === undefined).length;
console.log(`\n${rows.length - survivors} of ${rows.length} caught`);
process.exitCode = survivors === 0 ? 0 : 1;

function inCopy(work) {
  const directory = mkdtempSync(join(tmpdir(), 'mutant-'));
  try {
    run('git', ['clone', '--quiet', '--shared', resolve('.'), directory]);
    symlinkSync(resolve('node_modules'), join(directory, 'node_modules'));
    return work(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function plant(directory, { name, file, find, replace }) {
  const path = join(directory, file);
  const source = readFileSync(path, 'utf8');
  const parts = source.split(find);
  if (parts.length !== 2)
    throw new Error(`${name}: what is to be replaced stands ${parts.length - 1} times in ${file}, not once.`);
  writeFileSync(path, parts.join(replace));
  run(process.execPath, ['scripts/build.js'], { cwd: directory });
}

/** The name of the first test that fails, among `files` or all. */
function firstFailure(directory, files) {
  const report = join(directory, 'mutant-report.json');
  const { status, stderr } = spawnSync(
    process.execPath,
    [
      'node_modules/vitest/vitest.mjs',
      'run',
      '--bail=1',
      '--reporter=json',
      `--outputFile=${report}`,
      ...files,
    ],
    {
      cwd: directory,
      env: values.all ? { ...process.env, TEST_ALL: '1' } : process.env,
      encoding: 'utf8',
      maxBuffer: 64 * 1024 * 1024,
    },
  );
  if (status === 0) return undefined;
  const { testResults } = JSON.parse(readFileSync(report, 'utf8'));
  for (const { name, message, assertionResults } of testResults) {
    const file = name.slice(name.indexOf('/tests/') + 1);
    const failed = assertionResults.find((test) => test.status === 'failed');
    if (failed !== undefined) return `${file}: ${failed.fullName}`;
    if (message !== '') return `${file}: ${message.split('\n', 1)[0]}`;
  }
  throw new Error(`vitest failed without a failed test:\n${stderr.slice(-2000)}`);
}

function run(command, args, options = {}) {
  const { status, stderr } = spawnSync(command, args, { ...options, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} failed:\n${stderr}`);
}
