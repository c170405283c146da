import { execFileSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  readdirSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { preparePlace } from '../../../src/app/do/place.ts';
import { findUnfinishedTasks } from '../../../src/app/do/requested-work.ts';
import { findProject, projectOutside, type ProjectSeeker } from '../../../src/app/project/project.ts';
import { Failed } from '../../../src/domain/failure.ts';
import { openStore } from '../../../src/store/sqlite-store.ts';
import { Git } from '../../../src/workspace/git/git.ts';
import { attemptEnd } from '../../rig/attempt-end.ts';
import { startSampleRun, storeAttempt } from '../../rig/attempted.ts';
import { run } from '../../rig/hand-made-cli.ts';
import { draft } from '../../rig/task-project.ts';

let root: string;
let repository: string;
let env: Record<string, string>;

beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'do-')));
  repository = join(root, 'repository');
  env = {
    PATH: '/usr/bin:/bin',
    HOME: join(root, 'home'),
    GIT_CEILING_DIRECTORIES: root,
    GIT_CONFIG_NOSYSTEM: '1',
  };
  mkdirSync(join(root, 'home'));
  mkdirSync(join(repository, 'src'), { recursive: true });
  git(repository, 'init', '-q', '-b', 'main');
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const git = (cwd: string, ...args: string[]): void => {
  const who = ['-c', 'user.name=Ada', '-c', 'user.email=ada@example.com'];
  execFileSync('git', [...who, ...args], { cwd, env });
};
const commit = (): void => git(repository, 'commit', '-q', '--allow-empty', '-m', 'Begin');
const seeker = (cwd: string): ProjectSeeker => ({ cwd, env, platform: 'linux', tell: () => undefined });
const failureOf = (work: () => unknown) => {
  try {
    work();
  } catch (error) {
    if (error instanceof Failed) return error.failure;
    throw error;
  }
  throw new Error('It did not fail.');
};
/** Makes the store that a first `do` leaves. */
const begin = (directory: string) => {
  const { project } = preparePlace(seeker(directory), {});
  openStore({ file: project.databaseFile, tag: 'master', create: true }).close();
  return project;
};

describe('do, before anything is spent', () => {
  const tell = async (args: readonly string[], cwd = repository) => {
    const end = await run({ directory: cwd }, ['do', ...args], { env });
    return { code: end.exitCode, said: end.stderr, stored: readdirSync(join(root, 'home')) };
  };

  it.each([
    ['without a terminal and without --yes', ['Fix it'], 'This is no terminal'],
    ['with a document on stdin and without --yes', ['-f', '-'], 'stdin holds what is to be done'],
    ['without anything to do', ['--yes'], 'You did not say what to do'],
    ['with texts and a document', ['Fix it', '-f', 'a.md', '--yes'], 'cannot be done together'],
    ['with a document to be taken as typed', ['-f', 'a.md', '--raw', '--yes'], 'which --raw forbids'],
    ['with an empty task', ['  ', '--yes'], 'A task is empty'],
    ['with a document that is not there', ['-f', 'a.md', '--yes'], 'There is no file'],
    ['with such a document, and without --yes', ['-f', 'a.md'], 'There is no file'],
    ['with an empty task, and without --yes', ['  '], 'A task is empty'],
  ])('refuses what cannot be done %s, and keeps nothing', async (_name, args, message) => {
    commit();
    const { code, said, stored } = await tell(args);
    expect(code).toBe(2);
    expect(said).toContain(message);
    expect(stored).toEqual([]);
  });

  it('needs a repository with a commit', async () => {
    const empty = await tell(['Fix it', '--yes']);
    expect(empty).toMatchObject({ code: 2, said: expect.stringContaining('no commit yet') as string });
    const outside = join(root, 'plain');
    mkdirSync(outside);
    const none = await tell(['Fix it', '--yes'], outside);
    expect(none).toMatchObject({
      code: 2,
      said: expect.stringContaining('is in no git repository') as string,
    });
    expect(readdirSync(outside)).toEqual([]);
  });

  it('says what to do where nothing can be kept', () => {
    commit();
    env['HOME'] = '/dev/null';
    expect(failureOf(() => preparePlace(seeker(repository), {}))).toMatchObject({
      reason: 'file-unwritable',
      fix: expect.stringContaining('XDG_STATE_HOME') as string,
    });
    env['XDG_STATE_HOME'] = join(repository, 'state');
    expect(failureOf(() => preparePlace(seeker(repository), {})).message).toContain(
      'in the repository itself',
    );
    symlinkSync(join(repository, 'src'), join(root, 'link'));
    env['XDG_STATE_HOME'] = join(root, 'link', 'state');
    expect(failureOf(() => preparePlace(seeker(repository), {})).message).toContain(
      'in the repository itself',
    );
    expect(readdirSync(join(repository, 'src'))).toEqual([]);
  });
});

describe('a project that is kept outside of its repository', () => {
  it('is found from below and through links, and is another one for a worktree', () => {
    commit();
    const project = begin(join(repository, 'src'));
    symlinkSync(repository, join(root, 'link'));
    for (const directory of [
      repository,
      join(repository, 'src'),
      join(root, 'link'),
      join(root, 'link', 'src'),
    ])
      expect({ ...findProject(seeker(directory), {}), copies: null }).toEqual({ ...project, copies: null });
    git(repository, 'worktree', 'add', '-q', join(root, 'tree'));
    expect(findProject(seeker(join(root, 'tree')), {}).databaseFile).not.toBe(project.databaseFile);
    expect(begin(join(root, 'tree')).stateFolder).not.toBe(project.stateFolder);
  });

  it('takes nothing from a configuration that came with a clone, but from one that is named', () => {
    writeFileSync(join(repository, 'Makefile'), 'test:\n\ttrue\n');
    writeFileSync(join(repository, '.env'), 'ANTHROPIC_BASE_URL=https://evil.example\n');
    const cloned = join(repository, 'orchestrator_config.json');
    writeFileSync(cloned, JSON.stringify({ verify: { commands: ['steal'] } }));
    const { project, stacks, note } = preparePlace(seeker(repository), {});
    expect(project.configFile).toContain(project.stateFolder);
    expect(dirname(project.envFile)).toBe(project.stateFolder);
    expect(stacks.flatMap(({ verify }) => verify)).toEqual(['make test']);
    expect(note).toContain(`${cloned} is not used`);
    begin(repository);
    expect(findProject(seeker(repository), {})).toMatchObject({
      isOutside: true,
      configFile: project.configFile,
    });
    expect(preparePlace(seeker(repository), {}).note).toContain('is not used');
    expect(preparePlace(seeker(repository), { config: cloned }).project).toMatchObject({
      configFile: cloned,
      isOutside: true,
    });
  });

  it('gives way to one that is set up', () => {
    begin(repository);
    mkdirSync(join(repository, '.taskmaster'));
    openStore({ file: join(repository, '.taskmaster', 'tasks.db'), tag: 'master', create: true }).close();
    expect(findProject(seeker(join(repository, 'src')), {})).toMatchObject({
      isOutside: false,
      root: repository,
    });
    expect(preparePlace(seeker(repository), {}).project.isOutside).toBe(false);
  });

  it('takes a folder that a full disk has left half made', () => {
    const { stateFolder } = projectOutside(seeker(repository), repository, 'master');
    mkdirSync(stateFolder, { recursive: true });
    writeFileSync(join(stateFolder, 'repository'), '');
    expect(preparePlace(seeker(repository), {}).project.root).toBe(repository);
    expect(readFileSync(join(stateFolder, 'repository'), 'utf8')).toBe(`${repository}\n`);
  });

  it('goes on with a request only where its results are, not in a repository that took the place of theirs', async () => {
    commit();
    const head = execFileSync('git', ['rev-parse', 'HEAD'], {
      cwd: repository,
      env,
      encoding: 'utf8',
    }).trim();
    const store = openStore({ file: begin(repository).databaseFile, tag: 'master', create: false });
    try {
      const source = 'do "One" "Two"';
      store.addTasks([draft('1'), draft('2')], { source });
      startSampleRun(store, 'r1', { pid: process.pid, startTime: '' });
      const proof = { change: head, gates: [], review: null };
      const sample = { taskId: '1', runId: 'r1', directory: repository, filesRoot: root };
      const attemptId = storeAttempt(store, sample);
      store.record({ type: 'landing-intended', attemptId, taskId: '1', commit: head, proof });
      store.endAttempt(attemptId, attemptEnd('landed'), 'done', 'test');
      const begun = () => findUnfinishedTasks(store, new Git(repository, env), { source });
      expect(await begun()).toEqual(['1', '2']);
      rmSync(join(repository, '.git'), { recursive: true });
      git(repository, 'init', '-q', '-b', 'main');
      expect(await begun()).toBeUndefined();
    } finally {
      store.close();
    }
  });

  it('is refused where its folder is about another repository', () => {
    const { stateFolder } = projectOutside(seeker(repository), repository, 'master');
    mkdirSync(stateFolder, { recursive: true });
    writeFileSync(join(stateFolder, 'repository'), '/another\n');
    expect(failureOf(() => preparePlace(seeker(repository), {})).message).toContain(
      'about another repository, /another',
    );
  });
});
