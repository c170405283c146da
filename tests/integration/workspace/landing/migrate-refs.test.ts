import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { WorktreesRig } from '../../../rig/worktrees-rig.ts';

let rig: WorktreesRig;
let landed: string;

/** The refs of an earlier version: results for two branches, and a task that has not landed. */
beforeEach(() => {
  rig = new WorktreesRig();
  const base = rig.git('rev-parse', 'HEAD');
  landed = rig.git('commit-tree', '-p', base, '-m', 'It\n\nOrchestrator-Run: r0\n', 'HEAD^{tree}');
  rig.git('update-ref', 'refs/heads/orchestrator/integration/main', landed);
  rig.git('update-ref', 'refs/orchestrator/landed/main', landed);
  rig.git('update-ref', 'refs/orchestrator/delivered/main', base);
  rig.git('branch', 'feat/x');
  rig.git('update-ref', 'refs/heads/orchestrator/integration/feat/x', base);
  rig.git('update-ref', 'refs/orchestrator/landed/feat%2Fx', landed);
  rig.git('update-ref', 'refs/orchestrator/delivered/feat/x', landed);
  rig.git('update-ref', 'refs/heads/orchestrator/r0/task-1.2', landed);
});
afterEach(() => rig.remove());

function refs(place: string): Record<string, string> {
  const listed = rig.git('for-each-ref', '--format=%(refname) %(objectname)', place);
  return Object.fromEntries(listed.split('\n').map((line) => line.split(' ') as [string, string]));
}

test('refs of an earlier version are migrated, and none is left among the branches', async () => {
  await rig.start();
  const base = rig.git('rev-parse', 'main');
  expect(Object.keys(refs('refs/heads')).sort()).toEqual(['refs/heads/feat/x', 'refs/heads/main']);
  expect(refs('refs/orchestrator')).toEqual({
    'refs/orchestrator/integration/main': landed,
    'refs/orchestrator/landings/main': landed,
    'refs/orchestrator/deliveries/main': base,
    'refs/orchestrator/integration/feat+x': base,
    'refs/orchestrator/landings/feat+x': landed,
    'refs/orchestrator/deliveries/feat+x': landed,
    'refs/orchestrator/r0/task-1.2': landed,
  });
  expect(rig.warnings.join()).toContain('3 branches of an earlier version (orchestrator/…) moved');
  rig.warnings.length = 0;
  await rig.start({}, [], 'r2');
  expect(rig.warnings).toEqual([]);
});

test('a worker of an earlier version continues in its worktree, and its work is found', async () => {
  const attempt = rig.attempt('1');
  const first = await rig.start();
  const { workspace } = await rig.acquire(first, attempt);
  rig.git('update-ref', 'refs/heads/orchestrator/r1/task-1', 'main');
  rig.gitIn(workspace.directory, ['symbolic-ref', 'HEAD', 'refs/heads/orchestrator/r1/task-1']);
  rig.gitIn(workspace.directory, ['commit', '-q', '--allow-empty', '-m', 'by the worker']);
  const made = rig.gitIn(workspace.directory, ['rev-parse', 'HEAD']);
  const { branch, base, directory } = workspace;
  const second = await rig.start({}, [{ ...attempt, branch, base, directory }]);
  expect(rig.git('branch', '--list', 'orchestrator/*')).toBe('');
  const reopened = await second.reopen({ ...attempt, branch, base, directory });
  expect(reopened.ok).toBe(true);
  expect(rig.gitIn(directory, ['rev-parse', 'HEAD'])).toBe(made);
});

test('a person’s branch of such a name stays where it is', async () => {
  await rig.start();
  rig.git('branch', 'orchestrator/integration/main', 'orchestrator/integration/main');
  rig.git('branch', 'orchestrator/integration/mine', landed + '^');
  const elsewhere = join(rig.root, 'elsewhere');
  rig.git('worktree', 'add', '-q', '-b', 'orchestrator/r0/task-9', elsewhere, 'main');
  await rig.start({}, [], 'r2');
  expect(rig.git('branch', '--list', '--format=%(refname:lstrip=2)', 'orchestrator/*').split('\n')).toEqual([
    'orchestrator/integration/main',
    'orchestrator/integration/mine',
    'orchestrator/r0/task-9',
  ]);
  expect(rig.warnings.join()).toContain(elsewhere);
});
