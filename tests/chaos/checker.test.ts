import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  appendFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import BetterSqlite3 from 'better-sqlite3';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openStore } from '../../src/store/sqlite-store.ts';
import { attemptEnd } from '../rig/attempt-end.ts';
import { draft } from '../rig/task-project.ts';
import { checkAlways, checkEnd, readUserState, type Charged, type Evidence } from './checker.ts';

/** A repository in which a run has done two tasks and delivered them, made by hand, with every trace that it leaves. */
interface World {
  readonly evidence: Evidence;
  readonly root: string;
  readonly git: (...args: string[]) => string;
  readonly write: (path: string, text: string) => void;
  readonly sql: (statement: string) => void;
  /** Puts a commit on the integration branch, as a landing of this attempt. */
  readonly land: (task: string, attempt: string, path: string, text: string) => void;
  /** Tells of a file as a worker that wrote it. */
  readonly tell: (session: string, directory: string, path: string, text: string) => void;
}

const CHARGED: Charged = { tokens: 330, largest: 110 };
const children: ChildProcess[] = [];

function makeWorld(): World {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'checker-')));
  const [repository, cache] = [join(root, 'repository'), join(root, 'cache')];
  for (const folder of [repository, cache, join(root, 'sessions')]) mkdirSync(folder);
  const environment = {
    PATH: process.env['PATH'],
    HOME: '/nonexistent',
    GIT_CONFIG_NOSYSTEM: '1',
    ...Object.fromEntries(
      ['AUTHOR', 'COMMITTER'].flatMap((who) => [
        [`GIT_${who}_NAME`, 'Ada'],
        [`GIT_${who}_EMAIL`, 'ada@example.com'],
      ]),
    ),
  };
  const git = (...args: string[]): string =>
    execFileSync('git', args, {
      cwd: repository,
      env: environment,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    }).trim();
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(join(repository, path)), { recursive: true });
    writeFileSync(join(repository, path), text);
  };
  git('init', '--quiet', '-b', 'main');
  write('.gitignore', '.taskmaster/\n');
  write('mine.md', 'mine\n');
  write('old.md', 'old\n');
  git('add', '.');
  git('commit', '--quiet', '-m', 'Begin');
  write('old.md', 'stashed\n');
  git('stash', '--quiet');
  write('mine.md', 'mine, edited\n');
  write('new.md', 'not tracked\n');
  write('added.md', 'added\n');
  git('add', 'added.md');
  const before = readUserState(repository);
  const database = join(repository, '.taskmaster', 'tasks.db');
  const sql = (statement: string): void => {
    const db = new BetterSqlite3(database);
    db.exec(statement);
    db.close();
  };
  const integration = 'refs/orchestrator/integration/main';
  const land: World['land'] = (task, attempt, path, text) => {
    const tree = join(root, 'landing');
    git('worktree', 'add', '--quiet', '--detach', tree, gitHas(git, integration) ? integration : 'HEAD');
    mkdirSync(dirname(join(tree, path)), { recursive: true });
    writeFileSync(join(tree, path), text);
    git('-C', tree, 'add', '.');
    const message = `Task ${task}\n\nOrchestrator-Task: ${task}\nOrchestrator-Attempt: ${attempt}\n`;
    git('-C', tree, 'commit', '--quiet', '--allow-empty', '-m', message);
    git('update-ref', integration, git('-C', tree, 'rev-parse', 'HEAD'));
    git('worktree', 'remove', '--force', tree);
  };
  const tell: World['tell'] = (session, directory, path, text) => {
    const blob = createHash('sha1')
      .update(`blob ${Buffer.byteLength(text)}\0${text}`)
      .digest('hex');
    const line = { type: 'write', session, pid: 1, directory, path, blob };
    appendFileSync(join(root, 'writes.ndjson'), `${JSON.stringify(line)}\n`);
  };
  const evidence: Evidence = {
    repository,
    cache,
    database,
    writeLog: join(root, 'writes.ndjson'),
    sessions: join(root, 'sessions'),
    integration,
    userVersion: makeStore(database),
    before,
    mark: root,
  };
  const world = { evidence, root, git, write, sql, land, tell };

  for (const id of ['1', '2']) {
    const [path, text] = [`parts/${id}.txt`, `part ${id}\n`];
    land(id, id, path, text);
    tell(`session-${id}`, join(cache, 'w1'), path, text);
    for (const type of ['begin', 'end'])
      appendFileSync(evidence.writeLog, `${JSON.stringify({ type, session: `session-${id}`, code: 0 })}\n`);
    writeFileSync(join(evidence.sessions, `session-${id}.jsonl`), '{"role":"assistant"}\n');
  }
  // What is not landed yet is still in the worktree it was written in.
  mkdirSync(join(cache, 'w2'));
  writeFileSync(join(cache, 'w2', 'draft.txt'), 'a draft\n');
  tell('session-2', join(cache, 'w2'), 'draft.txt', 'a draft\n');
  git('restore', '--source', integration, '--staged', '--worktree', 'parts');
  return world;
}

/** Two tasks, each done by one attempt that cost 165 tokens; returns the version of the schema. */
function makeStore(file: string): number {
  mkdirSync(dirname(file));
  const store = openStore({ file, tag: 'master', create: true });
  store.addTasks([draft('1'), draft('2')], { source: 'test' });
  const self = { pid: 1, startTime: 'then' };
  store.startRun({ id: 'run', process: self, workers: 1, billing: '', tasks: 2 }, () => false);
  for (const taskId of ['1', '2']) {
    const claim = { runId: 'run', taskId, sessionId: `session-${taskId}`, resumed: false, model: 'sonnet' };
    const claimed = store.claim({ ...claim, directory: '/', filesRoot: '/', why: '' });
    const usage = [{ model: 'sonnet', input: 100, output: 50, cacheRead: 15, cacheWrite: 0, costUsd: 0.01 }];
    store.endAttempt(claimed?.attempt.id ?? 0, attemptEnd('landed', { usage }), 'done', '');
  }
  store.endRun('run', 'completed', '');
  store.close();
  const db = new BetterSqlite3(file);
  const version = db.pragma('user_version', { simple: true }) as number;
  db.close();
  return version;
}

function gitHas(git: World['git'], ref: string): boolean {
  return git('for-each-ref', '--format=x', ref) !== '';
}

const always = (world: World): string[] => checkAlways(world.evidence);
const atEnd = (world: World, charged = CHARGED, commits = false): string[] => [
  ...checkAlways(world.evidence),
  ...checkEnd(world.evidence, charged, { commits }),
];

describe('the checker of the chaos tests', () => {
  let world: World;
  beforeAll(() => {
    world = makeWorld();
    cpSync(world.root, `${world.root}-as-made`, { recursive: true, preserveTimestamps: true });
  });
  afterAll(() => {
    for (const folder of [world.root, `${world.root}-as-made`])
      rmSync(folder, { recursive: true, force: true });
  });
  beforeEach(() => {
    rmSync(world.root, { recursive: true });
    cpSync(`${world.root}-as-made`, world.root, { recursive: true, preserveTimestamps: true });
  });
  afterEach(async () => {
    for (const child of children.splice(0)) {
      const gone = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGKILL');
      await gone;
    }
  });
  const only = (violations: readonly string[], ...expected: RegExp[]): void => {
    expect(violations).toEqual(expected.map((text) => expect.stringMatching(text) as string));
  };

  it('finds nothing wrong where nothing is', () => {
    expect(atEnd(world)).toEqual([]);
  });

  it('finds nothing wrong with results that were committed either', () => {
    world.git('update-ref', 'refs/heads/main', world.evidence.integration);
    expect(atEnd(world, CHARGED, true)).toEqual([]);
    only(atEnd(world), /^I6: the branch was moved/);
  });

  describe('I1', () => {
    it('catches a done task whose commit is not on the integration branch', () => {
      const { integration } = world.evidence;
      world.git('update-ref', 'refs/kept', integration);
      world.git('update-ref', integration, `${integration}~1`);
      expect(always(world)).toContainEqual(
        'I1: task 2 is done, but its attempt 2 is not on the integration branch',
      );
    });

    it('catches a done task when there is no integration branch at all', () => {
      world.git('update-ref', 'refs/kept', world.evidence.integration);
      world.git('update-ref', '-d', world.evidence.integration);
      const found = always(world);
      expect(found).toContainEqual(expect.stringMatching(/^I1: task 1 is done, but/));
      expect(found).toContainEqual(expect.stringMatching(/^I1: task 2 is done, but/));
    });

    it('catches a done task of which no attempt has landed', () => {
      world.sql("UPDATE attempts SET outcome = 'crashed' WHERE id = 2");
      only(
        atEnd(world),
        /^I1: task 2 is done, and 0 of its attempts/,
        /^I1: attempt 2 of task 2 has landed, but/,
      );
    });

    it('catches an attempt that landed twice', () => {
      world.land('2', '2', 'parts/2.txt', 'part 2\n');
      only(
        always(world),
        /^I1: attempt 2 has landed more than once/,
        /^I1: task 2 has landed more than once/,
      );
    });

    it('catches a task that landed by two attempts', () => {
      world.land('2', '3', 'parts/2.txt', 'part 2\n');
      only(atEnd(world), /^I1: task 2 has landed more than once/, /^I1: attempt 3 of task 2 has landed, but/);
    });

    it('catches a landing of a task that is not done', () => {
      world.sql("UPDATE tasks SET status = 'failed' WHERE number = 2");
      only(atEnd(world), /^I1: attempt 2 of task 2 has landed, but is not done/);
    });

    it('catches an attempt that landed as another task', () => {
      world.sql('UPDATE attempts SET number = 2, ordinal = 9 WHERE id = 1');
      expect(always(world)).toContainEqual(expect.stringMatching(/^I1: task 2 is done, but its attempt 1/));
    });
  });

  describe('I2', () => {
    it('catches a file that is neither in a ref nor where it was written', () => {
      rmSync(join(world.evidence.cache, 'w2', 'draft.txt'));
      only(always(world), /^I2: draft\.txt, written in .*w2 as [0-9a-f]{40}, is nowhere/);
    });

    it('catches a file that somebody else wrote over', () => {
      const directory = join(world.evidence.cache, 'w2');
      writeFileSync(join(directory, 'draft.txt'), 'another\n');
      world.tell('session-1', directory, 'draft.txt', 'another\n');
      only(always(world), /^I2: draft\.txt/);
    });

    it('lets a worker write over what it wrote itself', () => {
      const directory = join(world.evidence.cache, 'w2');
      writeFileSync(join(directory, 'draft.txt'), 'better\n');
      world.tell('session-2', directory, 'draft.txt', 'better\n');
      only(always(world));
    });

    it('takes a commit that no ref leads to for lost, and one that a ref leads to for kept', () => {
      const draft = join(world.evidence.cache, 'w2', 'draft.txt');
      const blob = world.git('hash-object', '-w', draft);
      rmSync(draft);
      only(always(world), /^I2: draft\.txt/);
      world.git('update-ref', 'refs/orchestrator/run/2/1', blob);
      only(always(world));
    });
  });

  describe('I3', () => {
    it('catches money that was spent and is not booked', () => {
      only(atEnd(world, { tokens: 331, largest: 110 }), /^I3: 331 tokens were charged, and only 330/);
    });

    it('catches money that is booked twice', () => {
      world.sql(`INSERT INTO usage (at, role, run_id, attempt_id, model, input, output, cache_read, cache_write, cost_usd)
        SELECT at, role, run_id, attempt_id, model, input, output, cache_read, cache_write, cost_usd FROM usage WHERE id = 1`);
      only(atEnd(world), /^I3: 495 tokens are booked, and only 330 were charged/);
    });

    it('forgives one answer of each worker that was killed, and no more', () => {
      appendFileSync(world.evidence.writeLog, '{"type":"begin","session":"session-2"}\n');
      only(atEnd(world, { tokens: 440, largest: 110 }));
      only(atEnd(world, { tokens: 441, largest: 110 }), /^I3: 441 tokens were charged, and only 330/);
    });

    const anotherSession = (text: string): void =>
      writeFileSync(join(world.evidence.sessions, 'session-3.jsonl'), text);

    it('catches a task that was begun again in another session', () => {
      anotherSession('{"role":"assistant"}\n');
      world.sql(`CREATE TEMP TABLE another AS SELECT * FROM attempts WHERE id = 2;
        UPDATE another SET id = 3, ordinal = ordinal + 1, session_id = 'session-3', outcome = 'crashed';
        INSERT INTO attempts SELECT * FROM another`);
      only(atEnd(world), /^I3: task 2 was begun in more than one session/);
    });

    it('catches a session that the store knows nothing of', () => {
      anotherSession('{"role":"assistant"}\n');
      only(atEnd(world), /^I3: session-3\.jsonl is the session of 0 tasks/);
    });

    it('does not mind a session in which nothing was answered', () => {
      anotherSession('{"role":"user"}\n');
      only(atEnd(world));
    });
  });

  describe('I4', () => {
    const start = (environment: NodeJS.ProcessEnv): void => {
      const child = spawn('sleep', ['600'], {
        env: { PATH: process.env['PATH'], ...environment },
        stdio: 'ignore',
      });
      children.push(child);
    };

    it('catches a process that was left behind', async () => {
      start({ HOME: world.root });
      await expect.poll(() => atEnd(world), { timeout: 30_000 }).not.toEqual([]);
      only(atEnd(world), /^I4: process \d+ lives on: sleep 600/);
    });

    it("leaves other people's processes alone", () => {
      start({ CLAUDE_ORCHESTRATOR_ATTEMPT: 'ffffffffffffffff/1' });
      only(atEnd(world));
    });
  });

  describe('I6', () => {
    it.for<[what: string, plant: (world: World) => void, found: RegExp]>([
      ['an edit that was undone', ({ write }) => write('mine.md', 'mine\n'), /^I6: the user's file mine\.md/],
      [
        'an untracked file that is gone',
        ({ evidence }) => rmSync(join(evidence.repository, 'new.md')),
        /file new\.md/,
      ],
      ['a file that was put there', ({ write }) => write('junk.md', ''), /^I6: the user's file junk\.md/],
      [
        'an entry that was staged',
        ({ git }) => void git('add', 'mine.md'),
        /^I6: the index entry of mine\.md/,
      ],
      [
        'an entry that is not staged any more',
        ({ git }) => void git('rm', '--cached', '-q', 'added.md'),
        /^I6: the index entry of added\.md/,
      ],
      ['a stash that is gone', ({ git }) => void git('stash', 'drop', '-q'), /^I6: the stash has changed/],
      [
        'a commit of theirs that is gone',
        ({ git }) => void git('update-ref', 'refs/heads/main', git('commit-tree', '-m', 'x', 'HEAD^{tree}')),
        /^I6: HEAD has lost a commit/,
      ],
    ])('catches %s', ([, plant, found]) => {
      plant(world);
      only(always(world), found);
    });

    it('catches a commit that changes what was not delivered', () => {
      world.git('commit', '--quiet', '-m', 'Theirs', '--only', 'mine.md');
      const found = always(world);
      expect(found).toContainEqual("I6: a commit on the user's branch changes mine.md");
      expect(found).toContainEqual('I6: the index entry of mine.md has changed');
    });

    it('catches a delivery that did not happen, or only by half', () => {
      rmSync(join(world.evidence.repository, 'parts/1.txt'));
      only(atEnd(world), /^I6: parts\/1\.txt was not delivered to the user's checkout/);
      world.git('rm', '--cached', '-q', 'parts/1.txt');
      only(atEnd(world), /^I6: parts\/1\.txt .* checkout/, /^I6: parts\/1\.txt .* index/);
    });

    it('catches results that were to be committed and are not', () => {
      only(atEnd(world, CHARGED, true), /^I6: what landed is not on the user's branch/);
    });
  });

  describe('I7', () => {
    it('catches a store that is damaged', () => {
      const { database } = world.evidence;
      world.sql('PRAGMA wal_checkpoint(TRUNCATE); PRAGMA journal_mode = DELETE');
      truncateSync(database, 8192);
      expect(always(world)).toContainEqual(expect.stringMatching(/^I7: /));
      writeFileSync(database, 'this is no database, and it is long enough to be seen as none'.repeat(20));
      only(always(world), /^I7: the store cannot be read: .*not a database/);
      rmSync(database);
      only(always(world), /^I7: the store cannot be read/);
    });

    it('catches a migration that is half done', () => {
      world.sql('PRAGMA user_version = 1');
      only(always(world), /^I7: the schema is 1 instead of/);
    });

    it('catches a row that refers to nothing', () => {
      world.sql('PRAGMA foreign_keys = OFF; UPDATE usage SET attempt_id = 99 WHERE id = 1');
      only(always(world), /^I7: a row of usage refers to nothing/);
    });
  });
});
