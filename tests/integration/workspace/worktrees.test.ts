import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { write } from '../../rig/landing-rig.ts';
import { read, WorktreesRig } from '../../rig/worktrees-rig.ts';

let rig: WorktreesRig;
beforeEach(() => {
  rig = new WorktreesRig();
});
afterEach(() => rig.remove());

const signal = new AbortController().signal;

test('Two tasks at the same time do not see each other, nor does the user see them', async () => {
  const tool = await rig.start();
  const [one, two] = await Promise.all([
    rig.acquire(tool, rig.attempt('1')),
    rig.acquire(tool, rig.attempt('2.1')),
  ]);
  write(one.workspace.directory, { 'a.txt': 'by one', 'new.txt': 'one' });
  expect(one.workspace.directory).not.toBe(two.workspace.directory);
  expect(read(two.workspace, 'new.txt')).toBeUndefined();
  expect(read(two.workspace, 'a.txt')).toBe('one\ntwo\nthree\n');
  expect(rig.git('status', '--porcelain')).toBe('');
  expect(two.workspace.branch).toBe('orchestrator/r1/task-2.1');
  expect(rig.git('branch', '--format=%(refname)')).toBe('refs/heads/main');
});

test('The base of a task has all that its dependencies have landed: in a chain and in a diamond', async () => {
  const tool = await rig.start();
  await rig.finish(tool, '1', { 'one.txt': '1' });
  const [left, right] = await Promise.all([
    rig.acquire(tool, rig.attempt('2')),
    rig.acquire(tool, rig.attempt('3')),
  ]);
  expect([read(left.workspace, 'one.txt'), read(right.workspace, 'one.txt')]).toEqual(['1', '1']);
  write(left.workspace.directory, { 'two.txt': '2' });
  write(right.workspace.directory, { 'three.txt': '3' });
  await rig.landWorkspace(tool.changes, left.workspace, left.attempt);
  await tool.release(left.workspace, true);
  await rig.landWorkspace(tool.changes, right.workspace, right.attempt);
  await tool.release(right.workspace, true);
  const { workspace } = await rig.acquire(tool, rig.attempt('4'));
  expect(['one.txt', 'two.txt', 'three.txt'].map((file) => read(workspace, file))).toEqual(['1', '2', '3']);
  const tip = rig.git('rev-parse', 'refs/orchestrator/integration/main');
  expect(workspace.base).toBe(tip);
});

test('Nothing that a worker wrote leaks into the next task, caches stay, and all of it is kept', async () => {
  rig.userCommits({ '.gitignore': 'cache/\n' });
  const tool = await rig.start();
  const first = await rig.acquire(tool, rig.attempt('1'));
  const { directory } = first.workspace;
  write(directory, {
    'a.txt': 'edited 4711',
    'left/over.txt': 'left 4711',
    'cache/x': 'warm',
    'b.txt': null,
  });
  await tool.release(first.workspace, false);
  const { workspace } = await rig.acquire(tool, rig.attempt('2'));
  expect(workspace.directory).toBe(directory);
  expect(rig.gitIn(directory, ['status', '--porcelain'])).toBe('');
  expect(read(workspace, 'left/over.txt')).toBeUndefined();
  expect(read(workspace, 'b.txt')).toBe('b\n');
  expect(read(workspace, 'cache/x')).toBe('warm');
  expect([rig.isKept('edited 4711'), rig.isKept('left 4711')]).toEqual([true, true]);
  expect(rig.git('show', 'orchestrator/r1/task-1:left/over.txt')).toBe('left 4711');
});

test('A later attempt finds the unfinished work in whichever worktree it gets, in another run too', async () => {
  const tool = await rig.start();
  const first = await rig.acquire(tool, rig.attempt('1'));
  write(first.workspace.directory, { 'half.txt': 'half\n' });
  await tool.release(first.workspace, false);
  const other = await rig.acquire(tool, rig.attempt('2'));
  expect(other.workspace.directory).toBe(first.workspace.directory);

  const next = await rig.start({}, [], 'r2');
  // This is the slot that the first task was in.
  const blocking = await rig.acquire(next, rig.attempt('3', { runId: 'r2' }));
  const again = await rig.acquire(next, rig.attempt('1', { runId: 'r2', number: 2 }), {
    attempt: first.attempt,
    outcome: 'usage-limited',
  });
  expect(again.workspace.directory).not.toBe(blocking.workspace.directory);
  expect(read(again.workspace, 'half.txt')).toBe('half\n');
  expect(again.workspace.inherited).toContain('half.txt');
  expect(blocking.workspace.inherited).toBe('');
  expect(rig.git('for-each-ref', 'refs/orchestrator/r1/task-1')).toBe('');
  const change = await next.changes.capture(again.workspace);
  expect(change.files).toEqual(['half.txt']);
});

test('After a conflict the worker finds the merge in progress, and its resolution lands', async () => {
  const tool = await rig.start();
  const mine = await rig.acquire(tool, rig.attempt('1'));
  write(mine.workspace.directory, { 'a.txt': 'one\nmine\nthree\n' });
  await rig.finish(tool, '2', { 'a.txt': 'one\ntheirs\nthree\n' });
  const change = await tool.changes.capture(mine.workspace);
  const combined = await tool.changes.combine(mine.workspace, change);
  expect(combined).toMatchObject({ kind: 'conflict', files: ['a.txt'] });
  expect(read(mine.workspace, 'a.txt')).toBe('one\nmine\nthree\n');
  await tool.release(mine.workspace, false);

  const again = await rig.acquire(tool, rig.attempt('1', { number: 2 }), {
    attempt: mine.attempt,
    outcome: 'conflict',
  });
  expect(read(again.workspace, 'a.txt')).toContain('<<<<<<<');
  expect(rig.gitIn(again.workspace.directory, ['rev-parse', 'MERGE_HEAD'])).toBe(combined.onto);
  expect((await tool.changes.capture(again.workspace)).unresolved).toEqual(['a.txt']);
  write(again.workspace.directory, { 'a.txt': 'one\nboth\nthree\n' });
  const commit = await rig.landWorkspace(tool.changes, again.workspace, again.attempt);
  expect(rig.show(commit, 'a.txt')).toBe('one\nboth\nthree');
  expect(rig.git('rev-list', '--parents', '-n1', commit).split(' ')).toHaveLength(2);
});

test('Gates see the change merged with what landed meanwhile, and leave nothing behind', async () => {
  const tool = await rig.start();
  const mine = await rig.acquire(tool, rig.attempt('1'));
  write(mine.workspace.directory, { 'mine.txt': 'mine' });
  const landed = await rig.finish(tool, '2', { 'theirs.txt': 'theirs' });
  const change = await tool.changes.capture(mine.workspace);
  const combined = await tool.changes.combine(mine.workspace, change);
  const tree = rig.git('rev-parse', `${landed}^{tree}`);
  expect(combined).toMatchObject({ kind: 'combined', onto: landed, ontoTree: tree });
  expect(read(mine.workspace, 'theirs.txt')).toBe('theirs');
  write(mine.workspace.directory, { 'report.xml': 'x', 'mine.txt': 'formatted' });
  await tool.changes.reset(mine.workspace);
  expect([read(mine.workspace, 'report.xml'), read(mine.workspace, 'mine.txt')]).toEqual([undefined, 'mine']);
  expect(await tool.changes.combine(mine.workspace, change)).toBe(combined);
  expect(rig.gitIn(mine.workspace.directory, ['status', '--porcelain'])).toBe('');
});

test('What the gates change is undone, even if they tell git not to look', async () => {
  const tool = await rig.start();
  const { workspace, attempt } = await rig.acquire(tool, rig.attempt('1'));
  const git = (...args: string[]): string => rig.gitIn(workspace.directory, args);
  write(workspace.directory, { 'own.txt': 'own' });
  const change = await tool.changes.capture(workspace);
  await tool.changes.combine(workspace, change);
  const state = () => [read(workspace, 'a.txt'), read(workspace, 'left.txt'), git('rev-parse', 'HEAD')];
  const captured = state();
  const tricks: (() => unknown)[] = [
    () => write(workspace.directory, { 'left.txt': 'by a command' }),
    () => {
      write(workspace.directory, { 'a.txt': 'by a command' });
      git('update-index', '--assume-unchanged', 'a.txt');
    },
    () => git('commit', '-q', '--allow-empty', '-m', 'by a command'),
    () => git('switch', '-qc', 'elsewhere'),
  ];
  for (const trick of tricks) {
    trick();
    await tool.changes.reset(workspace);
    expect(state()).toEqual(captured);
  }
  // From here on, a person looks at it.
  write(workspace.directory, { 'seen.txt': 'by a person' });
  await tool.release(workspace, false);
  expect(rig.isKept('by a person')).toBe(true);
  expect(rig.isKept('own')).toBe(true);
  expect(attempt.branch).toBe('orchestrator/r1/task-1');
});

test('A capture does not touch files, and leaves the worktree clean and on no branch, whatever the worker did to HEAD', async () => {
  const tool = await rig.start();
  const { workspace } = await rig.acquire(tool, rig.attempt('1'));
  const { directory } = workspace;
  write(directory, { 'own.txt': 'committed' });
  rig.gitIn(directory, ['add', '-A']);
  rig.gitIn(directory, ['commit', '-qm', 'own']);
  rig.gitIn(directory, ['checkout', '-q', '-b', 'elsewhere', 'main']);
  write(directory, { 'loose.txt': 'loose' });
  const change = await tool.changes.capture(workspace);
  expect(change.files).toEqual(['loose.txt']);
  expect(rig.gitIn(directory, ['status', '--porcelain', '-b'])).toBe('## HEAD (no branch)');
  expect([rig.isKept('committed'), read(workspace, 'loose.txt')]).toEqual([true, 'loose']);
});

test('What landed has no ref and no snapshot any more; intermediate work that did not land keeps its snapshot', async () => {
  const tool = await rig.start();
  await rig.finish(tool, '1', { 'one.txt': 'all of it landed' });
  expect(rig.git('for-each-ref', 'refs/orchestrator/r1')).toBe('');
  const { workspace, attempt } = await rig.acquire(tool, rig.attempt('2'));
  write(workspace.directory, { 'two.txt': 'first thought' });
  await tool.changes.snapshot(workspace);
  write(workspace.directory, { 'two.txt': 'second thought' });
  await rig.landWorkspace(tool.changes, workspace, attempt);
  await tool.release(workspace, true);
  expect(rig.isKept('first thought')).toBe(true);
  expect(rig.git('for-each-ref', 'refs/orchestrator/r1/task-*')).toBe('');
});

test('Work below the top of the repository is done in the same directory of the worktree', async () => {
  rig.userCommits({ 'packages/app/x': 'x' });
  const tool = await rig.start({ workingDirectory: join(rig.top, 'packages/app') });
  const { workspace } = await rig.acquire(tool, rig.attempt('1'));
  expect(workspace.directory).toMatch(/w1\/packages\/app$/);
  write(workspace.directory, { x: 'changed', '../../b.txt': 'far' });
  const change = await tool.changes.capture(workspace);
  expect([...change.files].sort()).toEqual(['b.txt', 'packages/app/x']);
});

test('One job at a time gets a checkout of a commit, in a directory that no task has', async () => {
  const tool = await rig.start();
  const first = rig.git('rev-parse', 'HEAD');
  const landed = await rig.finish(tool, '1', { 'one.txt': '1' });
  const { workspace } = await rig.acquire(tool, rig.attempt('2'));
  const seen: string[] = [];
  const visit = (commit: string) =>
    tool.changes.withCheckout(
      commit,
      (visited) => {
        seen.push(`in ${visited.directory === workspace.directory}`, read(visited, 'one.txt') ?? 'none');
        writeFileSync(join(visited.directory, 'litter'), '');
        mkdirSync(join(visited.directory, 'litter.d'));
        return Promise.resolve(seen.push(rig.gitIn(visited.directory, ['status', '--porcelain'])));
      },
      signal,
    );
  await Promise.all([visit(landed), visit(first)]);
  expect(seen).toEqual(['in false', '1', '?? litter', 'in false', 'none', '?? litter']);
});

test('A delivery brings what landed to the user', async () => {
  const tool = await rig.start();
  const commit = await rig.finish(tool, '1', { 'one.txt': '1' });
  expect(await tool.deliver()).toMatchObject({ kind: 'committed', commit });
  expect(rig.git('show', 'main:one.txt')).toBe('1');
});
