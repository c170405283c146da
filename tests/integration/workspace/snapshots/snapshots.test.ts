import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Failed } from '../../../../src/domain/failure.ts';
import { restoreToBranch, restoreToDirectory } from '../../../../src/workspace/snapshots/restore.ts';
import { Snapshots } from '../../../../src/workspace/snapshots/snapshots.ts';
import { filesIn } from '../../../rig/checkout-rig.ts';
import { LandingRig, write } from '../../../rig/landing-rig.ts';

let rig: LandingRig;
beforeEach(() => {
  rig = new LandingRig();
});
afterEach(() => {
  rig.remove();
});

const refs = (): string[] => {
  const names = rig.git('for-each-ref', '--format=%(refname)', 'refs/orchestrator');
  return names === '' ? [] : names.split('\n');
};

describe('taking', () => {
  const request = { runId: 'run-1', taskId: '3.2', why: 'a\ntest' };

  test('each state of a worktree gets a number, and none gets two', async () => {
    const worktree = rig.worktree();
    write(worktree, { 'new.txt': '1' });
    const first = await rig.snapshots.take(worktree, request);
    expect(await rig.snapshots.take(worktree, request)).toEqual(first);
    write(worktree, { 'new.txt': '2' });
    // Another process, which knows nothing yet, continues with the next number.
    const second = await new Snapshots(rig.runnerOfTool).take(worktree, request);
    write(worktree, { 'new.txt': '3' });
    const third = await rig.snapshots.take(worktree, request);
    expect(refs()).toEqual([1, 2, 3].map((number) => `refs/orchestrator/run-1/3.2/${number}`));
    expect(rig.git('rev-parse', ...refs())).toBe(
      [first, second, third].map(({ commit }) => commit).join('\n'),
    );
  });

  test('an unchanged worktree needs no snapshot', async () => {
    const worktree = rig.worktree();
    const base = rig.git('rev-parse', 'HEAD');
    expect(await rig.snapshots.take(worktree, { ...request, base })).toMatchObject({ commit: base });
    expect(refs()).toEqual([]);
  });

  test.each(['--assume-unchanged', '--skip-worktree'])(
    'a file that was changed after `git update-index %s` is kept as it is',
    async (flag) => {
      write(rig.top, { told: 'before' });
      rig.git('add', 'told');
      rig.git('commit', '-q', '-m', 'told');
      const worktree = rig.worktree();
      rig.git('-C', worktree, 'update-index', flag, 'told');
      write(worktree, { told: 'after' });
      const { commit } = await rig.snapshots.take(worktree, request);
      expect(rig.git('show', `${commit}:told`)).toBe('after');
    },
  );

  test('it needs no identity, signs nothing and runs no hook of the user', async () => {
    rig.git('config', '--unset', 'user.email');
    rig.git('config', 'user.useConfigOnly', 'true');
    rig.git('config', 'commit.gpgSign', 'true');
    rig.git('config', 'gpg.program', '/bin/false');
    const worktree = rig.worktree();
    const hook = '.git/hooks/reference-transaction';
    write(rig.top, { [hook]: '#!/bin/sh\nexit 1\n' });
    chmodSync(join(rig.top, hook), 0o755);
    expect(() => rig.git('branch', 'refused')).toThrow();
    write(worktree, { x: 'x' });
    const { commit } = await rig.snapshots.take(worktree, request);
    expect(rig.git('log', '-1', '--format=%an %s', commit)).toBe('claude-orchestrator a test');
  });

  test('a merge in progress has both parents', async () => {
    const worktree = rig.worktree();
    const other = rig.userCommits({ 'a.txt': 'theirs\n' });
    write(worktree, { 'a.txt': 'mine\n' });
    rig.gitIn(worktree, ['commit', '-qam', 'mine']);
    expect(() => rig.gitIn(worktree, ['merge', '-q', other])).toThrow();
    const { commit } = await rig.snapshots.take(worktree, request);
    const head = rig.gitIn(worktree, ['rev-parse', 'HEAD']);
    expect(rig.git('rev-list', '--parents', '-1', commit)).toBe(`${commit} ${head} ${other}`);
    expect(rig.show(commit, 'a.txt')).toContain('<<<<<<<');
  });

  test('commits that no branch has any more are kept too', async () => {
    const worktree = rig.worktree();
    write(worktree, { 'left.txt': 'x' });
    rig.gitIn(worktree, ['add', '-A']);
    rig.gitIn(worktree, ['commit', '-qm', 'left behind']);
    const left = rig.gitIn(worktree, ['rev-parse', 'HEAD']);
    rig.gitIn(worktree, ['checkout', '-q', '--detach', 'main']);
    rig.git('branch', '-qD', 'task-1');
    const keep = () => rig.snapshots.take(worktree, request);
    const { commit } = await keep();
    expect((await keep()).commit).toBe(commit);
    expect(rig.git('for-each-ref', '--format=%(refname)', '--contains', left, 'refs/orchestrator')).toBe(
      refs()[0],
    );
    expect(refs()).toHaveLength(2);
  });

  test('repositories within the worktree are kept as files, submodules as submodules', async () => {
    const worktree = rig.worktree();
    for (const [path, committed] of [
      ['app', true],
      ['app/inner', false],
      ['bare beginnings', false],
    ] as const) {
      mkdirSync(join(worktree, path));
      rig.gitIn(join(worktree, path), ['init', '-q']);
      write(join(worktree, path), { 'file.txt': path, '.gitignore': 'skipped\n', skipped: '' });
      if (!committed) continue;
      rig.gitIn(join(worktree, path), ['add', '-A']);
      rig.gitIn(join(worktree, path), ['-c', 'user.name=W', '-c', 'user.email=w', 'commit', '-qm', 'x']);
    }
    rig.gitIn(worktree, [
      '-c',
      'protocol.file.allow=always',
      'submodule',
      '--quiet',
      'add',
      rig.top,
      'module',
    ]);
    const { commit, unread } = await rig.snapshots.take(worktree, request);
    expect(unread).toBe('');
    expect(rig.git('ls-tree', '-r', '--name-only', commit).split('\n')).toEqual([
      '.gitmodules',
      'a.txt',
      'app/.gitignore',
      'app/file.txt',
      'app/inner/.gitignore',
      'app/inner/file.txt',
      'b.txt',
      'bare beginnings/.gitignore',
      'bare beginnings/file.txt',
      'module',
    ]);
    expect(rig.git('ls-tree', commit, 'module')).toMatch(/^160000 commit/);

    // This also holds where the worker has committed such a repository as a commit only.
    rig.gitIn(worktree, ['-c', 'advice.addEmbeddedRepo=false', 'add', 'app']);
    rig.gitIn(worktree, ['commit', '-qm', 'a link to nothing']);
    const again = await rig.snapshots.take(worktree, request);
    expect(rig.git('ls-tree', '-r', '--name-only', again.commit)).toContain('app/inner/file.txt');
  });

  test('files outside a sparse checkout do not count as deleted', async () => {
    rig.userCommits({ 'in/x': 'x', 'out/y': 'y' });
    const worktree = rig.worktree();
    rig.gitIn(worktree, ['sparse-checkout', 'set', 'in']);
    write(worktree, { 'in/x': 'changed', 'out/new': 'new' });
    const { commit } = await rig.snapshots.take(worktree, request);
    expect(rig.git('diff', '--name-status', 'main', commit)).toBe('M\tin/x\nA\tout/new');
  });

  test('a file that vanishes after git has found it causes no failure', async () => {
    const worktree = rig.worktree();
    // Git runs the filter when it reads the first file. By then it has found the second one.
    rig.git('config', 'filter.vanish.clean', 'rm -f vanishing; cat');
    write(worktree, { '.gitattributes': 'first filter=vanish\n', first: '1', vanishing: '2', zeta: '3' });
    const { commit, unread } = await rig.snapshots.take(worktree, request);
    expect(rig.git('ls-tree', '--name-only', commit)).toBe('.gitattributes\na.txt\nb.txt\nfirst\nzeta');
    expect(unread).toBe('');
  });

  test('a file that git cannot read is named, and all others are kept', async () => {
    const worktree = rig.worktree();
    write(worktree, { first: '1', zeta: '2' });
    rig.git('config', 'core.protectNTFS', 'true');
    write(worktree, { 'git~1': 'git does not take such a name' });
    const { commit, unread } = await rig.snapshots.take(worktree, request);
    expect(rig.git('ls-tree', '--name-only', commit)).toContain('first\nzeta');
    expect(unread).toContain('git~1');
  });

  test('several at once in several worktrees of one task lose no snapshot', async () => {
    const worktrees = Array.from({ length: 6 }, () => rig.worktree());
    for (const worktree of worktrees) write(worktree, { 'own.txt': worktree });
    const kept = await Promise.all(worktrees.map((worktree) => rig.snapshots.take(worktree, request)));
    const held = new Set(rig.git('for-each-ref', '--format=%(objectname)', 'refs/orchestrator').split('\n'));
    expect(held).toEqual(new Set(kept.map(({ commit }) => commit)));
  });

  test('no files are left in the repository’s private directory', async () => {
    const worktree = rig.worktree();
    await rig.snapshots.take(worktree, request);
    const admin = rig.gitIn(worktree, ['rev-parse', '--absolute-git-dir']);
    expect(readdirSync(admin).filter((name) => /orchestrator|lock/.test(name))).toEqual([]);
  });
});

describe('snapshots and what landed', () => {
  test('only what landed completely is pruned', async () => {
    const integration = await rig.open();
    const worktree = rig.worktree();
    const request = { runId: 'r', taskId: '1', why: 'work' };
    write(worktree, { 'new.txt': 'an idea that was given up\n' });
    await rig.snapshots.take(worktree, request);
    write(worktree, { 'new.txt': 'final\n' });
    const { commit } = await rig.snapshots.take(worktree, request);
    const landed = await rig.land(integration, await integration.changeOf(commit, []));
    await rig.land(
      integration,
      await rig.work(integration, { 'new.txt': 'of a later task\n' }, { taskId: '2' }),
      '2',
    );
    const list = async () =>
      (await rig.snapshots.list(integration.ref))
        .map((one) => `${one.taskId}/${one.number} ${one.landed}`)
        .sort();
    expect(await list()).toEqual(['1/1 false', '1/2 true', '2/1 true']);
    await rig.snapshots.prune(request, landed);
    expect(await list()).toEqual(['1/1 false', '2/1 true']);
    await rig.snapshots.prune({ runId: 'r', taskId: '9' }, landed);
    expect(await rig.snapshots.list(null)).toMatchObject([{ landed: false }, { landed: false }]);
  });

  test.each<[string, (worktree: string) => void]>([
    [
      'moves a file',
      (at) => {
        write(at, { 'b.txt': null, 'moved.txt': 'b\n' });
      },
    ],
    [
      'removes one',
      (at) => {
        write(at, { 'b.txt': null });
      },
    ],
    [
      'copies one',
      (at) => {
        write(at, { 'copy.txt': 'b\n' });
      },
    ],
    [
      'writes what another task did elsewhere',
      (at) => {
        write(at, { 'other.txt': 'of task 2\n' });
      },
    ],
    [
      'makes one executable',
      (at) => {
        chmodSync(join(at, 'b.txt'), 0o755);
      },
    ],
  ])('work that only %s has not landed with the content of others', async (_name, change) => {
    const integration = await rig.open();
    const worktree = rig.worktree();
    const request = { runId: 'r', taskId: '1', why: 'work' };
    change(worktree);
    const { commit } = await rig.snapshots.take(worktree, request);
    const second = await rig.work(integration, { 'new.txt': 'of task 2\n' }, { taskId: '2' });
    const other = await rig.land(integration, second, '2');
    const own = async () =>
      (await rig.snapshots.list(integration.ref)).filter(({ taskId }) => taskId === '1');
    expect(await own()).toMatchObject([{ landed: false }]);
    await rig.snapshots.prune(request, other);
    expect(await own()).toMatchObject([{ landed: false }]);

    const landed = await rig.land(integration, await integration.changeOf(commit, []));
    expect(await own()).toMatchObject([{ landed: true }]);
    await rig.snapshots.prune(request, landed);
    expect(await own()).toEqual([]);
  });

  test('they are listed with run and task, without deliveries', async () => {
    rig.git('update-ref', 'refs/orchestrator/delivered/feature/3', 'HEAD');
    const worktree = rig.worktree();
    write(worktree, { x: 'x' });
    const { commit } = await rig.snapshots.take(worktree, {
      runId: 'r',
      taskId: '3.2',
      why: 'it\twas stopped',
    });
    expect(await rig.snapshots.list('main')).toEqual([
      {
        ref: 'refs/orchestrator/r/3.2/1',
        runId: 'r',
        taskId: '3.2',
        number: 1,
        commit,
        date: rig.git('log', '-1', '--format=%cI', commit),
        why: 'it was stopped',
        beside: null,
        landed: false,
      },
    ]);
  });
});

describe('restoring', () => {
  async function kept(): Promise<string> {
    const worktree = rig.worktree();
    write(worktree, { 'deep/er/new.txt': 'new\n', 'b.txt': null });
    symlinkSync('../a.txt', join(worktree, 'deep', 'link'));
    writeFileSync(join(worktree, 'run.sh'), '#!/bin/sh\n', { mode: 0o755 });
    return (await rig.snapshots.take(worktree, { runId: 'r', taskId: '1', why: 'x' })).commit;
  }

  test('to a new directory, with links and modes, and nothing of the user touched', async () => {
    const commit = await kept();
    rig.shell('echo staged > a.txt && git add a.txt && mkdir -p sub');
    const before = rig.state();
    const target = join(rig.root, 'out', 'here');
    await restoreToDirectory(rig.runnerOfTool, commit, target);
    expect([...filesIn(target).keys()].sort()).toEqual(['a.txt', 'deep/er/new.txt', 'deep/link', 'run.sh']);
    expect(readlinkSync(join(target, 'deep', 'link'))).toBe('../a.txt');
    expect(lstatSync(join(target, 'run.sh')).mode & 0o111).not.toBe(0);
    expect(existsSync(join(target, '.git'))).toBe(false);
    expect(rig.state()).toEqual(before);
  });

  test('never over something that exists', async () => {
    const commit = await kept();
    const target = join(rig.root, 'mine');
    mkdirSync(target);
    const { mtimeMs } = statSync(target);
    await expect(restoreToDirectory(rig.runnerOfTool, commit, target)).rejects.toBeInstanceOf(Failed);
    await expect(restoreToDirectory(rig.runnerOfTool, commit, rig.top)).rejects.toBeInstanceOf(Failed);
    expect(statSync(target).mtimeMs).toBe(mtimeMs);
    await expect(restoreToBranch(rig.runnerOfTool, commit, 'main')).rejects.toBeInstanceOf(Failed);
    expect(rig.git('rev-parse', 'main')).toBe(rig.git('rev-parse', 'HEAD'));
    expect(readFileSync(join(rig.top, 'b.txt'), 'utf8')).toBe('b\n');
  });

  test('to a new branch, if its name is valid', async () => {
    const commit = await kept();
    await restoreToBranch(rig.runnerOfTool, commit, 'rescued/one');
    expect(rig.git('rev-parse', 'rescued/one')).toBe(commit);
    for (const name of ['-d', '', 'a b', 'x..y', 'HEAD', '@{-1}'])
      await expect(restoreToBranch(rig.runnerOfTool, commit, name)).rejects.toBeInstanceOf(Failed);
  });
});
