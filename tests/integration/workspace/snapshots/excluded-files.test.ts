import { execFileSync } from 'node:child_process';
import { existsSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { findSnapshot, unlandedWork } from '../../../../src/app/repository/unlanded-work.ts';
import { write } from '../../../rig/landing-rig.ts';
import { WorktreesRig } from '../../../rig/worktrees-rig.ts';

let rig: WorktreesRig;
beforeEach(() => {
  rig = new WorktreesRig();
});
afterEach(() => rig.remove());

const repository = () => ({ git: rig.runner, commonDirectory: join(rig.top, '.git') });

test('files that git ignores are listed with the rule and kept, and are not part of the change', async () => {
  rig.userCommits({ '.gitignore': '*.txt\nnode_modules/\nsecret/\n' });
  const tool = await rig.start();
  const { workspace, attempt } = await rig.acquire(tool, rig.attempt('1'));
  write(workspace.directory, {
    'code.js': 'code',
    'result.txt': 'ignored result',
    'secret/deep/file': 'ignored deep',
    'node_modules/x/index.js': 'of a dependency',
    '__pycache__/x.txt': 'of a cache',
  });
  const change = await tool.changes.capture(workspace);
  expect(change.files).toEqual(['code.js']);
  expect(change.excluded).toEqual({
    files: [
      { path: 'result.txt', why: 'git ignores it: "*.txt" in .gitignore, line 1' },
      { path: 'secret/deep/file', why: 'git ignores it: "secret/" in .gitignore, line 3' },
    ],
    more: 0,
  });
  // What the gates write is nobody's work.
  write(workspace.directory, { 'report.txt': 'of a command' });
  await rig.landWorkspace(tool.changes, workspace, attempt);
  await tool.release(workspace, true);
  expect(rig.isKept('ignored result') && rig.isKept('ignored deep')).toBe(true);
  expect(['of a dependency', 'of a cache', 'of a command'].some((text) => rig.isKept(text))).toBe(false);
  const [work, ...others] = await unlandedWork(repository(), false);
  expect(others).toEqual([]);
  expect(work).toMatchObject({ taskId: '1', files: ['result.txt', 'secret/deep/file'] });
  expect(work?.why).toContain('git ignores it: "*.txt" in .gitignore');
  expect((await findSnapshot(repository(), '1')).commit).toBe(work?.commit);
  expect(rig.show(work?.commit ?? '', 'result.txt')).toBe('ignored result');
});

test('files that were ignored before the attempt or only copied are not the worker’s; the rest is limited, and it says so', async () => {
  rig.userCommits({ '.gitignore': '*.txt\n.env\n' });
  write(rig.top, { '.env': 'copied' });
  const tool = await rig.start({ copy: ['.env'] });
  const first = await rig.acquire(tool, rig.attempt('1'));
  write(first.workspace.directory, { 'old.txt': 'of another task' });
  await tool.release(first.workspace, false);
  const { workspace } = await rig.acquire(tool, rig.attempt('2'));
  expect(existsSync(join(workspace.directory, 'old.txt'))).toBe(true);
  for (let number = 0; number < 102; number++)
    writeFileSync(join(workspace.directory, `${number}.txt`), `text ${number}`);
  // A copy may keep the modification time of its original.
  utimesSync(join(workspace.directory, '7.txt'), 1, 1);
  const { excluded } = await tool.changes.capture(workspace);
  expect([excluded?.files.length, excluded?.more]).toEqual([100, 2]);
  expect(excluded?.files.map(({ path }) => path)).not.toContain('old.txt');
  expect(excluded?.files.map(({ path }) => path)).toContain('7.txt');
});

test('work that was killed is kept with ignored files, and continues without them', async () => {
  rig.userCommits({ '.gitignore': '*.txt\n' });
  const killed = await rig.acquire(await rig.start(), rig.attempt('1'));
  write(killed.workspace.directory, { 'new.js': 'new', 'made.txt': 'ignored' });
  const tool = await rig.start({}, [], 'r2');
  expect(rig.isKept('ignored')).toBe(true);
  const previous = { attempt: killed.attempt, outcome: 'cancelled' } as const;
  const again = await rig.acquire(tool, rig.attempt('1', { runId: 'r2' }), previous);
  expect((await tool.changes.capture(again.workspace)).files).toEqual(['new.js']);
});

test.each([
  ['that is not set up', false],
  ['that is set up', true],
])('files in the folder of a submodule %s are kept and listed', async (_, isSetUp) => {
  const inner = join(rig.root, 'inner');
  execFileSync('sh', [
    '-c',
    `git init -q "${inner}" && cd "${inner}" && git -c user.name=I -c user.email=i commit -q --allow-empty -m inner`,
  ]);
  const allow = ['-c', 'protocol.file.allow=always'];
  rig.git(...allow, 'submodule', '--quiet', 'add', inner, 'lib');
  rig.git('commit', '-qm', 'with a submodule');
  const tool = await rig.start();
  const { workspace } = await rig.acquire(tool, rig.attempt('1'));
  if (isSetUp) rig.gitIn(workspace.directory, [...allow, 'submodule', '--quiet', 'update', '--init']);
  write(workspace.directory, { 'lib/fix.js': 'in the submodule' });
  const { files, excluded } = await tool.changes.capture(workspace);
  expect(files).toEqual([]);
  expect(excluded?.files).toEqual([
    {
      path: 'lib/fix.js',
      why: 'it is in the submodule lib, of which only a commit is part of this repository',
    },
  ]);
  await tool.release(workspace, false);
  const [work] = await unlandedWork(repository(), false);
  expect(rig.show(work?.commit ?? '', 'lib/fix.js')).toBe('in the submodule');
});
