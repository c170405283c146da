import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Git } from '../src/workspace/git/git.ts';
import { createWorktrees } from '../src/workspace/worktrees.ts';
import { makeTask } from '../tests/rig/arbitrary-tasks.ts';
import { compare, timeProcess, type Case } from './measure.ts';

// What a task waits for its worktree: against the two commands that a warm switch cannot do without.
const SIZES = [1000, 10_000, 50_000];
const ROUNDS = Number(process.env['ROUNDS'] ?? 9);

const folders: string[] = [];
try {
  for (const size of SIZES) {
    console.log(`\n${size} files`);
    await compare(await casesFor(size), ROUNDS);
  }
} finally {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
}

async function casesFor(size: number): Promise<Case[]> {
  const root = mkdtempSync(join(tmpdir(), 'bench-workspace-'));
  folders.push(root);
  const top = makeRepository(join(root, 'repository'), size);
  const bare = join(root, 'bare');
  git(top, 'worktree', 'add', '-q', '--detach', bare);
  const environment = { ...process.env, HOME: root };
  const workspaces = createWorktrees({
    git: new Git(top, environment),
    workingDirectory: top,
    cacheDirectory: join(root, 'cache'),
    root: null,
    copy: [],
    setup: [],
    env: {},
    runSetup: () => Promise.resolve({ ok: true, output: '' }),
    protectedPaths: [],
    commitMessagePrefix: '',
    autoCommit: false,
    deliver: 'branch',
    describeRun: () => ({ title: '', body: '' }),
    environment,
    preflight: () => Promise.resolve([]),
    now: Date.now,
    warn: (message) => console.warn(message),
  });
  await workspaces.begin('bench', []);
  let tasks = 0;
  const floor = 'bare checkout -f -B, clean';
  const timeBare = (): number => {
    dirty(bare);
    const start = performance.now();
    git(bare, 'checkout', '-f', '-q', '--no-track', '-B', `bare-${++tasks}`, 'main');
    git(bare, 'clean', '-fdq');
    return performance.now() - start;
  };
  const timeAcquire = async (): Promise<number> => {
    const taskId = String(++tasks);
    const start = performance.now();
    const acquired = await workspaces.acquire(
      { task: makeTask(taskId), attempt: attemptAt(taskId, top), previous: null },
      new AbortController().signal,
    );
    const took = performance.now() - start;
    if (!acquired.ok) throw new Error(acquired.error);
    dirty(acquired.value.directory);
    await workspaces.release(acquired.value, false);
    return took;
  };
  // The first one makes the worktree.
  await timeAcquire();
  return [
    { name: floor, run: timeBare },
    { name: 'acquire, warm', floor, promise: 2, run: timeAcquire },
  ];
}

function makeRepository(top: string, size: number): string {
  for (let index = 0; index < size; index++) {
    const folder = join(top, `d${index % 200}`);
    if (index < 200) mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, `f${index}.txt`), `file ${index}\n`.repeat(30 + (index % 40)));
  }
  git(top, 'init', '-q', '-b', 'main');
  git(top, 'config', 'user.name', 'Bench');
  git(top, 'config', 'user.email', 'bench@example.com');
  git(top, 'config', 'gc.auto', '0');
  git(top, 'add', '-A');
  git(top, 'commit', '-qm', 'all');
  return top;
}

/** What a task leaves: some files changed, some new. */
function dirty(directory: string): void {
  for (let index = 0; index < 10; index++) {
    writeFileSync(join(directory, `d${index}`, `f${index}.txt`), 'changed\n');
    writeFileSync(join(directory, `new-${index}.txt`), 'new\n');
  }
}

function git(cwd: string, ...args: string[]): void {
  timeProcess('git', args, { cwd });
}

function attemptAt(taskId: string, directory: string) {
  return {
    id: Number(taskId),
    runId: 'bench',
    taskId,
    number: 1,
    sessionId: '',
    resumed: false,
    forkedFrom: null,
    maxCostUsd: null,
    model: '',
    directory,
    branch: null,
    base: null,
    landing: null,
    files: '',
    process: null,
    phase: 'preparing',
    startedAt: '',
    endedAt: null,
    end: null,
  } as const;
}
