import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { unlandedWork } from '../../../../src/app/repository/unlanded-work.ts';
import { write } from '../../../rig/landing-rig.ts';
import { WorktreesRig } from '../../../rig/worktrees-rig.ts';

let rig: WorktreesRig;
beforeEach(() => {
  rig = new WorktreesRig();
});
afterEach(() => rig.remove());

const repository = () => ({ git: rig.runner, commonDirectory: join(rig.top, '.git') });
/** All branches, tags and stash entries that the user sees. */
const seen = () => rig.git('for-each-ref', '--format=%(refname)', 'refs/heads', 'refs/tags', 'refs/stash');
const stash = () => rig.git('stash', 'list', '--format=%gs');
const unlanded = () => unlandedWork(repository(), true);

async function begun(taskId = '1', tool?: Awaited<ReturnType<WorktreesRig['start']>>) {
  const started = tool ?? (await rig.start());
  const { workspace, attempt } = await rig.acquire(started, rig.attempt(taskId));
  const git = (...args: string[]) => rig.gitIn(workspace.directory, args);
  return { tool: started, workspace, attempt, git, directory: workspace.directory };
}

test('what a worker stashed is kept for recover, with new files, and is removed from the user’s stash', async () => {
  write(rig.top, { 'b.txt': 'by the user' });
  rig.git('stash', '-q');
  const before = [seen(), stash()];
  const { tool, workspace, attempt, git, directory } = await begun();
  write(directory, { 'a.txt': 'put away', 'new.txt': 'new and put away' });
  git('stash', '-q', '-u');
  write(directory, { 'c.txt': 'work' });
  await rig.landWorkspace(tool.changes, workspace, attempt);
  write(rig.top, { 'b.txt': 'by the user, later' });
  rig.git('stash', '-q');
  await tool.release(workspace, true);
  expect(stash().split('\n')).toEqual([expect.stringContaining('WIP on main'), before[1]]);
  expect(seen()).toBe(before[0]);
  const [work, ...others] = await unlanded();
  expect(others).toEqual([]);
  expect(work).toMatchObject({ taskId: '1', files: ['a.txt', 'new.txt'] });
  expect(work?.why).toContain('into git’s stash meanwhile: WIP on (no branch)');
  expect(rig.show(work?.commit ?? '', 'new.txt')).toBe('new and put away');
  expect(rig.warnings.join()).toContain('Task 1 left an entry of the stash in the repository.');
  rig.git('stash', 'drop', '-q');
  expect(stash()).toBe(before[1]);
});

test.each([true, false])(
  'branches and tags of a worker are gone, and what only they held is kept (landed: %s)',
  async (landed) => {
    const before = seen();
    const { tool, workspace, attempt, git, directory } = await begun();
    git('switch', '-q', '-c', 'other/way');
    write(directory, { 'a.txt': 'another way' });
    git('commit', '-qam', 'another way');
    git('tag', '-a', '-m', 'x', 'v1');
    git('switch', '-q', '-c', 'feat', 'HEAD~1');
    write(directory, { 'b.txt': 'by a commit' });
    git('commit', '-qam', 'the work');
    git('tag', 'v2');
    git('switch', '-q', '-c', 'empty');
    write(directory, { 'c.txt': 'not committed' });
    if (landed) await rig.landWorkspace(tool.changes, workspace, attempt);
    await tool.release(workspace, landed);
    expect(seen()).toBe(before);
    const kept = (await unlanded()).filter(({ ref }) => ref.includes('-refs/'));
    expect(kept.map(({ why, files }) => [why, files])).toEqual([
      ['as the branch other/way and the tag v1 of its worker', ['a.txt']],
    ]);
    expect(rig.isKept('by a commit')).toBe(true);
  },
);

test('branches, tags and entries that the user makes meanwhile stay', async () => {
  const { tool, workspace, git, directory } = await begun();
  rig.git('branch', 'backup');
  rig.git('tag', 'v0');
  rig.git('switch', '-q', '-c', 'mine');
  write(rig.top, { 'a.txt': 'mine' });
  rig.git('stash', '-q');
  rig.git('switch', '-q', '--detach', 'main');
  write(rig.top, { 'a.txt': 'mine too' });
  rig.git('stash', '-q');
  const theirs = [seen(), stash()];
  // It is on a branch that the user made, and at the commit of another one.
  git('switch', '-q', 'mine');
  write(directory, { 'b.txt': 'work' });
  await tool.release(workspace, false);
  expect([seen(), stash()]).toEqual(theirs);
});

test('a worker keeps its entry until it has ended, whichever other worker ends first', async () => {
  const one = await begun('1');
  const two = await begun('2', one.tool);
  write(two.directory, { 'a.txt': 'of the second' });
  // In the worktree, only the file itself is left of it.
  two.git('stash', 'push', '-q', '--', 'a.txt');
  await one.tool.release(one.workspace, false);
  expect(stash()).toContain('(no branch)');
  two.git('stash', 'pop', '-q');
  write(two.directory, { 'a.txt': 'of the second, again' });
  two.git('stash', '-q');
  const three = await begun('3', one.tool);
  await two.tool.release(two.workspace, false);
  await three.tool.release(three.workspace, false);
  expect(seen()).not.toContain('stash');
  expect(await unlanded()).toMatchObject([{ taskId: '2', files: ['a.txt'] }]);
});

test('entries of two that begin at one commit are told apart', async () => {
  const one = await begun('1');
  const two = await begun('2', one.tool);
  write(one.directory, { 'a.txt': 'of the first' });
  one.git('stash', '-q');
  await one.tool.release(one.workspace, false);
  expect(seen()).not.toContain('stash');
  await two.tool.release(two.workspace, false);
  expect(await unlanded()).toMatchObject([{ taskId: '1', files: ['a.txt'] }]);
});

test('the next run removes what a killed run left among the user’s refs', async () => {
  const before = seen();
  const { attempt, git, directory } = await begun();
  git('switch', '-q', '-c', 'feat');
  write(directory, { 'a.txt': 'put away' });
  git('stash', '-q');
  const next = await rig.start({}, [], 'r2');
  expect(seen()).toBe(before);
  expect(await unlanded()).toMatchObject([{ taskId: '1', files: ['a.txt'] }]);
  // The attempt that continues it learns where it is.
  const previous = { attempt, outcome: 'cancelled' } as const;
  const again = await rig.acquire(next, rig.attempt('1', { runId: 'r2', number: 2 }), previous);
  expect(again.workspace.inherited).toContain('refs/orchestrator/r1/1-refs/1');
});
