import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { leasePorts } from '../../../../src/workspace/slots/port-leases.ts';
import type { Workspace } from '../../../../src/workspace/workspace.ts';
import { makeTask } from '../../../rig/arbitrary-tasks.ts';
import { write } from '../../../rig/landing-rig.ts';
import { read, WorktreesRig } from '../../../rig/worktrees-rig.ts';

let rig: WorktreesRig;
beforeEach(() => {
  rig = new WorktreesRig();
  rig.userCommits({ '.gitignore': '.env*\nnode_modules/\n*.key\nruns\n' });
});
afterEach(() => rig.remove());

const signal = new AbortController().signal;
const portOf = (workspace: Workspace) => Number(workspace.environment['ORCHESTRATOR_PORT_BASE']);

test('Named files are copied to the worktree, as they are at each start', async () => {
  write(rig.top, {
    '.env': 'A=1',
    'sub/.env.local': 'B=1',
    'x.key': 'key',
    '.worktreeinclude': '*.key\n!y.key\n',
  });
  write(rig.top, { 'y.key': 'not this one', 'a.txt': 'an edit of the user' });
  const tool = await rig.start({ copy: ['.env', '/sub/.env.*'] });
  const { workspace } = await rig.acquire(tool, rig.attempt('1'));
  const all = ['.env', 'sub/.env.local', 'x.key', 'y.key', 'a.txt'];
  expect(all.map((file) => read(workspace, file))).toEqual([
    'A=1',
    'B=1',
    'key',
    undefined,
    'one\ntwo\nthree\n',
  ]);
  write(workspace.directory, { '.env': 'changed by the worker' });
  expect((await tool.changes.capture(workspace)).files).toEqual([]);
  await tool.release(workspace, false);
  expect(readFileSync(join(rig.top, '.env'), 'utf8')).toBe('A=1');
  write(rig.top, { '.env': 'A=2' });
  expect(read((await rig.acquire(tool, rig.attempt('2'))).workspace, '.env')).toBe('A=2');
});

test('Patterns of a project below the top match files below it', async () => {
  rig.userCommits({ 'app/x': 'x' });
  write(rig.top, { '.env': 'top', 'app/.env': 'app', 'app/conf/x.key': 'key' });
  const tool = await rig.start({ workingDirectory: join(rig.top, 'app'), copy: ['.env', 'conf/*.key'] });
  const { workspace } = await rig.acquire(tool, rig.attempt('1'));
  expect(['../.env', '.env', 'conf/x.key'].map((file) => read(workspace, file))).toEqual([
    undefined,
    'app',
    'key',
  ]);
});

test('A file that git does not ignore is refused rather than committed with every task', async () => {
  write(rig.top, { 'secret.txt': 's' });
  const tool = await rig.start({ copy: ['secret.txt'] });
  const acquire = () =>
    tool.acquire({ task: makeTask('1'), attempt: rig.attempt('1'), previous: null }, signal);
  expect(await acquire()).toMatchObject({
    ok: false,
    error: expect.stringContaining('secret.txt') as string,
  });
  write(join(rig.top, '.git/info'), { exclude: 'secret.txt\n' });
  expect(await acquire()).toMatchObject({ ok: true });
});

test('A copy never goes through a link that leads out of the worktree', async () => {
  const outside = join(rig.root, 'outside');
  mkdirSync(outside);
  write(outside, { '.env': 'not ours' });
  symlinkSync(outside, join(rig.top, 'linked'));
  rig.git('add', 'linked');
  rig.git('commit', '-qm', 'link');
  rmSync(join(rig.top, 'linked'));
  write(rig.top, { 'linked/.env': 'ours' });
  const tool = await rig.start({ copy: ['.env'] });
  await rig.acquire(tool, rig.attempt('1'));
  expect(readFileSync(join(outside, '.env'), 'utf8')).toBe('not ours');
});

test('Set-up commands run in a new worktree, and again only when a lock file has changed', async () => {
  rig.userCommits({ 'package-lock.json': '1' });
  const log = join(rig.root, 'log');
  const setup = [`cat package-lock.json >> ${log}; echo ":$ORCHESTRATOR_PORT_BASE:$MODE" >> ${log}`];
  const tool = await rig.start({ setup, env: { MODE: 'test' } });
  const first = await rig.acquire(tool, rig.attempt('1'));
  await tool.release(first.workspace, false);
  const second = await rig.acquire(tool, rig.attempt('2'));
  const lines = () => readFileSync(log, 'utf8').split('\n').slice(0, -1);
  expect(lines()).toEqual([`1:${portOf(first.workspace)}:test`]);
  write(second.workspace.directory, { 'package-lock.json': '2' });
  await rig.landWorkspace(tool.changes, second.workspace, second.attempt);
  await tool.release(second.workspace, true);
  await rig.acquire(await rig.start({ setup }), rig.attempt('3'));
  expect(lines().map((line) => line[0])).toEqual(['1', '2']);
});

test('A set-up that fails ends the attempt with what it printed, and is tried again', async () => {
  const tool = await rig.start({ setup: ['echo no such package; test -e ../../go'] });
  const acquire = () =>
    tool.acquire({ task: makeTask('1'), attempt: rig.attempt('1'), previous: null }, signal);
  const failed = await acquire();
  expect(failed).toMatchObject({ ok: false, error: expect.stringContaining('no such package') as string });
  write(join(rig.cache, 'claude-orchestrator/worktrees'), { go: '' });
  expect(await acquire()).toMatchObject({ ok: true });
});

test('What a set-up command writes to files that git does not ignore is not part of the work', async () => {
  const tool = await rig.start({ setup: ['echo made > generated.txt; echo more >> a.txt; echo x > x.key'] });
  const { workspace } = await rig.acquire(tool, rig.attempt('1'));
  expect((await tool.changes.capture(workspace)).files).toEqual([]);
  expect(rig.warnings.join()).toContain('generated.txt');
  expect(read(workspace, 'x.key')).toBe('x\n');
});

test('Installed packages are copied where the lock file is the same, and the user’s own stay untouched', async () => {
  rig.userCommits({ 'package-lock.json': '1' });
  write(rig.top, { 'node_modules/left-pad/index.js': 'pad' });
  symlinkSync('left-pad/index.js', join(rig.top, 'node_modules/link'));
  const tool = await rig.start();
  const { workspace } = await rig.acquire(tool, rig.attempt('1'));
  expect(read(workspace, 'node_modules/link')).toBe('pad');
  write(workspace.directory, { 'node_modules/left-pad/index.js': 'broken' });
  expect(readFileSync(join(rig.top, 'node_modules/left-pad/index.js'), 'utf8')).toBe('pad');
  write(rig.top, { 'package-lock.json': 'not what is committed' });
  const { workspace: other } = await rig.acquire(tool, rig.attempt('2'));
  expect(existsSync(join(other.directory, 'node_modules'))).toBe(false);
});

test('Worktrees have ports of their own, the same ones each time; others get them when the worktree is gone', async () => {
  const tool = await rig.start();
  const all = await Promise.all(
    Array.from({ length: 8 }, (_, index) => rig.acquire(tool, rig.attempt(String(index + 1)))),
  );
  const ports = all.map(({ workspace }) => portOf(workspace));
  expect(new Set(ports).size).toBe(8);
  expect(ports.every((port) => port >= 20_000 && port % 10 === 0 && port + 9 < 32_768)).toBe(true);
  const first = all[0]?.workspace;
  if (first === undefined) return;
  await tool.release(first, false);
  expect(portOf((await rig.acquire(tool, rig.attempt('9'))).workspace)).toBe(ports[0]);

  const leases = join(rig.cache, 'claude-orchestrator/ports');
  expect(readdirSync(leases).sort()).toEqual(ports.map(String).sort());
});

test('A block of ports whose worktree is gone goes to one of those that ask, even at the same moment', async () => {
  const leases = join(rig.root, 'ports');
  const slots = Array.from({ length: 20 }, (_, index) => join(rig.root, `slot-${index}`));
  for (const slot of slots) mkdirSync(slot);
  const first = await Promise.all(slots.map((slot) => leasePorts(leases, slot)));
  expect(new Set(first).size).toBe(20);
  for (const slot of slots) {
    rmSync(slot, { recursive: true });
    mkdirSync(`${slot}-b`);
  }
  const second = await Promise.all(slots.map((slot) => leasePorts(leases, `${slot}-b`)));
  expect(new Set(second).size).toBe(20);
  expect(await Promise.all(slots.map((slot) => leasePorts(leases, `${slot}-b`)))).toEqual(second);
});

test('An attempt that is stopped while its worktree is prepared gets none, and blocks no other', async () => {
  const stop = new AbortController();
  const tool = await rig.start({
    setup: ['true'],
    runSetup: () => {
      stop.abort();
      return Promise.resolve({ ok: true, output: '' });
    },
  });
  const request = { task: makeTask('1'), attempt: rig.attempt('1'), previous: null };
  expect(await tool.acquire(request, stop.signal)).toMatchObject({ ok: false });
  const { workspace } = await rig.acquire(tool, rig.attempt('2'));
  expect(workspace.directory).toMatch(/w1$/);
});

test(
  'Eight tasks that start at the same moment on ten thousand files all get a worktree',
  { timeout: 600_000 },
  async () => {
    const many = Object.fromEntries(
      Array.from({ length: 10_000 }, (_, index) => [`d${index % 100}/f${index}.txt`, `file ${index}\n`]),
    );
    rig.userCommits(many);
    const tool = await rig.start();
    const all = await Promise.all(
      Array.from({ length: 8 }, (_, index) => rig.acquire(tool, rig.attempt(String(index + 1)))),
    );
    expect(new Set(all.map(({ workspace }) => workspace.directory)).size).toBe(8);
    for (const { workspace } of all) expect(read(workspace, 'd99/f9999.txt')).toBe('file 9999\n');
  },
);

test('Copied files are not part of the work, even if the worker stops git from ignoring them', async () => {
  write(rig.top, { '.env': 'SECRET=1', 'x.key': 'from the user', '.worktreeinclude': 'x.key\n' });
  const tool = await rig.start({ copy: ['.env'] });
  await rig.finish(tool, '1', { '.gitignore': '.env\n', 'x.key': null });
  await rig.finish(tool, '2', { 'x.key': 'from a task' });
  const { workspace, attempt } = await rig.acquire(tool, rig.attempt('3'));
  expect(read(workspace, '.env')).toBe('SECRET=1');
  write(workspace.directory, { '.gitignore': 'node_modules/\n', 'x.key': 'from another task' });
  await tool.changes.snapshot(workspace);
  const change = await tool.changes.capture(workspace);
  expect(change).toMatchObject({ files: ['.gitignore', 'x.key'], copied: [] });
  await rig.landWorkspace(tool.changes, workspace, attempt);
  await tool.release(workspace, true);
  expect(rig.show('orchestrator/integration/main', 'x.key')).toBe('from another task');
  expect(rig.isKept('SECRET=1')).toBe(false);
});

test('A copied file that the worker adds by force is reported, so that it does not land', async () => {
  write(rig.top, { '.env': 'SECRET=1' });
  const tool = await rig.start({ copy: ['.env'] });
  const { workspace } = await rig.acquire(tool, rig.attempt('1'));
  rig.gitIn(workspace.directory, ['add', '-f', '.env']);
  write(workspace.directory, { 'new.txt': 'x' });
  expect(await tool.changes.capture(workspace)).toMatchObject({
    files: ['.env', 'new.txt'],
    copied: ['.env'],
  });
});

test('Work that git cannot read completely neither lands nor loses its worktree', async () => {
  const tool = await rig.start();
  const { workspace, attempt } = await rig.acquire(tool, rig.attempt('1'));
  write(workspace.directory, { 'new.txt': 'x', 'secret.txt': 'not for git' });
  const real = rig.shell('command -v git').trim();
  // This is as if a file belonged to another user: all other files are added.
  const script = `#!/bin/sh
case "$*" in *" add -A"*) "${real}" "$@" ':(exclude)secret.txt'; echo 'error: open("secret.txt"): Permission denied' >&2; exit 1;; esac
exec "${real}" "$@"
`;
  writeFileSync(join(rig.programs, 'git'), script, { mode: 0o755 });
  await expect(tool.changes.capture(workspace)).rejects.toThrow('Permission denied');
  await tool.release(workspace, false);
  expect(rig.warnings.join()).toContain('could not be kept');
  expect(read(workspace, 'secret.txt')).toBe('not for git');
  rmSync(join(rig.programs, 'git'));
  const again = await rig.acquire(tool, rig.attempt('1', { number: 2, resumed: true }), {
    attempt,
    outcome: 'infrastructure',
  });
  expect(read(again.workspace, 'secret.txt')).toBe('not for git');
});
