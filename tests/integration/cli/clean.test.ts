import { existsSync, mkdirSync, readdirSync, renameSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CleanReport } from '../../../src/app/contract/clean.ts';
import { retainTranscripts, knownSizeOfAttempts } from '../../../src/app/project/transcripts.ts';
import { openRunLock } from '../../../src/store/run-lock.ts';
import { openStore } from '../../../src/store/sqlite-store.ts';
import type { TaskStore } from '../../../src/store/store.ts';
import { startSampleRun, storeAttempt } from '../../rig/attempted.ts';
import { json, run, type CliEnd } from '../../rig/hand-made-cli.ts';
import { write } from '../../rig/landing-rig.ts';
import { draft } from '../../rig/task-project.ts';
import { WorktreesRig } from '../../rig/worktrees-rig.ts';

let rig: WorktreesRig;
let store: TaskStore;
let folders: string[];

/** Task 1 has landed, 2 has failed, and the run was killed while a worker was at 3. */
beforeEach(async () => {
  rig = new WorktreesRig();
  const state = join(rig.top, '.taskmaster');
  mkdirSync(state);
  store = openStore({ file: join(state, 'tasks.db'), tag: 'master', create: true });
  store.addTasks([draft('1'), draft('2'), draft('3')], { source: 'test' });
  startSampleRun(store, 'r1', { pid: 1, startTime: 'long ago' });
  const filesRoot = join(state, 'attempts', 'r1');
  const sample = { runId: 'r1', directory: rig.top, filesRoot, transcript: ['x'.repeat(999)] };
  storeAttempt(store, { ...sample, taskId: '1', end: { outcome: 'landed' }, status: 'done' });
  storeAttempt(store, { ...sample, taskId: '2', end: {}, status: 'failed' });
  storeAttempt(store, { ...sample, taskId: '3' });
  folders = store.attempts({}).map(({ files }) => files);

  const tool = await rig.start();
  await rig.finish(tool, '1', { 'one.txt': 'landed\n' });
  const [second, third] = [
    await rig.acquire(tool, rig.attempt('2')),
    await rig.acquire(tool, rig.attempt('3')),
  ];
  write(second.workspace.directory, { 'two.txt': 'failed\n' });
  await tool.release(second.workspace, false);
  write(second.workspace.directory, { 'stray.txt': 'written afterwards\n' });
  write(third.workspace.directory, { 'three.txt': 'at work\n' });
});

afterEach(() => {
  store.close();
  rig.remove();
});

const clean = (...args: string[]): Promise<CliEnd> =>
  run({ directory: rig.top }, ['clean', ...args], {
    env: { ...rig.environment, XDG_CACHE_HOME: rig.cache },
  });
const cleaned = async (...args: string[]): Promise<CleanReport> =>
  json(await clean('--json', ...args)) as CleanReport;
const worktrees = (): string[] =>
  rig
    .git('worktree', 'list', '--porcelain')
    .split('\n')
    .filter((line) => line.startsWith('worktree '))
    .slice(1);
const project = (): { readonly stateFolder: string } => ({ stateFolder: join(rig.top, '.taskmaster') });

describe('clean', () => {
  it('shows what would go and removes nothing with --dry-run', async () => {
    const before = [rig.git('for-each-ref'), ...worktrees()];
    const report = await cleaned('--dry-run');
    expect(report).toMatchObject({ removed: false, transcripts: [{ directory: folders[0], bytes: 1000 }] });
    expect(report.worktrees).toHaveLength(1);
    expect([rig.git('for-each-ref'), ...worktrees()]).toEqual(before);
    expect(folders.every((folder) => existsSync(folder))).toBe(true);
    expect((await cleaned('--dry-run', '--keep-days', '1')).transcripts).toEqual([]);
    expect((await clean('--dry-run')).stdout).toMatch(
      /Would remove.*1 transcript .*1 worktree .*kept: .*task 3/s,
    );
  });

  it('removes what is settled, and nothing that has not landed or is in use', async () => {
    const report = await cleaned();
    expect(report).toMatchObject({
      removed: true,
      transcripts: [{ directory: folders[0] }],
      kept: [{ why: 'it holds work of task 3' }],
    });
    expect(folders.map((folder) => existsSync(folder))).toEqual([false, true, true]);
    expect(worktrees()).toHaveLength(1);
    for (const { directory } of report.worktrees) expect(existsSync(directory)).toBe(false);
    // Also what came to be in a worktree after its work was kept.
    for (const content of ['failed\n', 'written afterwards\n']) expect(rig.isKept(content)).toBe(true);
    expect((await clean()).stdout).toMatch(/^There is nothing to remove\.\n {2}kept: .*task 3\n$/);
  });

  it('follows no link out of its folders, and shows with --dry-run what it does', async () => {
    const [first = ''] = folders;
    const elsewhere = join(rig.root, 'elsewhere');
    renameSync(dirname(first), elsewhere);
    symlinkSync(elsewhere, dirname(first));
    const [idle] = (await cleaned('--dry-run')).worktrees;
    const moved = join(rig.root, 'moved');
    renameSync(idle?.directory ?? '', moved);
    symlinkSync(moved, idle?.directory ?? '');
    const before = [elsewhere, moved].map((folder) => readdirSync(folder, { recursive: true }));

    const shown = await cleaned('--dry-run');
    expect(shown).toMatchObject({ transcripts: [], worktrees: [], bytes: 0 });
    expect(await cleaned()).toEqual({ ...shown, removed: true });
    expect([elsewhere, moved].map((folder) => readdirSync(folder, { recursive: true }))).toEqual(before);
  });

  it('removes snapshots of which all is part of what landed, and no others', async () => {
    const refs = (): string[] =>
      rig.git('for-each-ref', '--format=%(refname)', 'refs/orchestrator/r1').split('\n');
    const unlanded = refs();
    rig.git('update-ref', 'refs/orchestrator/r1/1/9', 'refs/orchestrator/integration/main');
    expect((await cleaned()).snapshots).toEqual([{ ref: 'refs/orchestrator/r1/1/9', taskId: '1' }]);
    expect(refs()).toEqual(expect.arrayContaining(unlanded));
    expect(refs()).not.toContain('refs/orchestrator/r1/1/9');
  });

  it('leaves the worktrees that the next run goes on with as they are usable', async () => {
    await clean();
    store.setStatus(['2'], 'pending', 'test');
    const next = await rig.start({}, [], 'r2');
    const commit = await rig.finish(next, '2', { 'two.txt': 'landed now\n' });
    expect(rig.show(commit, 'two.txt')).toBe('landed now');
  });

  it('removes nothing while a run works, but shows', async () => {
    const lock = openRunLock(join(rig.top, '.taskmaster', 'tasks.db-run-lock'), () => undefined, {
      holder: 'a test',
    });
    try {
      expect(await clean()).toMatchObject({
        exitCode: 2,
        stderr: expect.stringContaining('in progress') as string,
      });
      expect((await cleaned('--dry-run')).transcripts).toHaveLength(1);
      expect(existsSync(folders[0] ?? '')).toBe(true);
    } finally {
      lock.release();
    }
  });
});

describe('logs.keep_days', () => {
  it('removes at the end of a run what is older, of this project alone, and remembers what is left', async () => {
    const copy = { stateFolder: join(rig.root, 'copy', '.taskmaster') };
    await retainTranscripts(copy, store, 0);
    expect(await retainTranscripts(project(), store, null)).toBeUndefined();
    expect(knownSizeOfAttempts(project())).toMatchObject({ bytes: 3000 });
    expect(await retainTranscripts(project(), store, 1)).toBeUndefined();
    expect(knownSizeOfAttempts(project())).toMatchObject({ bytes: 3000 });
    expect(await retainTranscripts(project(), store, 0)).toBeUndefined();
    expect(knownSizeOfAttempts(project())).toMatchObject({ bytes: 2000 });
    expect(folders.map((folder) => existsSync(folder))).toEqual([false, true, true]);
  });
});
