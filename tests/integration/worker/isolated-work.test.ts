import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Attempt, AttemptEnd, Proof, WorkerReport } from '../../../src/domain/attempt.ts';
import { writeAssignment } from '../../../src/worker/claude/assignment-record.ts';
import { locateAttemptFiles } from '../../../src/worker/claude/attempt-files.ts';
import type { Assignment } from '../../../src/worker/worker.ts';
import { Snapshots } from '../../../src/workspace/snapshots/snapshots.ts';
import type { Changes, Workspaces } from '../../../src/workspace/workspace.ts';
import { makeTask } from '../../rig/arbitrary-tasks.ts';
import { attemptEnd } from '../../rig/attempt-end.ts';
import { lines, recordHooks, workerRig, type RecordedHooks, type WorkerRig } from '../../rig/worker-rig.ts';
import { read, WorktreesRig } from '../../rig/worktrees-rig.ts';

const REPORT: WorkerReport = { status: 'completed', summary: 'Did it.', handover: '', followUps: [] };
const TIP = 'orchestrator/integration/main';
const never = new AbortController().signal;

let rig: WorkerRig;
let trees: WorktreesRig;
beforeEach(async () => {
  rig = await workerRig();
  trees = new WorktreesRig();
});
afterEach(async () => {
  await rig.close();
  trees.remove();
});

type Started = Workspaces & { readonly changes: Changes };

/** An attempt as a killed run leaves it: its work is captured, and commands that judge it are running. */
async function killedWhileVerifying(): Promise<Attempt> {
  const workspaces = await trees.start();
  const begun = trees.attempt('1', { files: join(rig.root, 'attempts', '1') });
  const { workspace, attempt } = await trees.acquire(workspaces, begun);
  writeFileSync(join(workspace.directory, 'made.txt'), 'by the worker\n');
  mkdirSync(attempt.files, { recursive: true });
  const files = locateAttemptFiles(attempt.files);
  const transcript = [lines.init, lines.result()].map((line) => `${JSON.stringify(line)}\n`).join('');
  writeFileSync(files.transcript, transcript);
  writeFileSync(files.stderr, '');
  await writeAssignment(files.assignment, {
    task: makeTask('1'),
    parent: null,
    review: null,
    earlierFiles: [],
    resumed: false,
  });
  await workspaces.changes.combine(workspace, await workspaces.changes.capture(workspace));
  writeFileSync(join(workspace.directory, 'coverage.txt'), 'by a command\n');
  writeFileSync(join(workspace.directory, 'a.txt'), 'by a command\n');
  return { ...attempt, phase: 'verifying' };
}

async function recover(
  workspaces: Workspaces,
  attempt: Attempt,
): Promise<{ end: AttemptEnd | undefined; recorded: RecordedHooks }> {
  const recorded = recordHooks();
  return { end: await rig.worker({ workspaces }).recover(attempt, recorded.hooks, never), recorded };
}

describe('an attempt whose orchestrator was killed', () => {
  test('lands what its worker wrote, and not what commands had left that judged it', async () => {
    const attempt = await killedWhileVerifying();
    const { end } = await recover(await trees.start({}, [attempt], 'r2'), attempt);
    expect(end).toMatchObject({ outcome: 'landed' });
    expect(trees.git('ls-tree', '-r', '--name-only', TIP).split('\n')).toEqual([
      'a.txt',
      'b.txt',
      'made.txt',
    ]);
    expect(trees.show(TIP, 'a.txt')).toBe('one\ntwo\nthree');
    expect(trees.isKept('by a command\n')).toBe(true);
  });

  test('is not done where workers share a directory by now: its change is in none', async () => {
    const attempt = await killedWhileVerifying();
    const recorded = recordHooks();
    const end = await rig.worker().recover(attempt, recorded.hooks, never);
    expect(end).toMatchObject({ outcome: 'infrastructure', usage: [{ input: 1000 }] });
    expect(end?.message).toContain('worked in a worktree');
  });

  test('is followed and counted where nobody can tell whether it landed', async () => {
    const attempt = { ...(await killedWhileVerifying()), landing: 'f'.repeat(40) };
    const workspaces = await trees.start({}, [attempt], 'r2');
    workspaces.changes.hasLanded = () => Promise.reject(new Error('git is away'));
    const { end } = await recover(workspaces, attempt);
    expect(end).toMatchObject({ outcome: 'infrastructure', usage: [{ input: 1000 }] });
  });
});

describe('work that is finished', () => {
  const finished = async (workspaces: Started): Promise<Partial<Assignment>> => {
    const { workspace, attempt } = await trees.acquire(workspaces, trees.attempt('1'));
    writeFileSync(join(workspace.directory, 'made.txt'), 'by the worker\n');
    const { commit } = await workspaces.changes.capture(workspace);
    // A file that a command left and that nothing has removed.
    writeFileSync(join(workspace.directory, 'coverage.txt'), 'by a command\n');
    await workspaces.release(workspace, false);
    const end = attemptEnd('infrastructure', { report: REPORT, change: commit });
    const before = { ...attempt, end };
    return {
      attempt: trees.attempt('1', { id: 1, resumed: true, files: join(rig.root, 'attempts', '1') }),
      continues: { attempt: before, outcome: 'infrastructure', change: commit },
      finished: { report: REPORT, change: commit },
    };
  };

  test('lands as it was captured, and nobody works again', async () => {
    const workspaces = await trees.start();
    const end = await rig
      .worker({ workspaces })
      .run(rig.assignment(await finished(workspaces)), recordHooks().hooks, never);
    expect(end).toMatchObject({ outcome: 'landed', usage: [] });
    expect(trees.show(TIP, 'made.txt')).toBe('by the worker');
    expect(trees.git('ls-tree', '--name-only', TIP)).not.toContain('coverage.txt');
    expect(rig.calls()).toEqual([]);
  });

  test('is worked again where its commit is in no place to land from', async () => {
    rig.script([{ print: lines.init }, { print: lines.result() }]);
    const given = await finished(await trees.start());
    const end = await rig.worker().run(rig.assignment(given), recordHooks().hooks, never);
    expect(end.outcome).toBe('landed');
    expect(rig.calls()).toHaveLength(1);
  });
});

test('what proves a change is written down before it lands', async () => {
  rig.script([
    { print: lines.init },
    { write: { path: 'made.txt', text: 'x\n' } },
    { print: lines.result() },
  ]);
  const workspaces = await trees.start();
  const proofs: Proof[] = [];
  const hooks = { ...recordHooks().hooks, onLanding: (_: string, proof: Proof) => void proofs.push(proof) };
  const attempt = trees.attempt('1', { id: 1, files: join(rig.root, 'attempts', '1') });
  const end = await rig.worker({ workspaces }).run(rig.assignment({ attempt }), hooks, never);
  expect(end).toMatchObject({ outcome: 'landed', ...proofs[0] });
  expect(proofs).toEqual([{ change: end.change, gates: [], review: null }]);
});

describe('what happens around an attempt', () => {
  const works = [
    { print: lines.init },
    { write: { path: 'made.txt', text: 'x\n' } },
    { print: lines.result() },
  ];

  test('a change that landed has landed, also where its workspace cannot be given back', async () => {
    rig.script(works);
    const workspaces = await trees.start();
    const release = workspaces.release.bind(workspaces);
    workspaces.release = async (workspace, landed) => {
      await release(workspace, landed);
      throw new Error('no space left');
    };
    const recorded = recordHooks();
    const attempt = trees.attempt('1', { id: 1, files: join(rig.root, 'attempts', '1') });
    const end = await rig.worker({ workspaces }).run(rig.assignment({ attempt }), recorded.hooks, never);
    expect(end.outcome).toBe('landed');
    expect(recorded.warnings).toEqual([expect.stringContaining('could not be given back: no space left')]);
  });

  test('a snapshot that fails together with the store is no unhandled rejection', async () => {
    rig.script([{ print: lines.init }, { waitFor: join(rig.root, 'go') }, { print: lines.result() }]);
    const workspaces = await trees.start();
    let failures = 0;
    workspaces.changes.snapshot = () => {
      if (++failures === 2) writeFileSync(join(rig.root, 'go'), '');
      return Promise.reject(new Error('no space left'));
    };
    const { hooks } = recordHooks();
    const broken = {
      ...hooks,
      onWarning: () => {
        throw new Error('The store is full.');
      },
    };
    const attempt = trees.attempt('1', { id: 1, files: join(rig.root, 'attempts', '1') });
    const end = await rig
      .worker({ workspaces, snapshotMs: 20 })
      .run(rig.assignment({ attempt }), broken, never);
    expect(end.outcome).toBe('review-rejected');
  });

  test('what a worker had written when it was interrupted is kept with that reason', async () => {
    rig.script([{ write: { path: 'made.txt', text: 'x\n' } }, { print: lines.init }, { hang: true }]);
    const stop = new AbortController();
    const workspaces = await trees.start();
    workspaces.changes.snapshot = (workspace) => {
      if (read(workspace, 'made.txt') === 'x\n') stop.abort();
      return Promise.resolve();
    };
    const attempt = trees.attempt('1', { id: 1, files: join(rig.root, 'attempts', '1') });
    const worker = rig.worker({ workspaces, snapshotMs: 20 });
    const end = await worker.run(rig.assignment({ attempt }), recordHooks().hooks, stop.signal);
    expect(end.outcome).toBe('cancelled');
    const kept = await new Snapshots(trees.runner).list(null);
    expect(kept.map(({ why }) => why)).toEqual(['when its attempt was interrupted']);
  });

  test('where it was stopped before its start, it is known all the same what it has taken over', async () => {
    const stop = new AbortController();
    const workspaces = await trees.start();
    const acquire = workspaces.acquire.bind(workspaces);
    workspaces.acquire = async (request, signal) => {
      const acquired = await acquire(request, signal);
      stop.abort();
      return acquired;
    };
    const recorded = recordHooks();
    const attempt = trees.attempt('1', { id: 1, files: join(rig.root, 'attempts', '1') });
    const end = await rig
      .worker({ workspaces })
      .run(rig.assignment({ attempt }), recorded.hooks, stop.signal);
    expect(end.outcome).toBe('cancelled');
    expect(recorded.workspaces.map(({ branch }) => branch)).toEqual(['orchestrator/r1/task-1']);
    expect(recorded.workspaces.map((workspace) => read(workspace, 'b.txt'))).toEqual(['b\n']);
    expect(existsSync(join(rig.root, 'calls.ndjson'))).toBe(false);
  });
});
