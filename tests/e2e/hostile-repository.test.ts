import { readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { openDriver } from '../../src/store/driver.ts';
import { readUserState } from '../chaos/checker.ts';
import {
  hostileProject,
  INTEGRATION,
  type HostileOptions,
  type HostileProject,
} from '../rig/hostile-project.ts';

let project: HostileProject;
afterEach(() => project.close());

const open = async (options: HostileOptions): Promise<HostileProject> =>
  (project = await hostileProject(options));

const BRANCH = 'orchestrator/integration/main';
const writes = (id: string) => ({ [`${id}.txt`]: `by task ${id}\n` });

/** Git's own folder for a worktree. */
const adminOf = (worktree: string): string =>
  /gitdir: (.+)/.exec(readFileSync(join(worktree, '.git'), 'utf8'))?.[1] ?? '';

/** The tasks whose file is in a commit, as their workers wrote it. */
function inCommit(commit: string, ids: readonly string[]): string[] {
  const names = project.git('ls-tree', '--name-only', commit).split('\n');
  return ids.filter(
    (id) => names.includes(`${id}.txt`) && project.git('show', `${commit}:${id}.txt`) === `by task ${id}`,
  );
}

function expectSound(): void {
  expect(project.git('fsck', '--connectivity-only', '--no-dangling')).not.toMatch(/error|missing|broken/);
}

describe('in a repository in which somebody cleans up while a run works', () => {
  it('lands every task, and loses nothing', async () => {
    const ids = ['1', '2', '3', '4', '5', '6'];
    await open({
      jobs: {
        1: { writes: writes('1'), isHeld: true },
        2: { writes: writes('2'), isHeld: true },
        3: { writes: writes('3'), isHeld: true },
        4: { writes: writes('4'), isHeld: true },
        5: { needs: ['1', '2', '3', '4'], writes: writes('5'), isHeld: true },
        6: { needs: ['5'], writes: writes('6'), isHeld: true },
      },
      config: { execution: { max_workers: 4, max_retries: 2, retry_base_delay: 0 } },
    });
    const run = await project.run({
      held: {
        1: (worktree) => writeFileSync(join(adminOf(worktree), 'index.lock'), ''),
        2: (worktree) => rmSync(worktree, { recursive: true }),
        3: (worktree) => project.git('-C', worktree, 'switch', '-qc', 'by-hand'),
        4: (worktree) => rmSync(adminOf(worktree), { recursive: true }),
        5: () => project.git('update-ref', '-d', `refs/${BRANCH}`),
        6: () => {
          project.git('worktree', 'prune');
          project.git('reflog', 'expire', '--expire=now', '--all');
          project.git('gc', '-q', '--prune=now');
        },
      },
    });
    expect(run.code, run.told).toBe(0);
    for (const id of ['1', '3', '4', '5', '6']) expect(run.outcomes(id), run.told).toEqual(['landed']);
    // Nobody can keep what was deleted before it was kept; but its worker is told, and does it again.
    expect(run.outcomes('2').at(-1), run.told).toBe('landed');
    expect(run.ends('2')[0]?.message).toMatch(/worktree .* is gone/);
    expect(inCommit(INTEGRATION, ids)).toEqual(ids);
    expect(inCommit('main', ids)).toEqual(ids);
    expect(project.git('status', '--porcelain')).toBe('');
    expectSound();
  });
});

/** Task 1 lands, what task 2 wrote does not pass and stays; returns what lets it pass. */
async function untilFailed(config: HostileOptions['config'] = {}): Promise<() => void> {
  await open({
    jobs: { 1: { writes: writes('1') }, 2: { needs: ['1'], writes: writes('2') } },
    config: {
      execution: { max_retries: 0 },
      verify: { commands: ['test ! -e 2.txt || test -e "$HOME/pass"'] },
      ...config,
    },
  });
  const first = await project.run();
  expect([first.code, first.outcomes('2')], first.told).toEqual([1, ['verify-failed']]);
  return () => writeFileSync(join(project.root, 'home', 'pass'), '');
}

describe('in a repository in which somebody cleans up between two runs', () => {
  it.each<[string, () => void]>([
    ['all worktrees', () => rmSync(project.cache, { recursive: true })],
    [
      'worktrees, refs of tasks, and what nothing refers to',
      () => {
        for (const slot of project.slots()) rmSync(slot, { recursive: true });
        project.git('worktree', 'prune');
        const refs = project.git('for-each-ref', '--format=%(refname)', 'refs/orchestrator/2*/task-*');
        for (const ref of refs.split('\n')) project.git('update-ref', '-d', ref);
        project.git('reflog', 'expire', '--expire=now', '--all');
        project.git('gc', '-q', '--prune=now');
      },
    ],
    ['the integration branch', () => project.git('update-ref', '-d', `refs/${BRANCH}`)],
  ])('goes on with what is kept although they deleted %s', async (_what, cleanUp) => {
    const mayPass = await untilFailed();
    cleanUp();
    mayPass();
    const run = await project.run();
    expect([run.code, run.outcomes('2')], run.told).toEqual([0, ['landed']]);
    expect(inCommit('main', ['1', '2'])).toEqual(['1', '2']);
    expectSound();
  });

  it('says how to take what was not delivered yet and is on no branch any more', async () => {
    const mayPass = await untilFailed({ git: { deliver: 'branch' } });
    project.git('update-ref', '-d', `refs/${BRANCH}`);
    mayPass();
    const run = await project.run();
    const take = /They are kept: git (branch \S+ \S+)/.exec(run.warnings)?.[1] ?? '';
    project.git(...take.split(' '));
    expect(inCommit('kept-results', ['1'])).toEqual(['1']);
  });
});

describe('where the clock was set back', () => {
  /** Everything that was written down so far looks as if it were from the end of the century. */
  function moveToFuture(): void {
    const database = openDriver(project.database);
    const triggers = database
      .prepare<{ name: string; sql: string }>("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
      .all();
    for (const { name } of triggers) database.exec(`DROP TRIGGER ${name}`);
    for (const [table, ...columns] of [
      ['tasks', 'created_at', 'updated_at'],
      ['runs', 'started_at', 'ended_at'],
      ['attempts', 'started_at', 'ended_at'],
      ['events', 'at'],
      ['usage', 'at'],
    ])
      for (const column of columns)
        database.exec(`UPDATE ${table} SET ${column} = '2099' || substr(${column}, 5)`);
    for (const { sql } of triggers) database.exec(sql);
    database.close();
    const future = new Date('2099-01-01');
    for (const slot of project.slots()) {
      const lock = join(adminOf(slot), 'index.lock');
      writeFileSync(lock, '');
      const files = [slot, adminOf(slot)].flatMap((folder) =>
        readdirSync(folder).map((name) => join(folder, name)),
      );
      for (const file of files) utimesSync(file, future, future);
      const state = JSON.parse(readFileSync(`${slot}.json`, 'utf8')) as object;
      writeFileSync(`${slot}.json`, JSON.stringify({ ...state, usedAt: future.getTime() }));
    }
  }

  it('goes on although the store, the worktrees and their locks are from the future', async () => {
    const mayPass = await untilFailed();
    moveToFuture();
    mayPass();
    const run = await project.run();
    expect([run.code, run.outcomes('2')], run.told).toEqual([0, ['landed']]);
    expect(inCommit('main', ['1', '2'])).toEqual(['1', '2']);
    // A lock from the future does not get old: a worktree must not be given up for it.
    expect(project.slots()).toHaveLength(1);
  });

  it('settles a run that was killed in the future', async () => {
    await open({ jobs: { 1: { writes: writes('1') } } });
    const killed = await project.run({
      onEvent: (event, kill) => {
        if (event.type === 'attempt-phase' && event.phase === 'landing') kill();
      },
    });
    expect(killed.code).toBe(null);
    moveToFuture();
    const run = await project.run();
    expect([run.code, run.outcomes('1')], run.told).toEqual([0, ['landed']]);
    expect(inCommit('main', ['1'])).toEqual(['1']);
    expect(project.git('log', '--format=%s', '--grep', '^Orchestrator-Task: 1$', 'main')).toBe('Task 1');
  });
});

describe('while its user works on', () => {
  const jobs = { 1: { writes: { ...writes('1'), 'a.txt': 'one, by task 1\ntwo\nthree\n' }, isHeld: true } };
  /** What the user has, but for what is theirs to be changed by a delivery. */
  const stateOf = () => {
    const { files, index, stash } = readUserState(project.repository);
    return { files, index, stash };
  };

  it('commits beside what they have committed', async () => {
    await open({ jobs });
    const run = await project.run({
      held: {
        1: () => {
          project.write({ 'mine.txt': 'mine\n', 'a.txt': 'one\ntwo\nthree, by me\n' });
          project.git('add', '.');
          project.git('commit', '-qm', 'mine');
        },
      },
    });
    expect([run.code, run.delivery?.kind], run.told).toEqual([0, 'committed']);
    expect(project.git('show', 'main:a.txt')).toBe('one, by task 1\ntwo\nthree, by me');
    expect(project.git('status', '--porcelain')).toBe('');
  });

  it.each<[string, () => unknown]>([
    [
      'have committed the same lines',
      () => {
        project.write({ 'a.txt': 'one, by me\ntwo\nthree\n' });
        project.git('commit', '-qam', 'mine');
      },
    ],
    ['edit the same file', () => project.write({ 'a.txt': 'one\ntwo\nthree, by me\n' })],
    ['have a file of the same name', () => project.write({ '1.txt': 'mine\n' })],
    ['let another git hold the index', () => writeFileSync(join(project.repository, '.git/index.lock'), '')],
    ['are in the middle of a merge', () => writeMergeHead()],
  ])('leaves the results where they are, and everything as it is, where they %s', async (_what, act) => {
    await open({ jobs });
    let before: unknown;
    const run = await project.run({
      held: {
        1: () => {
          act();
          before = stateOf();
        },
      },
    });
    // The task is done; a script must not go on as if its results were there.
    expect([run.code, run.outcomes('1'), run.delivery?.kind], run.told).toEqual([6, ['landed'], 'left']);
    expect(run.delivery?.message).not.toBe('');
    expect(run.delivery?.commands).toHaveLength(1);
    expect(stateOf()).toEqual(before);
    expect(inCommit(INTEGRATION, ['1'])).toEqual(['1']);
  });

  const writeMergeHead = (): void => {
    project.git('switch', '-qc', 'side');
    project.git('commit', '-q', '--allow-empty', '-m', 'side');
    project.git('switch', '-q', 'main');
    project.git('merge', '-q', '--no-ff', '--no-commit', 'side');
  };

  it.each([true, false])(
    'delivers to their branch although they went to another one: commits %s',
    async (commits) => {
      await open({ jobs, config: { git: { auto_commit: commits } } });
      let before: unknown;
      const run = await project.run({
        held: {
          1: () => {
            project.git('switch', '-qc', 'elsewhere');
            project.write({ 'a.txt': 'edited\n' });
            before = readUserState(project.repository);
          },
        },
      });
      expect(run.code, run.told).toBe(commits ? 0 : 6);
      expect(readUserState(project.repository)).toEqual(before);
      if (commits) expect(inCommit('main', ['1']), run.told).toEqual(['1']);
      else
        expect(run.delivery?.commands, run.told).toEqual([`git switch main && git merge --squash ${BRANCH}`]);
    },
  );
});
