import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Git } from '../../../../src/workspace/git/git.ts';
import {
  inspectRepository,
  preflight,
  type PreflightRequest,
} from '../../../../src/workspace/preflight/preflight.ts';
import { CheckoutRig } from '../../../rig/checkout-rig.ts';

let rig: CheckoutRig;
beforeEach(() => {
  rig = new CheckoutRig();
  write('a.txt', 'a\n');
  write('sub/b.txt', 'b\n');
  commitAll();
});
afterEach(() => {
  rig.remove();
});

const ROOM = { bavail: 1e6, bsize: 4096, files: 1e6, ffree: 1e6 };

function look(request: Partial<PreflightRequest> = {}, git = rig.runner) {
  return inspectRepository(git, {
    workingDirectory: rig.top,
    cacheRoot: join(rig.root, 'cache', 'worktrees'),
    workers: 3,
    statfs: () => Promise.resolve(ROOM),
    ...request,
  });
}

function write(path: string, content: string): void {
  mkdirSync(join(rig.top, path, '..'), { recursive: true });
  writeFileSync(join(rig.top, path), content);
}

function commitAll(): void {
  rig.git('add', '-A');
  rig.git('commit', '-q', '--allow-empty', '-m', 'work');
}

/** Adds a program that is found before all others. */
function program(name: string, script: string): void {
  writeFileSync(join(rig.programs, name), `#!/bin/sh\n${script}\n`);
  chmodSync(join(rig.programs, name), 0o755);
}

const refusal = (message: RegExp, fix: RegExp) => ({
  reason: 'repository-unusable',
  message: expect.stringMatching(message) as string,
  fix: expect.stringMatching(fix) as string,
});

test('a repository as it should be, in at most five processes', async () => {
  const log = join(rig.root, 'log');
  const real = execFileSync('sh', ['-c', 'command -v git'], { encoding: 'utf8' }).trim();
  program('git', `echo call >> '${log}'\nexec '${real}' "$@"`);
  expect(await look()).toEqual({
    version: expect.stringMatching(/^\d+\.\d+/) as string,
    branch: 'main',
    uncommitted: 0,
    results: 0,
    failures: [],
    notes: [],
  });
  const calls = execFileSync('cat', [log], { encoding: 'utf8' }).trim().split('\n').length;
  expect(calls).toBeLessThanOrEqual(5);
});

test('a dirty tree is fine, and is left as it is', async () => {
  write('a.txt', 'mine\n');
  write('new.txt', 'mine\n');
  const before = rig.state();
  const report = await look();
  expect(report.failures).toEqual([]);
  expect(report.notes).toEqual(['2 files with uncommitted changes are not part of what workers see']);
  expect(rig.state()).toEqual(before);
});

test('what an earlier run has staged is not counted among the changes of the user', async () => {
  write('result.txt', 'result\n');
  write('edited.txt', 'result\n');
  rig.git('add', '-A');
  const tree = rig.git('write-tree');
  const tip = rig.git('commit-tree', '-p', 'HEAD', '-m', 'landed', tree);
  rig.git('update-ref', 'refs/orchestrator/deliveries/main', tip);
  expect(await look()).toMatchObject({ uncommitted: 0, results: 2, notes: [] });
  write('edited.txt', 'edited\n');
  write('mine.txt', 'mine\n');
  rig.git('add', 'mine.txt');
  expect(await look()).toMatchObject({ uncommitted: 2, results: 1 });
});

describe('is refused, with the fix', () => {
  test('no git', async () => {
    const git = new Git(rig.top, { PATH: rig.programs, HOME: rig.root });
    expect((await look({}, git)).failures).toEqual([refusal(/git was not found/, /git-scm\.com/)]);
  });

  test('a git that is too old', async () => {
    program('git', 'echo "git version 2.37.9"');
    expect((await look()).failures).toEqual([refusal(/2\.37\.9 is too old.*2\.38/, /isolation/)]);
  });

  test('no repository', async () => {
    const elsewhere = join(rig.root, 'elsewhere');
    mkdirSync(elsewhere);
    const { failures } = await look({ workingDirectory: elsewhere });
    expect(failures).toEqual([refusal(/elsewhere is not in a git repository/, /git init/)]);
  });

  test('a bare repository', async () => {
    const bare = join(rig.root, 'bare.git');
    rig.git('clone', '-q', '--bare', '.', bare);
    const { failures } = await look({ workingDirectory: bare });
    expect(failures).toEqual([refusal(/bare/, /worktree add/)]);
  });

  test('no commit yet', async () => {
    rmSync(join(rig.top, '.git'), { recursive: true });
    rig.git('init', '-q');
    expect((await look()).failures).toEqual([refusal(/no commit yet/, /git commit/)]);
  });

  test.each([
    ['merge', 'merge'],
    ['cherry-pick', 'cherry-pick'],
    ['rebase', 'rebase'],
    ['revert', 'revert'],
  ])('an unfinished %s with its conflict', async (name, command) => {
    write('a.txt', 'two\n');
    commitAll();
    rig.git('branch', 'other', 'HEAD~1');
    rig.git('checkout', '-q', 'other');
    write('a.txt', 'three\n');
    commitAll();
    const args = name === 'revert' ? ['main~1'] : ['main'];
    expect(() => rig.git(command, ...args)).toThrow();
    const { failures } = await look();
    expect(failures).toEqual([
      refusal(new RegExp(`a ${name} is unfinished`), new RegExp(`git ${name} --abort`)),
      refusal(/unresolved conflicts: a\.txt/, /git add/),
    ]);
  });

  test('an unfinished bisect and an unfinished am', async () => {
    rig.git('bisect', 'start');
    expect((await look()).failures).toEqual([refusal(/a bisect/, /git bisect reset/)]);
    rig.git('bisect', 'reset');
    const patch = join(rig.root, 'patch');
    writeFileSync(
      patch,
      'From 0000000000000000000000000000000000000000 Mon Sep 17 00:00:00 2001\nFrom: A <a@example.com>\nDate: Mon, 1 Jan 2024 00:00:00 +0000\nSubject: x\n\n---\n a.txt | 2 +-\n\ndiff --git a/a.txt b/a.txt\n--- a/a.txt\n+++ b/a.txt\n@@ -1 +1 @@\n-other\n+more\n',
    );
    expect(() => rig.git('am', patch)).toThrow();
    expect((await look()).failures).toEqual([refusal(/a series of patches/, /git am --abort/)]);
  });

  test('conflicts that a stash left', async () => {
    write('a.txt', 'stashed\n');
    rig.git('stash');
    write('a.txt', 'committed\n');
    commitAll();
    expect(() => rig.git('stash', 'pop')).toThrow();
    expect((await look()).failures).toEqual([refusal(/unresolved conflicts: a\.txt/, /git add/)]);
  });

  test('a working directory that is not committed', async () => {
    write('fresh dir/c.txt', 'c\n');
    expect((await look({ workingDirectory: join(rig.top, 'sub') })).failures).toEqual([]);
    const { failures } = await look({ workingDirectory: join(rig.top, 'fresh dir') });
    expect(failures).toEqual([
      refusal(/fresh dir has no committed files/, /git add '.*fresh dir' && git commit/),
    ]);
  });

  test('no identity to commit with', async () => {
    rig.git('config', '--unset', 'user.name');
    rig.git('config', '--unset', 'user.email');
    rig.git('config', 'user.useConfigOnly', 'true');
    const { failures } = await look();
    expect(failures).toEqual([refusal(/who you are/, /user\.name.*user\.email/)]);
  });

  test('files of Git LFS without git-lfs, or without its setup', async () => {
    write('.gitattributes', '*.bin filter=lfs diff=lfs merge=lfs -text\n');
    commitAll();
    expect((await look()).failures).toEqual([]);
    write('big.bin', 'version https://git-lfs.github.com/spec/v1\n');
    commitAll();
    program('git-lfs', 'exit 1');
    expect((await look()).failures).toEqual([refusal(/big\.bin, but git-lfs is not/, /git lfs install/)]);
    program('git-lfs', 'echo git-lfs/3.0.0');
    expect((await look()).failures).toEqual([refusal(/not set up/, /git lfs install/)]);
    rig.git('config', 'filter.lfs.smudge', 'cat');
    expect((await look()).failures).toEqual([]);
  });

  test('names that are the same on this disk', async () => {
    rig.git('update-ref', 'HEAD', rig.commit([rig.git('rev-parse', 'HEAD')], { 'A.txt': 'A\n' }));
    expect((await look()).failures).toEqual([]);
    rig.git('config', 'core.ignorecase', 'true');
    const { failures } = await look();
    expect(failures).toEqual([refusal(/A\.txt and a\.txt|a\.txt and A\.txt/, /Rename/)]);
  });

  test('too little disk, with both numbers', async () => {
    for (let file = 0; file < 100; file++) write(`files/${file}`, 'x'.repeat(9000));
    commitAll();
    const { failures } = await look({ statfs: () => Promise.resolve({ ...ROOM, bavail: 500 }) });
    expect(failures).toEqual([refusal(/4 worktrees need about 5 MB in .*, where 2 MB are free/, /Free/)]);
    // Worktrees that exist already need no more space.
    for (const slot of ['w1', 'w2', 'w3'])
      mkdirSync(join(rig.root, 'cache', 'worktrees', slot), { recursive: true });
    const fewer = await look({ statfs: () => Promise.resolve({ ...ROOM, bavail: 500 }) });
    expect(fewer.failures).toEqual([]);
  });

  test('too few inodes, where the disk counts them', async () => {
    const { failures } = await look({ statfs: () => Promise.resolve({ ...ROOM, ffree: 3 }) });
    expect(failures).toEqual([refusal(/need about 16 files \(inodes\) .* where 3 are free/, /Free/)]);
    const uncounted = await look({ statfs: () => Promise.resolve({ ...ROOM, files: 0, ffree: 0 }) });
    expect(uncounted.failures).toEqual([]);
  });

  test('worktrees within the repository, or where nothing can be written', async () => {
    const inside = await look({ cacheRoot: join(rig.top, '.cache', 'w') });
    expect(inside.failures).toEqual([refusal(/inside of the repository/, /workspace\.root/)]);
    writeFileSync(join(rig.root, 'file'), '');
    const onFile = await look({ cacheRoot: join(rig.root, 'file', 'w') });
    expect(onFile.failures).toEqual([refusal(/file is not a directory/, /workspace\.root/)]);
  });
});

describe('is fine', () => {
  test('submodules, with a note on what workers need', async () => {
    rig.git('-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', rig.top, 'vendor');
    commitAll();
    const { failures, notes } = await look();
    expect(failures).toEqual([]);
    expect(notes).toEqual([expect.stringMatching(/\(vendor\).*git submodule update --init --recursive/)]);
  });

  test('a shallow clone', async () => {
    commitAll();
    const shallow = join(rig.root, 'shallow');
    rig.git('clone', '-q', '--depth', '1', `file://${rig.top}`, shallow);
    rig.gitIn(shallow, ['config', 'user.name', 'User']);
    rig.gitIn(shallow, ['config', 'user.email', 'user@example.com']);
    const { failures, notes } = await look({ workingDirectory: shallow });
    expect([failures, notes]).toEqual([[], []]);
  });

  test('a partial clone; nothing is fetched', async () => {
    rig.git('config', 'uploadpack.allowFilter', 'true');
    const partial = join(rig.root, 'partial');
    rig.git('clone', '-q', '--filter=blob:none', '--no-checkout', `file://${rig.top}`, partial);
    rig.gitIn(partial, ['read-tree', 'HEAD']);
    rig.gitIn(partial, ['config', 'user.name', 'User']);
    rig.gitIn(partial, ['config', 'user.email', 'user@example.com']);
    const stored = () => rig.gitIn(partial, ['count-objects', '-v']);
    const before = stored();
    expect((await look({ workingDirectory: partial })).failures).toEqual([]);
    expect(stored()).toBe(before);
  });

  test('a sparse checkout: a worktree has the same files, and the rest does not count as deleted', async () => {
    rig.git('sparse-checkout', 'set', 'nothing');
    const { failures, uncommitted } = await look();
    expect([failures, uncommitted]).toEqual([[], 0]);
    const worktree = join(rig.root, 'worktree');
    rig.git('worktree', 'add', '-q', '--detach', worktree);
    expect(rig.gitIn(worktree, ['status', '--porcelain'])).toBe('');
    rig.gitIn(worktree, ['add', '-A']);
    expect(rig.gitIn(worktree, ['write-tree'])).toBe(rig.git('rev-parse', 'HEAD^{tree}'));
  });
});

test('preflight is the first of the failures, or the notes', async () => {
  const request = { workingDirectory: rig.top, cacheRoot: join(rig.root, 'cache'), workers: 1 };
  expect(await preflight(rig.runner, request)).toEqual({ ok: true, value: [] });
  writeFileSync(join(rig.top, '.git', 'MERGE_HEAD'), rig.git('rev-parse', 'HEAD'));
  expect(await preflight(rig.runner, request)).toMatchObject({
    ok: false,
    error: refusal(/a merge is unfinished/, /--abort/),
  });
});
