import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Git } from '../../../../src/workspace/git/git.ts';
import { describeUncommittedResults } from '../../../../src/workspace/delivery/undelivered.ts';

const BRANCH = 'orchestrator/integration/main';
let directory: string;
let untaken: (autoCommit?: boolean) => Promise<string | undefined>;

function git(...args: string[]): string {
  return execFileSync('git', args, { cwd: directory, env: environment(), encoding: 'utf8' }).trim();
}

const environment = (): Record<string, string> => ({
  PATH: process.env['PATH'] ?? '',
  HOME: directory,
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_AUTHOR_NAME: 'Ada',
  GIT_AUTHOR_EMAIL: 'ada@example.com',
  GIT_COMMITTER_NAME: 'Ada',
  GIT_COMMITTER_EMAIL: 'ada@example.com',
});

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'untaken-'));
  untaken = (autoCommit = false) => describeUncommittedResults(new Git(directory, environment()), autoCommit);
  git('init', '-q', '-b', 'main');
  git('commit', '-q', '--allow-empty', '-m', 'Begin');
  git('switch', '-q', '--detach');
  writeFileSync(join(directory, 'result.txt'), 'result\n');
  git('add', '.');
  git('commit', '-q', '-m', 'Result');
  git('update-ref', `refs/${BRANCH}`, 'HEAD');
  git('switch', '-q', 'main');
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));

test('results that were thrown away or never taken are described, with the command that takes them', async () => {
  expect(await untaken()).toBe(
    `Results that main does not have: \`git merge --squash ${BRANCH}\` takes them.`,
  );
  expect(await untaken(true)).toContain(`\`git merge --no-edit ${BRANCH}\``);
  git('merge', '-q', '--squash', BRANCH);
  expect(await untaken()).toContain('`git diff --staged`');
  git('reset', '-q', '--hard');
  expect(await untaken()).toContain('git merge --squash');
});

test('nothing is described where results are committed, however that was done, or where nothing has landed', async () => {
  git('merge', '-q', '--squash', BRANCH);
  git('commit', '-q', '-m', 'Taken by hand');
  git('commit', '-q', '--allow-empty', '-m', 'And gone on');
  expect(await untaken()).toBeUndefined();
  git('update-ref', '-d', `refs/${BRANCH}`);
  expect(await untaken()).toBeUndefined();
});
