import { execFileSync } from 'node:child_process';
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openStore } from '../../src/store/sqlite-store.ts';
import { createProcessTable } from '../../src/worker/process/process-table.ts';
import { INTEGRATION_REFS } from '../../src/workspace/git/ref-names.ts';
import { makeDraft } from '../rig/arbitrary-tasks.ts';
import { makeSandbox, runTool, type Sandbox } from '../rig/cli.ts';

let sandbox: Sandbox;
beforeEach(() => {
  sandbox = makeSandbox();
});
afterEach(() => sandbox.remove());

const tool = (...args: string[]) => runTool(args, { cwd: sandbox.project });
const state = (...path: string[]) => join(sandbox.project, '.taskmaster', ...path);
const copies = () => {
  const projects = join(sandbox.home, '.local/state/claude-orchestrator/projects');
  return join(projects, readdirSync(projects)[0] ?? '', 'copies');
};
const json = async (...args: string[]) => JSON.parse((await tool(...args, '--json')).stdout) as unknown;
const titles = async () =>
  ((await json('list')) as { tasks: { title: string }[] }).tasks.map(({ title }) => title);
/** What `git clean -fdx` does to a project. */
const lose = () => rmSync(state(), { recursive: true });

it('names the copy of a list that was deleted, and brings it back', async () => {
  await tool('init');
  await tool('add', '--raw', 'One');
  await tool('add', '--raw', 'Two');
  lose();

  const list = await tool('list');
  expect(list.code).toBe(2);
  expect(list.stderr).toMatch(/no task store.*A copy of the task list.*with 2 tasks/);
  expect(list.stderr).toContain('recover store` brings it back');
  const { checks } = (await json('check')) as { checks: { name: string; message: string; fix?: string }[] };
  expect(checks.find(({ name }) => name === 'store')).toMatchObject({
    message: expect.stringContaining('with 2 tasks') as string,
    fix: expect.stringContaining('recover store') as string,
  });

  expect(await json('recover', 'store', '--dry-run')).toMatchObject({ restored: false, isThere: false });
  expect((await tool('list')).code).toBe(2);
  const back = await tool('recover', 'store');
  expect(back).toMatchObject({ code: 0, stdout: expect.stringContaining('with 2 tasks') as string });
  expect(await titles()).toEqual(['One', 'Two']);
  expect((await tool('add', '--raw', 'Three')).code).toBe(0);
});

it('says what an empty list has taken the place of, and replaces it only when it is told to', async () => {
  await tool('init');
  await tool('add', '--raw', 'One');
  lose();
  expect((await tool('init')).stderr).toContain('recover store --replace');
  expect((await tool('list')).stdout).toContain('A copy of the task list');
  await tool('add', '--raw', 'Begun anew');

  const refused = await tool('recover', 'store', '2');
  expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining('was not touched') as string });
  expect(await titles()).toEqual(['Begun anew']);
  const replaced = (await json('recover', 'store', '2', '--replace')) as { aside: string };
  expect(await titles()).toEqual(['One']);
  const kept = openStore({ file: replaced.aside, tag: 'master', create: false });
  expect(kept.tasks()).toMatchObject([{ title: 'Begun anew' }]);
  kept.close();
});

it('takes a list that was never begun for no lost one while another holds tasks', async () => {
  await tool('init');
  await tool('add', '--raw', 'One');
  const other = await tool('list', '--tag', 'other');
  expect(other.stdout).toContain('There are no tasks yet');
  expect(other.stdout).not.toContain('recover store');
});

it('finds the copy from a directory below, where nothing else tells of the project', async () => {
  await tool('init');
  await tool('add', '--raw', 'One');
  lose();
  rmSync(join(sandbox.project, 'orchestrator_config.json'));
  const { stderr } = await runTool(['list'], {
    cwd: join(sandbox.project, '..', 'bin'),
  });
  expect(stderr).not.toContain('A copy');
  execFileSync('mkdir', ['-p', join(sandbox.project, 'src')]);
  const below = await runTool(['list'], { cwd: join(sandbox.project, 'src'), env: { HOME: sandbox.home } });
  expect(below.stderr).toContain(`recover store --working-dir`);
  expect(below.stderr).toContain(sandbox.project);
});

it('waits for a run that goes on with the list that was deleted', async () => {
  await tool('init');
  await tool('add', '--raw', 'One');
  const self = createProcessTable({
    platform: process.platform,
    pid: process.pid,
    kill: () => undefined,
  }).identify(process.pid);
  if (self === undefined) throw new Error('This process can be identified.');
  const store = openStore({
    file: state('tasks.db'),
    tag: 'master',
    create: false,
    copies: { folder: copies, failed: () => undefined },
  });
  store.startRun({ id: 'run', process: self, workers: 1, billing: '', tasks: 1 }, () => false);
  store.addTasks([makeDraft('2')], { source: 'review' });
  store.close();
  lose();
  const refused = await tool('recover', 'store');
  expect(refused.code).toBe(2);
  expect(refused.stderr).toContain(`kill -INT ${process.pid}`);
  await tool('init');
  // The list that is there now was not deleted.
  const replaced = await tool('recover', 'store', '--replace');
  expect(replaced.code).toBe(2);
  expect(replaced.stderr).not.toContain('deleted');
  lose();
  expect((await tool('list')).code).toBe(2);
});

it('tells which tasks have landed in git since the copy was made', async () => {
  const git = (...args: string[]) => execFileSync('git', args, { cwd: sandbox.project, encoding: 'utf8' });
  git('init', '-q');
  git('config', 'user.name', 'A');
  git('config', 'user.email', 'a@example.com');
  await tool('init');
  await tool('add', '--raw', 'One');
  await tool('add', '--raw', 'Two');
  const trailers = 'Orchestrator-Task: 2\nOrchestrator-Run: gone\nOrchestrator-Attempt: 1';
  git('commit', '-q', '--allow-empty', '-m', `Two\n\n${trailers}`);
  git('update-ref', `${INTEGRATION_REFS}main`, 'HEAD');
  lose();
  const { stdout } = await tool('recover', 'store');
  expect(stdout).toMatch(/landed since[^]*2 {2}Two[^]*set-status 2 done/);
});
