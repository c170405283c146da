import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Git } from '../../../src/workspace/git/git.ts';
import { Snapshots } from '../../../src/workspace/snapshots/snapshots.ts';
import { storeAttempt, startSampleRun, type AttemptSample } from '../../rig/attempted.ts';
import { json, run as runCommand, type CliEnd } from '../../rig/hand-made-cli.ts';
import { SAMPLE_TASKS, taskProject, type TaskProject } from '../../rig/task-project.ts';

const INTEGRATION = 'refs/orchestrator/integration/main';
const BRANCH = 'orchestrator/run-1/task-1';
const KILLED = { pid: 1, startTime: 'never' };

let project: TaskProject;
let home: string;
let env: Record<string, string>;
/** A worktree with a branch of its own, as a run would have made it. */
let worktree: string;
let base: string;

beforeEach(() => {
  project = taskProject(SAMPLE_TASKS);
  home = join(project.directory, '..', 'home');
  worktree = join(project.directory, '..', 'w1');
  env = { PATH: process.env['PATH'] ?? '', HOME: home };
  writeFileSync(
    join(home, '.gitconfig'),
    '[user]\nname = A User\nemail = user@example.org\n[init]\ndefaultBranch = main\n',
  );
  git(['init', '-q']);
  write(project.directory, 'a.txt', 'one\ntwo\nthree\n');
  write(project.directory, '.gitignore', '.taskmaster/\nignored/\n');
  git(['add', '-A']);
  git(['commit', '-q', '-m', 'First']);
  base = git(['rev-parse', 'HEAD']);
  git(['update-ref', INTEGRATION, base]);
  git(['worktree', 'add', '-q', '--detach', worktree, base]);
  git(['update-ref', `refs/${BRANCH}`, base]);
});
afterEach(() => project[Symbol.dispose]());

function git(args: readonly string[], cwd = project.directory): string {
  return execFileSync('git', args, { cwd, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim();
}

function write(directory: string, name: string, content: string | Uint8Array): void {
  mkdirSync(join(directory, name, '..'), { recursive: true });
  writeFileSync(join(directory, name), content);
}

function attempted(sample: Partial<AttemptSample> = {}): void {
  project.withStore((store) => {
    if (store.lastRun() === undefined) startSampleRun(store, 'run-1', KILLED);
    storeAttempt(store, {
      taskId: '1',
      runId: 'run-1',
      directory: worktree,
      branch: BRANCH,
      base,
      filesRoot: join(project.directory, '.taskmaster', 'attempts'),
      ...sample,
    });
  });
}

function run(args: readonly string[], terminal: { isTTY?: boolean; columns?: number } = {}): Promise<CliEnd> {
  return runCommand(project, args, { env, ...terminal });
}

async function keep(taskId = '1', why = 'after the attempt', runId = 'run-1'): Promise<string> {
  const kept = await new Snapshots(new Git(project.directory, env)).take(worktree, {
    runId,
    taskId,
    why,
    base,
  });
  return kept.commit;
}

/** What the user's checkout, its index and the worktree look like; reading must not change a byte of it. */
function state(): unknown {
  const of = (directory: string): string[] => [
    git(['status', '--porcelain=v2', '--untracked-files=all'], directory),
    git(['ls-files', '--stage'], directory),
    git(['rev-parse', 'HEAD'], directory),
  ];
  return [of(project.directory), of(worktree), git(['for-each-ref'])];
}

/** Lands a change of another task beside it. */
function landOther(name: string): string {
  const other = join(project.directory, '..', 'other');
  git(['worktree', 'add', '-q', '--detach', other, INTEGRATION]);
  write(other, name, 'landed meanwhile\n');
  git(['add', '-A'], other);
  git(['commit', '-q', '-m', 'Another task'], other);
  const landed = git(['rev-parse', 'HEAD'], other);
  git(['update-ref', INTEGRATION, landed]);
  git(['worktree', 'remove', '--force', other]);
  return landed;
}

describe('diff', () => {
  it('shows the commit that landed', async () => {
    write(worktree, 'a.txt', 'one\n2\nthree\n');
    const kept = await keep();
    const landed = git(['commit-tree', `${kept}^{tree}`, '-p', base, '-m', 'Task 1']);
    git(['update-ref', INTEGRATION, landed]);
    attempted({ end: { outcome: 'landed', commit: landed }, status: 'done' });
    const shown = (await run(['show', '1'])).stdout;
    expect(shown).toContain(`branch    ${BRANCH}, from ${base.slice(0, 12)}\n`);
    expect(shown).toContain(`landed    as ${landed.slice(0, 12)}\n`);
    const { exitCode, stdout, stderr } = await run(['diff', '1']);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout).toBe(`${git(['show', '--format=', '-p', landed])}\n`);
    expect(json(await run(['diff', '1', '--json']))).toEqual({
      id: '1',
      kind: 'landed',
      attempt: 1,
      outcome: 'landed',
      place: landed,
      why: null,
      from: base,
      to: landed,
      files: [{ path: 'a.txt', added: 1, removed: 1 }],
      patch: stdout,
    });
  });

  it('shows what was kept of a try that failed, and nothing of what others landed', async () => {
    landOther('b.txt');
    write(worktree, 'new/c.txt', 'mine\n');
    rmSync(join(worktree, 'a.txt'));
    await keep();
    attempted({ end: { outcome: 'verify-failed' } });
    expect((await run(['diff', '1', '--name-only'])).stdout).toBe('a.txt\nnew/c.txt\n');
    expect(json(await run(['diff', '1', '--stat', '--json']))).toMatchObject({
      kind: 'kept',
      place: 'refs/orchestrator/run-1/1/1',
      patch: null,
    });
    // What it was merged with since is not its own work either.
    git(['merge', '-q', '--no-ff', INTEGRATION], worktree);
    await keep();
    expect((await run(['diff', '1', '--name-only'])).stdout).toBe('a.txt\nnew/c.txt\n');
  });

  it('shows the tenth snapshot rather than the ninth, and a branch where there is none', async () => {
    write(worktree, 'c.txt', 'committed\n');
    git(['add', '-A'], worktree);
    git(['commit', '-q', '-m', 'Mine'], worktree);
    git(['update-ref', `refs/${BRANCH}`, git(['rev-parse', 'HEAD'], worktree)]);
    attempted({ end: { outcome: 'crashed' } });
    expect(json(await run(['diff', '1', '--json']))).toMatchObject({ place: `refs/${BRANCH}` });
    for (let count = 1; count <= 10; count++) {
      write(worktree, 'c.txt', `${count}\n`);
      await keep();
    }
    expect((await run(['diff', '1'])).stdout).toContain('+10\n');
  });

  it('shows what a worker has written so far, and touches nothing', async () => {
    attempted();
    write(worktree, 'a.txt', 'one\ntwo\nthree\nfour\n');
    write(worktree, 'new.txt', 'new\n');
    write(worktree, 'ignored/cache', 'not work\n');
    git(['add', 'a.txt'], worktree);
    // Somebody else's, or left behind: reading does not need it.
    const lock = join(project.directory, '.git', 'worktrees', 'w1', 'index.lock');
    writeFileSync(lock, '');
    const before = state();
    const { stdout } = await run(['diff', '1']);
    expect(stdout).toContain('+four\n');
    expect(stdout).toContain('+new\n');
    expect(stdout).not.toContain('not work');
    expect(existsSync(lock)).toBe(true);
    expect(state()).toEqual(before);
    expect(json(await run(['diff', '1', '--json']))).toMatchObject({ kind: 'worktree', place: worktree });
  });

  it('gives a pipe a patch that git applies, byte by byte', async () => {
    const latin1 = Buffer.from([0x63, 0x61, 0x66, 0xe9, 0x0a]);
    const binary = Buffer.from([0, 1, 2, 0xff, 0xfe, 0]);
    write(worktree, 'latin1.txt', latin1);
    write(worktree, 'data.bin', binary);
    write(worktree, 'escape.txt', '\x1b[2J\n');
    await keep();
    attempted({ end: { outcome: 'stalled' } });
    const patch = join(home, 'p.patch');
    const chunks: Uint8Array[] = [];
    await new Git(project.directory, env).stream(
      ['diff', '--binary', base, 'refs/orchestrator/run-1/1/1'],
      (chunk) => Promise.resolve(void chunks.push(Uint8Array.from(chunk))),
      new AbortController().signal,
    );
    writeFileSync(patch, Buffer.concat(chunks));
    expect((await run(['diff', '1'])).stdout).toBe(Buffer.concat(chunks).toString());
    git(['apply', patch]);
    expect(readFileSync(join(project.directory, 'latin1.txt'))).toEqual(latin1);
    expect(readFileSync(join(project.directory, 'data.bin'))).toEqual(binary);
  });

  it('paints a terminal itself, and lets nothing in a file move its cursor', async () => {
    write(worktree, 'a.txt', 'one\n--- two\n+++ three\n\x1b[2J\x1b]0;owned\x07\x9b1A\u202e\n');
    await keep();
    attempted({ end: { outcome: 'refused' } });
    const { stdout, stderr } = await run(['diff', '1'], { isTTY: true });
    expect(stderr).toContain('Not landed: attempt 1 ended as refused.');
    expect(stdout).toContain('\x1b[1mdiff --git a/a.txt b/a.txt\x1b[22m\n');
    expect(stdout).toContain('\x1b[31m-two\x1b[39m\n');
    expect(stdout).toContain('\x1b[32m+--- two\x1b[39m\n');
    expect(stdout.replaceAll(/\x1b\[\d+m/g, '')).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]/);
  });

  it.each([
    ['5', {}, 'Task 5 has not been worked on yet: it is pending.'],
    ['3', {}, 'Task 3 is worked on by its subtasks: 3.1, 3.2.'],
    [
      '1',
      { end: { outcome: 'no-change', message: 'It was there already.' } },
      'Its worker had nothing to change: It was there already.',
    ],
    ['1', { end: { outcome: 'landed', commit: 'c'.repeat(40) } }, 'is no longer in this repository'],
    ['1', { end: { outcome: 'timed-out' } }, 'Attempt 1 ended as timed out, and left no change.'],
    ['1', { directory: '/nowhere' }, 'Its workspace /nowhere does not exist.'],
  ] as const)('says why there is nothing: task %s, %j', async (id, sample, why) => {
    if (id === '1') attempted({ ...sample, status: 'done' });
    const { exitCode, stdout, stderr } = await run(['diff', id]);
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: '' });
    expect(stderr).toContain(why);
    expect(json(await run(['diff', id, '--json']))).toMatchObject({ kind: 'none', files: [], patch: null });
  });

  it('says that nobody can tell where workers shared a directory', async () => {
    project.withStore((store) => {
      startSampleRun(store, 'run-1', KILLED);
      storeAttempt(store, {
        taskId: '1',
        runId: 'run-1',
        directory: project.directory,
        filesRoot: join(project.directory, '.taskmaster', 'attempts'),
        end: { outcome: 'landed' },
        status: 'done',
      });
    });
    expect((await run(['diff', '1'])).stderr).toContain(`Workers shared the directory ${project.directory}`);
  });

  it('refuses where there is no repository, and where there is no git', async () => {
    attempted({ end: {} });
    const noGit = await runCommand(project, ['diff', '1'], { env: { ...env, PATH: home } });
    expect(noGit).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('git cannot be started') as string,
    });
    rmSync(join(project.directory, '.git'), { recursive: true });
    expect(await run(['diff', '1'])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('is in no git repository') as string,
    });
  });
});

describe('recover', () => {
  it('lists what never landed: the newest of each try, the others with --all', async () => {
    write(worktree, 'c.txt', 'one\n');
    await keep('1', 'while the worker worked');
    write(worktree, 'c.txt', 'two\n');
    write(worktree, 'd.txt', 'two\n');
    const commit = await keep('1', 'after the attempt');
    attempted({ end: { outcome: 'timed-out', message: 'It took 600 s.\nAnd more.' } });
    const before = state();
    const { stdout, exitCode } = await run(['recover', 'list']);
    expect(exitCode).toBe(0);
    expect(stdout.replace(/\d{4}-\S+/, 'DATE')).toBe(`\
Task 1  Set up  DATE
    2 files: c.txt, d.txt
    kept after the attempt, and 1 earlier (--all)
    try 1 ended: timed out: It took 600 s.
    refs/orchestrator/run-1/1/2

See one with \`recover show 1\`; take it with \`recover restore 1 --branch NAME\`.
`);
    expect(json(await run(['recover', 'list', '--json']))).toMatchObject({
      work: [
        {
          ref: 'refs/orchestrator/run-1/1/2',
          commit,
          base,
          files: ['c.txt', 'd.txt'],
          older: 1,
          title: 'Set up',
          attempt: { number: 1, outcome: 'timed-out' },
        },
      ],
    });
    expect(
      (json(await run(['recover', 'list', '--all', '--json'])) as { work: unknown[] }).work,
    ).toHaveLength(2);
    expect(state()).toEqual(before);
  });

  it('leaves out what has landed, or is at HEAD by now', async () => {
    write(worktree, 'c.txt', 'one\n');
    const kept = await keep();
    const landed = git(['commit-tree', `${kept}^{tree}`, '-p', base, '-m', 'x\n\nOrchestrator-Task: 1']);
    git(['update-ref', INTEGRATION, landed]);
    expect((await run(['recover', 'list'])).stdout).toBe('Nothing is left that has not landed.\n');
    git(['update-ref', INTEGRATION, base]);
    expect((await run(['recover', 'list'])).stdout).toContain('c.txt');
    git(['merge', '-q', '--ff-only', landed]);
    expect((await run(['recover', 'list'])).stdout).toBe('Nothing is left that has not landed.\n');
    expect(await run(['recover', 'show', '1'])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('No work of task 1 is kept that has not landed.') as string,
    });
  });

  it('shows and restores by task or ref, to a new branch or directory, and changes nothing else', async () => {
    write(worktree, 'c.txt', 'mine\n');
    const commit = await keep();
    write(project.directory, 'a.txt', 'an edit of the user\n');
    expect((await run(['recover', 'show', '1'])).stdout).toContain('+mine\n');
    expect((await run(['recover', 'show', 'run-1/1/1', '--name-only'])).stdout).toBe('c.txt\n');
    expect(json(await run(['recover', 'show', 'refs/orchestrator/run-1/1/1', '--json']))).toMatchObject({
      commit,
      from: base,
      files: [{ path: 'c.txt', added: 1, removed: 0 }],
    });

    const toBranch = await run(['recover', 'restore', '1', '--branch', 'rescued']);
    expect(toBranch).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining('git merge rescued') as string,
    });
    expect(git(['rev-parse', 'rescued'])).toBe(commit);
    const target = join(home, 'rescued files');
    const toDirectory = await run(['recover', 'restore', '1', '--to', target]);
    expect(toDirectory.stdout).toContain(`Compare it: git diff -R ${commit.slice(0, 12)}\n`);
    expect(readFileSync(join(target, 'c.txt'), 'utf8')).toBe('mine\n');
    expect(readFileSync(join(target, 'a.txt'), 'utf8')).toBe('one\ntwo\nthree\n');

    expect(readFileSync(join(project.directory, 'a.txt'), 'utf8')).toBe('an edit of the user\n');
    expect(existsSync(join(project.directory, 'c.txt'))).toBe(false);
    expect(git(['diff', '--cached', '--name-only'])).toBe('');
  });

  it.each([
    [['restore', '1'], 'Say where to restore it'],
    [['restore', '1', '--branch', 'x', '--to', 'y'], 'Say where to restore it'],
    [['restore', '1', '--branch', 'main'], 'The branch main could not be created'],
    [['restore', '1', '--branch', '-f'], 'is not a valid name for a branch'],
    [['restore', '1', '--to', '.'], 'Name a directory that does not exist yet.'],
    [['restore', '1', '--to', 'a.txt'], 'Name a directory that does not exist yet.'],
    [['restore', '1', '--to', '/proc/none/x'], '/proc/none/x cannot be created'],
    [['show'], 'What is to be shown?'],
    [['show', 'run-9/1/1'], 'there is no such snapshot here'],
    [['show', '--output=x'], ''],
    [['lits'], 'Did you mean "list"?'],
    [['list', '1'], '`recover list` lists everything, and takes no "1"'],
    [['list', '--stat'], '--stat belongs to `recover show`'],
    [['show', '1', '2'], 'too many arguments'],
    [['restore', '1', '2', '--branch', 'x'], 'too many arguments'],
    [['restore', '1', '--branch', 'x', '--dry-run'], '--dry-run belongs to `recover store`'],
    [['store', '--all'], '--all belongs to `recover list`'],
  ])('refuses %j', async (args, why) => {
    write(worktree, 'c.txt', 'mine\n');
    await keep();
    const before = state();
    const { exitCode, stdout, stderr } = await run(['recover', ...args]);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toContain(why);
    expect(state()).toEqual(before);
  });

  it('needs no task store, and no store that can be read', async () => {
    write(worktree, 'c.txt', 'mine\n');
    await keep('7.2');
    writeFileSync(join(project.directory, '.taskmaster', 'tasks.db'), 'no database');
    expect((await run(['recover', 'list'])).stdout).toMatch(/^Task 7\.2 {2}\d{4}-/);
    rmSync(join(project.directory, '.taskmaster'), { recursive: true });
    expect((await run(['recover', 'list'])).stdout).toContain('refs/orchestrator/run-1/7.2/1');
    expect((await run(['recover', 'restore', '7.2', '--branch', 'back'])).exitCode).toBe(0);
    expect(existsSync(join(project.directory, '.taskmaster'))).toBe(false);
  });
});
