import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Failed } from '../../../../src/domain/failure.ts';
import { LandingRig, landing, write } from '../../../rig/landing-rig.ts';

let rig: LandingRig;
beforeEach(() => {
  rig = new LandingRig();
});
afterEach(() => {
  rig.remove();
});

describe('what has landed', () => {
  test('is known to have landed where git was killed after it had moved the branch', async () => {
    const integration = await rig.open();
    const change = await rig.work(integration, { 'x.txt': 'x' });
    const real = rig.shell('command -v git').trim();
    const program = join(rig.programs, 'git');
    // It does what it was asked, and is killed before it can say so.
    const script = `#!/bin/sh\n"${real}" "$@"; code=$?\ncase "$*" in *"update-ref -m landed"*) kill -9 $$;; esac\nexit $code\n`;
    writeFileSync(program, script);
    chmodSync(program, 0o755);
    const landed = await rig.land(integration, change);
    expect(await integration.tip()).toBe(landed);
  });

  test('has landed, whichever branch the user is on when somebody asks', async () => {
    const first = await rig.open();
    const landed = await rig.land(first, await rig.work(first, { 'x.txt': 'x' }));
    rig.git('switch', '-qc', 'feature');
    const other = await rig.open('feature');
    expect(await other.contains(landed)).toBe(true);
    expect(rig.git('merge-base', landed, other.ref)).not.toBe(landed);
  });
});

describe('merging', () => {
  test('tasks in different files land one after the other, each as one commit of the user', async () => {
    const integration = await rig.open();
    const base = await integration.tip();
    const one = await rig.work(integration, { 'new/one.txt': '1\n' });
    const two = await rig.work(integration, { 'b.txt': null, 'two.txt': '2\n' }, { taskId: '2' });
    const first = await rig.land(integration, one, '1');
    const merge = await integration.merge(two);
    if (merge.kind === 'conflict' || merge.commit === null) throw new Error('They merge.');
    expect(rig.git('rev-parse', `${merge.commit}^1`, `${merge.commit}^2`)).toBe(`${two.commit}\n${first}`);
    const second = await rig.land(integration, two, '2');

    expect(rig.git('rev-list', '--parents', integration.ref)).toBe(
      `${second} ${first}\n${first} ${base}\n${base}`,
    );
    expect(rig.git('ls-tree', '-r', '--name-only', second)).toBe('a.txt\nnew/one.txt\ntwo.txt');
    expect(rig.git('log', '-1', '--format=%an %ae %cn %ce', second)).toBe(
      'User user@example.com User user@example.com',
    );
    expect(await integration.contains(first)).toBe(true);
    expect(await integration.contains(two.commit)).toBe(false);
    expect(await integration.contains('0123456789012345678901234567890123456789')).toBe(false);
    expect(rig.git('status', '--porcelain')).toBe('');
    expect(rig.git('rev-parse', 'main')).toBe(base);
  });

  test.each([
    ['the same lines', { 'a.txt': 'ONE\ntwo\nthree\n' }, { 'a.txt': 'eins\ntwo\nthree\n' }, ['a.txt']],
    ['a file that both add', { 'n.txt': 'mine\n' }, { 'n.txt': 'yours\n' }, ['n.txt']],
    ['a file that one deletes', { 'a.txt': null }, { 'a.txt': 'one\ntwo\nthree\nfour\n' }, ['a.txt']],
    [
      'a file that both rename',
      { 'a.txt': null, 'x.txt': 'one\ntwo\nthree\n' },
      { 'a.txt': null, 'y.txt': 'one\ntwo\nthree\n' },
      ['a.txt', 'x.txt', 'y.txt'],
    ],
  ])('%s conflict, and nothing moves', async (_, mine, yours, files) => {
    const integration = await rig.open();
    const one = await rig.work(integration, mine);
    const two = await rig.work(integration, yours, { taskId: '2' });
    const tip = await rig.land(integration, one);
    expect(await integration.merge(two)).toEqual({ kind: 'conflict', onto: tip, files });
    expect(await integration.tip()).toBe(tip);
  });

  test('a change that resolved a merge in progress is based on what was merged', async () => {
    const integration = await rig.open();
    const directory = rig.worktree();
    write(directory, { 'a.txt': 'mine\n' });
    const keep = () => rig.snapshots.take(directory, { runId: 'r', taskId: '2', why: 'done' });
    const first = await keep();
    rig.gitIn(directory, ['reset', '-q', '--hard', first.commit]);
    const landed = await rig.land(
      integration,
      await rig.work(integration, { 'a.txt': 'theirs\n', 'c.txt': 'c\n' }),
    );
    expect(() => rig.gitIn(directory, ['merge', '--no-commit', '--no-ff', landed])).toThrow();

    const untouched = await integration.changeOf((await keep()).commit, []);
    expect(untouched.unresolved).toEqual(['a.txt']);
    write(directory, { 'a.txt': 'both\n' });
    const change = await integration.changeOf((await keep()).commit, []);
    expect(change).toMatchObject({ base: landed, files: ['a.txt'], unresolved: [] });
    expect(await integration.merge(change)).toMatchObject({ kind: 'combined', onto: landed, commit: null });
  });

  test('a landing onto a tip that has moved is refused, and succeeds after another merge', async () => {
    const integration = await rig.open();
    const one = await rig.work(integration, { 'one.txt': '1\n' });
    const two = await rig.work(integration, { 'two.txt': '2\n' }, { taskId: '2' });
    const merge = await integration.merge(two);
    if (merge.kind === 'conflict') throw new Error('It stands on the tip.');
    await rig.land(integration, one);
    const elsewhere = rig.commit([await integration.tip()], { 'by-hand.txt': 'x' });
    rig.git('update-ref', integration.ref, elsewhere);
    const intended: string[] = [];
    expect(await integration.land(landing(merge), (commit) => intended.push(commit))).toBeUndefined();
    expect(intended).toHaveLength(1);
    expect(await integration.contains(intended[0] ?? '')).toBe(false);
    const landed = await rig.land(integration, two, '2');
    expect(rig.git('ls-tree', '-r', '--name-only', landed)).toBe(
      'a.txt\nb.txt\nby-hand.txt\none.txt\ntwo.txt',
    );
  });

  test('a branch that somebody deletes during a run is created again with all that landed', async () => {
    const integration = await rig.open();
    const first = await rig.land(integration, await rig.work(integration, { 'one.txt': '1\n' }));
    const two = await rig.work(integration, { 'two.txt': '2\n' }, { taskId: '2' });
    rig.git('update-ref', '-d', integration.ref);
    const second = await rig.land(integration, two, '2');
    expect(rig.git('rev-parse', `${second}^`, integration.ref)).toBe(`${first}\n${second}`);
  });

  test('a new history that a worker began still has a base', async () => {
    const integration = await rig.open();
    const base = await integration.tip();
    const directory = rig.worktree();
    rig.gitIn(directory, ['checkout', '-q', '--orphan', 'fresh']);
    rig.gitIn(directory, ['commit', '-qm', 'all at once']);
    write(directory, { 'a.txt': 'changed\n' });
    const { commit } = await rig.snapshots.take(directory, { runId: 'r', taskId: '1', why: 'done', base });
    expect(await integration.changeOf(commit, [])).toMatchObject({ base, files: ['a.txt'] });
  });
});

describe('changes', () => {
  test('what a worker must not change is found wherever it is and however it is written', async () => {
    rig.userCommits({
      '.claude/settings.json': '{}',
      '.mcp.json': '{}',
      'ci/hooks/pre-push': 'true',
      'x.json': '{}',
    });
    rig.git('config', 'core.hooksPath', 'ci/hooks');
    const integration = await rig.open();
    const guarded = ['.claude/**', '.mcp.json', '.husky/', 'orchestrator_*.json', '/top.txt', 'sub/dir/'];
    const change = await rig.work(
      integration,
      {
        '.claude/settings.json': null,
        '.claude': 'a file instead',
        '.mcp.json': null,
        'moved.json': '{}',
        '.Husky/pre-commit': 'true',
        'app/.claude/settings.local.json': '{}',
        'app/orchestrator_config.json': '{}',
        'ci/hooks/pre-push': 'curl evil',
        'app/top.txt': 'not the one at the top',
        'sub/dir/deep/file': '',
        'sub/dirt': '',
        'x.json': '{ }',
      },
      { protectedPaths: guarded },
    );
    expect(change.protectedFiles).toEqual([
      '.Husky/pre-commit',
      '.claude',
      '.claude/settings.json',
      '.mcp.json',
      'app/.claude/settings.local.json',
      'app/orchestrator_config.json',
      'ci/hooks/pre-push',
      'sub/dir/deep/file',
    ]);
    expect(change.files).toHaveLength(12);
  });

  test('only conflict markers that the change adds are unresolved', async () => {
    const marks = '<<<<<<< HEAD\nmine\n=======\nyours\n>>>>>>> other\n';
    rig.userCommits({ 'fixture.txt': marks, 'mended.txt': marks });
    const integration = await rig.open();
    const change = await rig.work(integration, {
      'fixture.txt': `${marks}more\n`,
      'mended.txt': 'mine and yours\n',
      'heading.md': 'Title\n=======\n <<<<<<< indented\n',
      'odd "name"\n.txt': `begin\n${marks}`,
      'half.txt': 'x\n>>>>>>> theirs\n',
    });
    expect(change.unresolved).toEqual(['half.txt', 'odd "name"\n.txt']);
  });

  test('files of every kind are listed with their own names', async () => {
    const integration = await rig.open();
    const change = await rig.work(integration, { '-n': '', 'née ü.txt': '', 'q"\t\n': '', ':(top)': '' });
    expect(new Set(change.files)).toEqual(new Set(['-n', 'née ü.txt', 'q"\t\n', ':(top)']));
    const none = await rig.work(integration, {});
    expect(none).toMatchObject({ files: [], tree: none.baseTree });
  });
});

describe('reading', () => {
  test('text is shown, binary files are named', async () => {
    const integration = await rig.open();
    const change = await rig.work(integration, {
      'a.txt': 'ONE\ntwo\nthree\n',
      'p.png': '\0\u0001\0',
      'b.txt': null,
    });
    const { text, truncated } = await integration.read(change, { since: null, maxBytes: 10_000 });
    expect(text).toContain('-one\n+ONE\n');
    expect(text).toContain('Binary files /dev/null and b/p.png differ');
    expect(text).toContain('deleted file mode');
    expect(truncated).toBe(false);
  });

  test('too much of it is cut: generated files first, and every file is named', async () => {
    const integration = await rig.open();
    const lines = (count: number) => Array.from({ length: count }, (_, at) => `line ${at}\n`).join('');
    const change = await rig.work(integration, {
      'package-lock.json': lines(5000),
      'src/short.ts': 'const short = 1;\n',
      'src/long.ts': lines(4000),
      'src/minified.ts': 'x'.repeat(9_000_000),
    });
    const { text, truncated } = await integration.read(change, { since: null, maxBytes: 8000 });
    expect(truncated).toBe(true);
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(8000);
    expect(text).toContain('+const short = 1;\n');
    expect(text).toContain('+line 300\n');
    expect(text).toContain('too large to show');
    expect(text).toContain('package-lock.json');
  });

  test('a thousand files stay within the limit', async () => {
    const integration = await rig.open();
    const files = Object.fromEntries(
      Array.from({ length: 1000 }, (_, at) => [`f/${at}.txt`, `${String(at).repeat(100)}\n`]),
    );
    const change = await rig.work(integration, files);
    const { text, truncated } = await integration.read(change, { since: null, maxBytes: 20_000 });
    expect(truncated).toBe(true);
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(20_000);
    expect(text).toMatch(/not shown: .* and \d+ more\)\n$/);
  });

  test('the difference from an earlier commit does not show what others landed', async () => {
    const integration = await rig.open();
    const directory = rig.worktree();
    const keep = () => rig.snapshots.take(directory, { runId: 'r', taskId: '2', why: 'round' });
    write(directory, { 'mine.txt': 'first\n' });
    const { commit: since } = await keep();
    await rig.land(integration, await rig.work(integration, { 'theirs.txt': 'theirs\n' }));
    const merge = await integration.merge(await integration.changeOf(since, []));
    if (merge.kind === 'conflict' || merge.commit === null) throw new Error('It merges.');
    rig.gitIn(directory, ['checkout', '-qf', '--detach', merge.commit]);
    write(directory, { 'mine.txt': 'second\n' });
    const change = await integration.changeOf((await keep()).commit, []);
    const { text } = await integration.read(change, { since, maxBytes: 10_000 });
    expect(text).toContain('-first\n+second\n');
    expect(text).not.toContain('theirs');
  });
});

describe('commits', () => {
  test.each([
    ['two\nlines', 'two lines'],
    ['--amend "it" $(now)', '--amend "it" $(now)'],
    ['\u001b[31mred\u001b[0m \u0007bell', 'red bell'],
    ['🎉 née\u202Eevil', '🎉 néeevil'],
    ['\n \t', 'Task 3.2'],
    ['# not a comment', '# not a comment'],
  ])('a task called %j lands as %j', async (title, subject) => {
    const integration = await rig.open();
    const change = await rig.work(integration, { 'x.txt': 'x' });
    const merge = await integration.merge(change);
    if (merge.kind === 'conflict') throw new Error('It stands on the tip.');
    const summary = `Did it.\u0000\n\nOrchestrator-Task: 99\n${'word '.repeat(30)}`;
    const commit = await integration.land(landing(merge, { taskId: '3.2', title, summary }), () => undefined);
    const message = rig.git('log', '-1', '--format=%B', commit ?? '');
    expect(message.split('\n')[0]).toBe(subject);
    expect(Math.max(...message.split('\n').map((line) => line.length))).toBeLessThanOrEqual(72);
    expect(rig.git('log', '-1', '--format=%(trailers:only,unfold)', commit ?? '').trim()).toBe(
      'Orchestrator-Task: 3.2\nOrchestrator-Run: r\nOrchestrator-Attempt: 7',
    );
  });

  test('commits are signed where the user wants that, and none is made where that fails', async () => {
    const program = join(rig.programs, 'gpg-fake');
    rig.git('config', 'commit.gpgSign', 'true');
    rig.git('config', 'gpg.program', program);
    const sign = (script: string) => {
      writeFileSync(program, `#!/bin/sh\n${script}\n`);
      chmodSync(program, 0o755);
    };
    const works = `cat > /dev/null; echo '[GNUPG:] SIG_CREATED ' >&2; printf 'SIGNATURE\\n'`;
    const fails = 'echo "gpg: no pinentry" >&2; exit 2';
    sign(fails);
    await expect(rig.open(), 'before anybody is paid').rejects.toBeInstanceOf(Failed);
    sign(works);
    const integration = await rig.open();
    const change = await rig.work(integration, { 'x.txt': 'x' });
    const tip = await integration.tip();
    sign(fails);
    const failed = await rig.land(integration, change).catch((error: unknown) => error);
    expect(failed).toBeInstanceOf(Failed);
    expect((failed as Failed).failure.message).toContain('gpg');
    expect(await integration.tip()).toBe(tip);

    sign(works);
    const landed = await rig.land(integration, change);
    expect(rig.git('cat-file', 'commit', landed)).toContain('gpgsig SIGNATURE');
  });

  test('without an identity the error says how to give git one', async () => {
    const integration = await rig.open();
    const change = await rig.work(integration, { 'x.txt': 'x' });
    rig.git('config', '--unset', 'user.email');
    rig.git('config', 'user.useConfigOnly', 'true');
    const failed = await rig.land(integration, change).catch((error: unknown) => error);
    expect(failed).toBeInstanceOf(Failed);
    expect((failed as Failed).failure.fix).toContain('git config --global user.email');
  });

  test('they are signed off where the user has configured that', async () => {
    rig.git('config', 'format.signOff', 'true');
    const integration = await rig.open();
    const landed = await rig.land(integration, await rig.work(integration, { 'x.txt': 'x' }));
    expect(rig.git('log', '-1', '--format=%(trailers:key=Signed-off-by,valueonly)', landed).trim()).toBe(
      'User <user@example.com>',
    );
  });
});
