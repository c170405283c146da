import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ok } from '../../../../src/domain/result.ts';
import { openStore } from '../../../../src/store/sqlite-store.ts';
import type { TaskStore } from '../../../../src/store/store.ts';
import { Gates, type GateResult } from '../../../../src/worker/gates/gates.ts';
import { createCommandRunner } from '../../../../src/worker/gates/run-command.ts';
import type { Workspace } from '../../../../src/workspace/workspace.ts';
import { CheckoutRig } from '../../../rig/checkout-rig.ts';
import { processes } from '../../../rig/worker-rig.ts';

let rig: CheckoutRig;
let store: TaskStore;
let warnings: string[];
let base: { commit: string; tree: string };
let worktree: Workspace;
let visited: Workspace;

const markerOf = (id: number): { variable: string; value: string } => ({
  variable: 'CLAUDE_ORCHESTRATOR_ATTEMPT',
  value: `${rig.root}/${id}`,
});

beforeEach(() => {
  rig = new CheckoutRig();
  warnings = [];
  writeFileSync(join(rig.top, 'sum.sh'), 'echo $(($1 + $2))\n');
  writeFileSync(join(rig.top, 'test.sh'), 'test "$(sh sum.sh 1 2)" = 3 || { echo wrong sum; exit 1; }\n');
  rig.git('add', '-A');
  rig.git('commit', '-qm', 'base');
  base = { commit: rig.git('rev-parse', 'HEAD'), tree: rig.git('rev-parse', 'HEAD^{tree}') };
  worktree = addWorktree('w1');
  visited = addWorktree('gates');
  reopen();
  const process = { pid: 1, startTime: 'then' };
  store.startRun({ id: 'run-1', process, workers: 2, billing: 'API key', tasks: 1 }, () => false);
});
afterEach(async () => {
  const leftovers = [1, 2].flatMap((id) => processes.findMarked(markerOf(id)));
  for (const id of [1, 2]) await processes.endMarked(markerOf(id), { graceMs: 0 });
  store.close();
  rmSync(rig.root, { recursive: true, force: true, maxRetries: 5 });
  expect(leftovers).toEqual([]);
});

function addWorktree(name: string): Workspace {
  const directory = join(rig.root, name);
  rig.git('worktree', 'add', '-q', '--detach', directory);
  return { directory, environment: {}, branch: 'b', base: base.commit, inherited: '' };
}

/** Does what another process would do. */
function reopen(): void {
  const file = join(rig.root, 'tasks.db');
  store = openStore({ file, tag: 'master', create: true, clock: () => 0 });
}

function gates(...commands: string[]): Gates {
  return new Gates({
    commands,
    run: createCommandRunner({
      table: processes,
      environment: { ...rig.environment, RUNS: join(rig.root, 'runs') },
      timeoutMs: 60_000,
      graceMs: 300,
    }),
    verdicts: {
      get: (tree, command) => store.gateVerdict('run-1', tree, command),
      put: (tree, command, verdict) => store.saveGateVerdict('run-1', tree, command, verdict),
    },
    withCheckout: async (commit, job) => {
      rig.gitIn(visited.directory, ['checkout', '-qf', '--detach', commit]);
      return ok(await job(visited));
    },
    reset: ({ directory }) => {
      rig.gitIn(directory, ['checkout', '-qf', 'HEAD']);
      rig.gitIn(directory, ['clean', '-fdq']);
      return Promise.resolve();
    },
    warn: (message) => warnings.push(message),
  });
}

/** Commits a change in a worktree, and returns its tree. */
function change(files: Readonly<Record<string, string>>, { directory } = worktree): string {
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text);
  rig.gitIn(directory, ['add', '-A']);
  rig.gitIn(directory, ['commit', '-qm', 'change']);
  return rig.gitIn(directory, ['rev-parse', 'HEAD^{tree}']);
}

function check(one: Gates, tree: string, workspace = worktree, id = 1): Promise<GateResult> {
  return one.check({ tree, workspace, base, marker: markerOf(id) }, new AbortController().signal);
}

const runs = (): number => {
  const file = join(rig.root, 'runs');
  return existsSync(file) ? readFileSync(file, 'utf8').length : 0;
};

test('a change that breaks a test is told what it printed; a mended one passes', async () => {
  const broken = change({ 'sum.sh': 'echo $(($1 - $2))\n' });
  expect(await check(gates('sh test.sh'), broken)).toEqual({
    kind: 'failed',
    gates: [{ command: 'sh test.sh', verdict: 'failed' }],
    command: 'sh test.sh',
    how: 'exit code 1',
    output: 'wrong sum',
  });
  const mended = change({ 'sum.sh': 'echo $(($2 + $1))\n' });
  expect(await check(gates('sh test.sh'), mended)).toMatchObject({ kind: 'passed' });
  expect(warnings).toEqual([]);
});

test('what failed before does not block, and says why', async () => {
  const tree = change({ 'new.txt': 'x' });
  const result = await check(gates('sh no-such-test.sh', 'sh test.sh'), tree);
  expect(result).toEqual({
    kind: 'passed',
    gates: [
      { command: 'sh no-such-test.sh', verdict: 'red-before' },
      { command: 'sh test.sh', verdict: 'passed' },
    ],
  });
  expect(warnings).toHaveLength(1);
  expect(warnings[0]).toContain(base.commit.slice(0, 7));
});

test('a command that repairs what it complains of does not pass as flaky', async () => {
  const command = 'grep -q formatted new.txt || { echo formatted >new.txt; exit 1; }';
  writeFileSync(join(visited.directory, 'new.txt'), 'formatted\n');
  const tree = change({ 'new.txt': 'raw\n' });
  expect(await check(gates(command), tree)).toMatchObject({ kind: 'failed' });
});

test('a verdict outlives the process that found it, with its output', async () => {
  const command = 'printf x >>"$RUNS"; echo no; test -f good.txt';
  writeFileSync(join(visited.directory, 'good.txt'), '');
  const tree = change({ 'new.txt': 'x' });
  const first = await check(gates(command), tree);
  expect(first).toMatchObject({ kind: 'failed', output: 'no' });
  expect(runs()).toBe(3);
  store.close();
  reopen();
  expect(await check(gates(command), tree)).toEqual(first);
  expect(runs()).toBe(3);
});

test('two worktrees with the same tree are tested once, whoever asks first', async () => {
  const other = addWorktree('w2');
  const files = { 'new.txt': 'x' };
  const trees = [change(files), change(files, other)] as const;
  expect(trees[0]).toBe(trees[1]);
  const one = gates('printf x >>"$RUNS"; sh test.sh');
  const results = await Promise.all([check(one, trees[0], worktree, 1), check(one, trees[1], other, 2)]);
  expect(results.map(({ kind }) => kind)).toEqual(['passed', 'passed']);
  expect(runs()).toBe(1);
});

test('a worktree that is gone says nothing of the change', async () => {
  const tree = change({ 'new.txt': 'x' });
  rmSync(worktree.directory, { recursive: true });
  const result = await check(gates('sh test.sh'), tree);
  expect(result).toMatchObject({ kind: 'infrastructure', message: expect.stringContaining('w1') as string });
  expect(store.gateVerdict('run-1', tree, 'sh test.sh')).toBeUndefined();
});
