import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, utimesSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Snapshots } from '../../../../src/workspace/snapshots/snapshots.ts';
import { write } from '../../../rig/landing-rig.ts';
import { read, WorktreesRig } from '../../../rig/worktrees-rig.ts';

let rig: WorktreesRig;
beforeEach(() => {
  rig = new WorktreesRig();
});
afterEach(() => rig.remove());

/** A worktree that was used and released, in which `files` are then removed. */
async function usedOnce(files: Readonly<Record<string, string>> = {}) {
  const tool = await rig.start();
  const { workspace, attempt } = await rig.acquire(tool, rig.attempt('1'));
  write(workspace.directory, files);
  await tool.release(workspace, false);
  return { tool, slot: workspace.directory, attempt };
}

/** A worktree in which the tool was killed while a worker wrote. */
async function killedIn(files: Readonly<Record<string, string>>) {
  const tool = await rig.start();
  const { workspace, attempt } = await rig.acquire(tool, rig.attempt('1'));
  write(workspace.directory, files);
  return { slot: workspace.directory, attempt };
}

/**
 * What a deleted repository leaves of its worktrees when another one takes its place: they name commits that are gone.
 */
function cloneAgain(slot: string): void {
  rmSync(adminOf(slot), { recursive: true });
  const file = `${slot}.json`;
  write(dirname(slot), { 'w1.json': readFileSync(file, 'utf8').replace(/[0-9a-f]{40}/, 'd'.repeat(40)) });
}

const adminOf = (slot: string) => /gitdir: (.+)/.exec(readFileSync(join(slot, '.git'), 'utf8'))?.[1] ?? '';

/** Expects that the next task gets the slot, and that it is clean. */
async function expectReused(tool: Awaited<ReturnType<WorktreesRig['start']>>, slot: string) {
  const { workspace } = await rig.acquire(tool, rig.attempt('2'));
  expect(workspace.directory).toBe(slot);
  expect(rig.gitIn(slot, ['status', '--porcelain', '-b'])).toBe('## HEAD (no branch)');
  expect(read(workspace, 'a.txt')).toBe('one\ntwo\nthree\n');
  expect(rig.git('fsck', '--connectivity-only')).not.toContain('error');
  return workspace;
}

test('worktrees that are made at once share the processes that one alone would get', async () => {
  const [seen, go] = [join(rig.root, 'seen'), join(rig.root, 'go')];
  const wait = `while [ -e '${seen}' ] && [ ! -e '${go}' ]; do sleep 0.02; done`;
  rig.git('config', 'filter.tell.smudge', `echo "$GIT_CONFIG_PARAMETERS" >> '${seen}'; ${wait}; cat`);
  rig.git('config', 'filter.tell.clean', 'cat');
  write(join(rig.top, '.git', 'info'), { attributes: 'a.txt filter=tell\n' });
  const processes = () =>
    [...readFileSync(seen, 'utf8').matchAll(/checkout\.workers'?='?(\d+)/g)].map(([, count]) =>
      Number(count),
    );
  const tool = await rig.start();
  const atOnce = Promise.all(['1', '2', '3'].map((id) => rig.acquire(tool, rig.attempt(id))));
  await vi.waitFor(() => expect(processes()).toEqual([1, 1, 1]), { timeout: 20_000 });
  write(rig.root, { go: '' });
  await atOnce;
  await rig.acquire(tool, rig.attempt('4'));
  expect(processes()).toEqual([1, 1, 1, 4]);
});

test.each([
  ['its directory was deleted', (slot: string) => rmSync(slot, { recursive: true })],
  [
    'its directory was deleted and git told so',
    (slot: string) => {
      rmSync(slot, { recursive: true });
      rig.git('worktree', 'prune');
    },
  ],
  [
    'git was told to prune and collect garbage',
    () => {
      rig.git('worktree', 'prune');
      rig.git('gc', '-q', '--prune=now');
    },
  ],
  ['its files of git were deleted', (slot: string) => rmSync(adminOf(slot), { recursive: true })],
  ['its link to git was deleted', (slot: string) => rmSync(join(slot, '.git'))],
  ['its repository was deleted and cloned again', cloneAgain],
  ['its index was deleted', (slot: string) => rmSync(join(adminOf(slot), 'index'))],
  ['its index is garbage', (slot: string) => write(adminOf(slot), { index: 'garbage' })],
  ['its HEAD is garbage', (slot: string) => write(adminOf(slot), { HEAD: 'garbage' })],
  [
    'its making was cut short',
    (slot: string) => {
      rmSync(join(adminOf(slot), 'index'));
      rmSync(join(slot, 'a.txt'));
      write(adminOf(slot), { locked: 'initializing' });
    },
  ],
  [
    'a lock was left in it',
    (slot: string) => {
      write(adminOf(slot), { 'index.lock': '', 'HEAD.lock': '' });
      const past = new Date(Date.now() - 3_600_000);
      utimesSync(join(adminOf(slot), 'index.lock'), past, past);
    },
  ],
  ['what is remembered of it was deleted', (slot: string) => rmSync(`${slot}.json`)],
  ['what is remembered of it is garbage', (slot: string) => write(dirname(slot), { 'w1.json': '{"occ' })],
])('A worktree is used again although %s', async (_what, damage) => {
  const { slot } = await usedOnce({ 'x.txt': 'what was thrown away' });
  damage(slot);
  const workspace = await expectReused(await rig.start(), slot);
  expect(read(workspace, 'x.txt')).toBeUndefined();
  expect(rig.isKept('what was thrown away')).toBe(true);
});

test.each([
  ['absolute', (link: string) => link],
  ['relative', (link: string, admin: string) => relative(admin, link)],
])('a worktree is forgotten if git was killed while it created it, its path being %s', async (_, path) => {
  const { slot } = await usedOnce();
  const shell = join(dirname(slot), 'new-0123abcd', 'w2');
  rig.git('worktree', 'add', '-q', '--no-checkout', '--detach', shell);
  // Git writes the first file at once, and replaces the second one later.
  const admin = adminOf(shell);
  const gitdir = `${path(join(shell, '.git'), admin)}\n`;
  write(admin, { HEAD: `${'0'.repeat(40)}\n`, locked: 'initializing', gitdir });
  // With such a worktree, `git gc` fails for the user too.
  expect(() => rig.git('rev-list', '--all')).toThrow('bad object');
  await rig.start();
  expect(rig.git('rev-list', '--all')).not.toBe('');
  expect(readdirSync(dirname(slot)).filter((name) => name.startsWith('new-'))).toEqual([]);
});

test.each([
  ['as it is', () => undefined],
  ['without its files of git', (slot: string) => rmSync(adminOf(slot), { recursive: true })],
  ['without its link to git', (slot: string) => rmSync(join(slot, '.git'))],
  ['in a repository that was deleted and cloned again', cloneAgain],
  ['with a lock in it', (slot: string) => write(adminOf(slot), { 'index.lock': '', 'HEAD.lock': '' })],
  ['with a garbled index', (slot: string) => write(adminOf(slot), { index: 'garbage' })],
  ['with nothing known of it', (slot: string) => rmSync(`${slot}.json`)],
  ['with its ref deleted', () => rig.git('update-ref', '-d', 'refs/orchestrator/r1/task-1')],
])('What a killed run left in a worktree is kept before others get it: %s', async (_how, damage) => {
  const { slot, attempt } = await killedIn({ 'new.txt': 'unfinished', 'a.txt': 'edited' });
  damage(slot);
  const tool = await rig.start({}, [], 'r2');
  await expectReused(tool, slot);
  expect([rig.isKept('unfinished'), rig.isKept('edited')]).toEqual([true, true]);
  if (!existsSync(`${slot}.json`)) return;
  const again = await rig.acquire(tool, rig.attempt('1', { runId: 'r2' }), { attempt, outcome: 'cancelled' });
  expect(read(again.workspace, 'new.txt')).toBe('unfinished');
});

test('Work is listed as kept at the end of its attempt, whatever happens to its worktree', async () => {
  await usedOnce({ 'new.txt': 'half' });
  expect(rig.git('for-each-ref', '--format=%(contents:subject)', 'refs/orchestrator')).toContain(
    'at the end of its attempt',
  );
});

test('Work is listed with the reason for which it was released', async () => {
  const tool = await rig.start();
  const { workspace } = await rig.acquire(tool, rig.attempt('1'));
  write(workspace.directory, { 'new.txt': 'unfinished' });
  await tool.release(workspace, false, 'when its attempt ran out of time');
  const [kept] = await new Snapshots(rig.runner).list(null);
  expect(kept).toMatchObject({ taskId: '1', why: 'when its attempt ran out of time' });
});

test('An unfinished attempt gets its worktree back as it was left, and nobody else gets it', async () => {
  const { slot, attempt } = await killedIn({ 'new.txt': 'unfinished' });
  const tool = await rig.start({}, [attempt], 'r2');
  const other = await rig.acquire(tool, rig.attempt('2', { runId: 'r2' }));
  expect(other.workspace.directory).not.toBe(slot);
  const opened = await tool.reopen(attempt);
  expect(opened).toMatchObject({ ok: true, value: { directory: slot, branch: attempt.branch } });
  if (!opened.ok) return;
  expect(read(opened.value, 'new.txt')).toBe('unfinished');
  expect((await tool.changes.capture(opened.value)).files).toEqual(['new.txt']);
  await tool.release(opened.value, false);
  await rig.acquire(tool, rig.attempt('3', { runId: 'r2' }));
  expect(rig.isKept('unfinished')).toBe(true);
});

test('An unfinished attempt that nobody reopens is continued by the next one', async () => {
  const { attempt } = await killedIn({ 'new.txt': 'unfinished' });
  const tool = await rig.start({}, [attempt], 'r2');
  const again = await rig.acquire(tool, rig.attempt('1', { runId: 'r2' }), { attempt, outcome: 'cancelled' });
  expect(read(again.workspace, 'new.txt')).toBe('unfinished');
});

test('A worktree that a person has locked, or works in, is left to them', async () => {
  const { slot } = await usedOnce();
  rig.gitIn(slot, ['switch', '-q', '-c', 'mine']);
  write(slot, { 'mine.txt': 'mine' });
  const tool = await rig.start();
  const second = await rig.acquire(tool, rig.attempt('2'));
  expect(second.workspace.directory).not.toBe(slot);
  await tool.release(second.workspace, false);
  rig.git('worktree', 'lock', '--reason', 'mine', second.workspace.directory);
  rmSync(second.workspace.directory, { recursive: true });
  const third = await rig.acquire(await rig.start(), rig.attempt('3'));
  expect([slot, second.workspace.directory]).not.toContain(third.workspace.directory);
  expect(existsSync(join(slot, 'mine.txt'))).toBe(true);
  expect(rig.gitIn(slot, ['branch', '--show-current'])).toBe('mine');
});

test('A worktree in which git is at work is left alone for that time', async () => {
  const { slot } = await usedOnce();
  write(adminOf(slot), { 'index.lock': '' });
  const { workspace } = await rig.acquire(await rig.start(), rig.attempt('2'));
  expect(workspace.directory).not.toBe(slot);
});

test('Repositories that a worker made in its worktree are moved aside with their history', async () => {
  const tool = await rig.start();
  const { workspace } = await rig.acquire(tool, rig.attempt('1'));
  const { directory: slot } = workspace;
  for (const inner of ['nested', 'deep/er']) {
    mkdirSync(join(slot, inner), { recursive: true });
    rig.gitIn(join(slot, inner), ['init', '-q']);
    write(join(slot, inner), { 'f.txt': `in ${inner}` });
    rig.gitIn(join(slot, inner), ['add', '-A']);
    rig.gitIn(join(slot, inner), ['-c', 'user.name=w', '-c', 'user.email=w@x', 'commit', '-qm', inner]);
  }
  await tool.changes.capture(workspace);
  await tool.release(workspace, false);
  await expectReused(tool, slot);
  expect([existsSync(join(slot, 'nested')), existsSync(join(slot, 'deep'))]).toEqual([false, false]);
  expect([rig.isKept('in nested'), rig.isKept('in deep/er')]).toEqual([true, true]);
  const left = join(dirname(slot), 'left');
  const logs = readdirSync(left).flatMap((name) =>
    ['nested', 'deep/er']
      .filter((inner) => existsSync(join(left, name, inner)))
      .map((inner) => rig.gitIn(join(left, name, inner), ['log', '--format=%s'])),
  );
  expect(logs.sort()).toEqual(['deep/er', 'nested']);
});

test('A worktree that became a repository is kept with its history', async () => {
  const { slot } = await killedIn({ 'new.txt': 'unfinished' });
  rmSync(join(slot, '.git'));
  rig.gitIn(slot, ['init', '-q']);
  await expectReused(await rig.start(), slot);
  expect(rig.isKept('unfinished')).toBe(true);
  expect(rig.warnings.join()).toContain('left');
});

test('A rebase, a merge and a bisection that a worker left do not affect the next one', async () => {
  const tool = await rig.start();
  const { workspace } = await rig.acquire(tool, rig.attempt('1'));
  const { directory: slot } = workspace;
  rig.gitIn(slot, ['bisect', 'start']);
  write(slot, { 'a.txt': 'mine' });
  rig.gitIn(slot, ['commit', '-qam', 'mine']);
  const other = rig.commit([rig.git('rev-parse', 'main')], { 'a.txt': 'theirs' });
  expect(() => rig.gitIn(slot, ['rebase', other])).toThrow('could not apply');
  await tool.release(workspace, false);
  await expectReused(tool, slot);
  expect(rig.gitIn(slot, ['status'])).not.toMatch(/rebas|bisect|merg/i);
});

test('Work that cannot be kept blocks its worktree, not the run, and is kept as soon as it can be', async () => {
  const { slot, attempt } = await killedIn({ 'new.txt': 'unfinished' });
  const refs = join(rig.top, '.git', 'refs', 'orchestrator', 'r1');
  rmSync(refs, { recursive: true, force: true });
  write(dirname(refs), { r1: 'in the way' });
  const tool = await rig.start({}, [], 'r2');
  expect(rig.warnings.join()).toContain('could not be kept');
  const other = await rig.acquire(tool, rig.attempt('2', { runId: 'r2' }));
  expect(other.workspace.directory).not.toBe(slot);
  rmSync(refs);
  const again = await rig.acquire(tool, rig.attempt('1', { runId: 'r2' }), { attempt, outcome: 'cancelled' });
  expect(read(again.workspace, 'new.txt')).toBe('unfinished');
});

test('A worktree that is moved away under a worker ends the attempt with a message, and nothing kept is lost', async () => {
  const tool = await rig.start();
  const { workspace, attempt } = await rig.acquire(tool, rig.attempt('1'));
  write(workspace.directory, { 'new.txt': 'kept in time' });
  await tool.changes.snapshot(workspace);
  renameSync(workspace.directory, join(rig.root, 'elsewhere'));
  await expect(tool.changes.capture(workspace)).rejects.toThrow('is gone');
  await tool.release(workspace, false);
  const again = await rig.acquire(tool, rig.attempt('1', { number: 2 }), {
    attempt,
    outcome: 'infrastructure',
  });
  expect(read(again.workspace, 'new.txt')).toBe('kept in time');
});
