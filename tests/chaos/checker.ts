import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, lstatSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type BetterSqlite3 from 'better-sqlite3';

// Shares no code with the tool: its own SQL, plain git, and the process table as /proc shows it.

/** Where a project under test is, and what is known of it without asking the tool. */
export interface Evidence {
  /** The user's checkout. */
  readonly repository: string;
  /** The tool's worktrees are somewhere below. */
  readonly cache: string;
  readonly database: string;
  /** Lines of `write-log.js`. */
  readonly writeLog: string;
  /** The folder of the sessions of the stand-in. */
  readonly sessions: string;
  readonly integration: string;
  /** The schema that a new store has. */
  readonly userVersion: number;
  /** As {@link readUserState} found it before the first run. */
  readonly before: UserState;
  /** In the environment of all that the tool and its workers start, and of nothing else. */
  readonly mark: string;
}

/** Everything of the user's that a run must not touch, but for what it delivers. */
export interface UserState {
  readonly head: string;
  /** Hash of each file on disk that is not ignored; `-` marks a tracked one that is missing. */
  readonly files: Readonly<Record<string, string>>;
  /** The index entry of each file. */
  readonly index: Readonly<Record<string, string>>;
  readonly stash: string;
}

/** What was charged for, by the word of the simulated API: tokens in and out, of all requests of workers. */
export interface Charged {
  readonly tokens: number;
  /** The most that one request has cost. */
  readonly largest: number;
}

/** What has to hold at every moment, whoever was killed just now; a sentence for each thing that does not. */
export function checkAlways(evidence: Evidence): string[] {
  return withDatabase(evidence, (db) => [
    ...checkStore(db, evidence),
    ...checkDoneHasLanded(db, evidence),
    ...checkWritten(evidence),
    ...checkUser(evidence, { delivered: true }),
  ]);
}

/** What has to hold in addition when a run has come to its end with every task done. */
export function checkEnd(evidence: Evidence, charged: Charged, options: { commits: boolean }): string[] {
  return withDatabase(evidence, (db) => [
    ...checkLandedIsDone(db, evidence),
    ...checkMoney(db, evidence, charged),
    ...checkSessions(db, evidence),
    ...checkDelivered(evidence, options),
    ...checkGone(evidence),
  ]);
}

// I7

function withDatabase(evidence: Evidence, check: (db: BetterSqlite3.Database) => string[]): string[] {
  const copy = mkdtempSync(join(tmpdir(), 'chaos-store-'));
  try {
    // A copy, so that it is the tool that has to recover the real one.
    for (const suffix of ['', '-wal'])
      if (existsSync(evidence.database + suffix))
        cpSync(evidence.database + suffix, join(copy, `tasks.db${suffix}`));
    const Database = createRequire(import.meta.url)('better-sqlite3') as typeof BetterSqlite3;
    const db = new Database(join(copy, 'tasks.db'), { fileMustExist: true });
    try {
      return check(db);
    } finally {
      db.close();
    }
  } catch (error) {
    return [`I7: the store cannot be read: ${String(error)}`];
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

function checkStore(db: BetterSqlite3.Database, { userVersion }: Evidence): string[] {
  const problems = (db.pragma('integrity_check') as { integrity_check: string }[])
    .map((row) => row.integrity_check)
    .filter((line) => line !== 'ok');
  const orphans = (db.pragma('foreign_key_check') as { table: string }[]).map(
    ({ table }) => `a row of ${table} refers to nothing`,
  );
  const version = db.pragma('user_version', { simple: true }) as number;
  return [
    ...[...problems, ...orphans].map((problem) => `I7: ${problem}`),
    ...(version === userVersion ? [] : [`I7: the schema is ${version} instead of ${userVersion}`]),
  ];
}

// I1

/** What the integration branch holds: attempt, task and commit of each landing. */
function landings({
  repository,
  integration,
}: Evidence): { attempt: string; task: string; commit: string }[] {
  if (!gitSays(repository, 'rev-parse', '--verify', '--quiet', integration)) return [];
  const trailer = (key: string): string => `%(trailers:key=${key},valueonly,separator=%x2C)`;
  const format = `%H%x09${trailer('Orchestrator-Attempt')}%x09${trailer('Orchestrator-Task')}`;
  return git(repository, 'log', `--format=${format}`, integration)
    .split('\n')
    .map((line) => line.split('\t'))
    .filter(([, attempt]) => attempt !== undefined && attempt !== '')
    .map(([commit = '', attempt = '', task = '']) => ({ attempt, task, commit }));
}

interface DoneTask {
  readonly task: string;
  /** The attempts that landed, by the store. */
  readonly attempts: readonly string[];
}

function doneTasks(db: BetterSqlite3.Database): DoneTask[] {
  const tasks = db.prepare("SELECT number, sub FROM tasks WHERE status = 'done'").all() as {
    number: number;
    sub: number;
  }[];
  const landed = db.prepare(
    "SELECT id FROM attempts WHERE number = ? AND sub = ? AND outcome = 'landed' ORDER BY id",
  );
  return tasks.map(({ number, sub }) => ({
    task: sub === 0 ? String(number) : `${number}.${sub}`,
    attempts: (landed.all(number, sub) as { id: number }[]).map(({ id }) => String(id)),
  }));
}

function checkDoneHasLanded(db: BetterSqlite3.Database, evidence: Evidence): string[] {
  const done = doneTasks(db);
  const all = landings(evidence);
  return [
    ...done.flatMap(({ task, attempts }) =>
      attempts.length === 1
        ? []
        : [`I1: task ${task} is done, and ${attempts.length} of its attempts have landed by the store`],
    ),
    ...done.flatMap(({ task, attempts }) =>
      attempts
        .filter((id) => !all.some((landing) => landing.attempt === id && landing.task === task))
        .map((id) => `I1: task ${task} is done, but its attempt ${id} is not on the integration branch`),
    ),
    ...repeated(all.map(({ attempt }) => attempt)).map((id) => `I1: attempt ${id} has landed more than once`),
    ...repeated(all.map(({ task }) => task)).map((id) => `I1: task ${id} has landed more than once`),
  ];
}

function checkLandedIsDone(db: BetterSqlite3.Database, evidence: Evidence): string[] {
  const done = new Set(doneTasks(db).flatMap(({ attempts }) => attempts));
  return landings(evidence)
    .filter(({ attempt }) => !done.has(attempt))
    .map(({ attempt, task }) => `I1: attempt ${attempt} of task ${task} has landed, but is not done`);
}

// I2

interface Written {
  readonly session: string;
  readonly directory: string;
  readonly path: string;
  readonly blob: string;
}

function checkWritten(evidence: Evidence): string[] {
  // Workers may go on writing while this looks: what is missing is looked up once more before it counts.
  for (let look = 0; ; look++) {
    const lost = lostWrites(evidence);
    if (lost.length === 0 || look === 2) return lost;
  }
}

function lostWrites(evidence: Evidence): string[] {
  const newest = new Map<string, Written>();
  for (const line of logged(evidence)) {
    if (line['type'] !== 'write') continue;
    const written = line as unknown as Written;
    // A worker may write over what it wrote itself; nobody else may.
    newest.set(`${written.session} ${written.directory} ${written.path}`, written);
  }
  const absent = [...newest.values()].filter(
    ({ directory, path, blob }) => blobOf(join(directory, path)) !== blob,
  );
  if (absent.length === 0) return [];
  // The disk first: whatever is taken from there was put into a ref before.
  const reachable = new Set(
    git(evidence.repository, 'rev-list', '--objects', '--all').match(/^[0-9a-f]{40}/gm),
  );
  return absent
    .filter(({ blob }) => !reachable.has(blob))
    .map(
      ({ directory, path, blob }) => `I2: ${path}, written in ${directory} as ${blob}, is nowhere any more`,
    );
}

function logged({ writeLog }: Evidence): Readonly<Record<string, unknown>>[] {
  if (!existsSync(writeLog)) return [];
  const text = readFileSync(writeLog, 'utf8');
  // A worker that was killed as it wrote leaves half a line.
  return text.split('\n').flatMap((line) => {
    try {
      return line === '' ? [] : [JSON.parse(line) as Record<string, unknown>];
    } catch {
      return [];
    }
  });
}

// I3

function checkMoney(db: BetterSqlite3.Database, evidence: Evidence, charged: Charged): string[] {
  const { booked } = db
    .prepare(
      `SELECT coalesce(sum(input + output + cache_read + cache_write), 0) AS booked FROM usage WHERE role = 'worker'`,
    )
    .get() as { booked: number };
  // A process that was killed may have had one answer on its way that it could not tell of any more.
  const lines = logged(evidence);
  const begun = lines.filter((line) => line['type'] === 'begin').length;
  const ended = lines.filter((line) => line['type'] === 'end' && line['code'] === 0).length;
  const slack = (begun - ended) * charged.largest;
  return [
    ...(booked > charged.tokens
      ? [`I3: ${booked} tokens are booked, and only ${charged.tokens} were charged: some are counted twice`]
      : []),
    ...(booked < charged.tokens - slack
      ? [`I3: ${charged.tokens} tokens were charged, and only ${booked} are booked (${slack} may be missing)`]
      : []),
  ];
}

/** Work that was begun goes on in its session: no task is begun twice. */
function checkSessions(db: BetterSqlite3.Database, { sessions }: Evidence): string[] {
  if (!existsSync(sessions)) return [];
  const taskOf = db.prepare(
    "SELECT DISTINCT number || '.' || sub AS task FROM attempts WHERE session_id = ?",
  );
  const begun = readdirSync(sessions)
    .filter((file) => readFileSync(join(sessions, file), 'utf8').includes('"role":"assistant"'))
    .map((file) => ({ file, tasks: taskOf.all(basename(file, '.jsonl')) as { task: string }[] }));
  return [
    ...repeated(begun.flatMap(({ tasks }) => tasks.map(({ task }) => task))).map(
      (task) => `I3: task ${task.replace(/\.0$/, '')} was begun in more than one session`,
    ),
    ...begun
      .filter(({ tasks }) => tasks.length !== 1)
      .map(({ file, tasks }) => `I3: ${file} is the session of ${tasks.length} tasks`),
  ];
}

// I4

function checkGone({ mark }: Evidence): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      const [environment, command, stat] = ['environ', 'cmdline', 'stat'].map((file) =>
        read(`/proc/${pid}/${file}`),
      );
      const isZombie = /\) [ZX] /.test(stat ?? '');
      return environment?.includes(mark) === true && !isZombie
        ? [`I4: process ${pid} lives on: ${command?.replaceAll('\0', ' ').trim() ?? ''}`]
        : [];
    });
}

function read(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}

// I6

/** Reads what belongs to the user. */
export function readUserState(repository: string): UserState {
  const index = Object.fromEntries(
    list(repository, 'ls-files', '-s', '-z').map((line) => {
      const [entry = '', path = ''] = line.split('\t');
      return [path, entry];
    }),
  );
  const onDisk = list(repository, 'ls-files', '-z', '--cached', '--others', '--exclude-standard');
  return {
    head: git(repository, 'rev-parse', 'HEAD'),
    files: Object.fromEntries(onDisk.map((path) => [path, blobOf(join(repository, path)) ?? '-'])),
    index,
    stash: git(repository, 'stash', 'list', '--format=%H %gs'),
  };
}

/** The user's files are as they were, except for those in which the integration branch differs from where they stood. */
function checkUser(evidence: Evidence, options: { delivered: boolean }): string[] {
  const { repository, before } = evidence;
  const now = readUserState(repository);
  const ours = new Set(options.delivered ? deliverable(evidence) : []);
  return [
    ...differences(before.files, now.files)
      .filter((path) => !ours.has(path))
      .map((path) => `I6: the user's file ${path} has changed`),
    ...differences(before.index, now.index)
      .filter((path) => !ours.has(path))
      .map((path) => `I6: the index entry of ${path} has changed`),
    ...(now.stash === before.stash ? [] : ['I6: the stash has changed']),
    ...(isAncestor(repository, before.head, now.head) ? [] : ['I6: HEAD has lost a commit of the user']),
    ...list(repository, 'diff', '--name-only', '-z', before.head, now.head)
      .filter((path) => !ours.has(path))
      .map((path) => `I6: a commit on the user's branch changes ${path}`),
  ];
}

/** The files that a delivery may change. */
function deliverable({ repository, integration, before }: Evidence): string[] {
  if (!gitSays(repository, 'rev-parse', '--verify', '--quiet', integration)) return [];
  return list(repository, 'diff', '--name-only', '-z', before.head, integration);
}

/** At the end the user has everything that landed. */
function checkDelivered(evidence: Evidence, { commits }: { commits: boolean }): string[] {
  const { repository, integration, before } = evidence;
  const paths = deliverable(evidence);
  const now = readUserState(repository);
  const wanted = Object.fromEntries(
    list(repository, 'ls-tree', '-r', '-z', integration, '--', ...paths).map((line) => {
      const [, , blob = '', path = ''] = line.split(/[ \t]/);
      return [path, blob];
    }),
  );
  const missing = paths.filter((path) => now.files[path] !== wanted[path]);
  const unstaged = paths.filter((path) => now.index[path]?.split(' ')[1] !== wanted[path]);
  const isCommitted = isAncestor(repository, integration, now.head);
  return [
    ...(paths.length === 0 ? ['I6: nothing has landed that could be delivered'] : []),
    ...missing.map((path) => `I6: ${path} was not delivered to the user's checkout`),
    ...unstaged.map((path) => `I6: ${path} was not delivered to the user's index`),
    ...(commits && !isCommitted ? ["I6: what landed is not on the user's branch"] : []),
    ...(!commits && now.head !== before.head
      ? ['I6: the branch was moved although nothing was to be committed']
      : []),
  ];
}

function differences(a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): string[] {
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].filter((key) => a[key] !== b[key]);
}

function repeated(values: readonly string[]): string[] {
  return [...new Set(values.filter((value, index) => values.indexOf(value) !== index))];
}

/** The name that git gives to a file's content; undefined where there is no such file. */
function blobOf(file: string): string | undefined {
  try {
    if (!lstatSync(file).isFile()) return undefined;
    const bytes = readFileSync(file);
    return createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex');
  } catch {
    return undefined;
  }
}

function git(repository: string, ...args: string[]): string {
  const environment = {
    PATH: process.env['PATH'],
    HOME: '/nonexistent',
    GIT_OPTIONAL_LOCKS: '0',
    LC_ALL: 'C',
  };
  return execFileSync('git', args, {
    cwd: repository,
    env: environment,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    // What git says of an error is in the message of what is thrown.
    stdio: ['ignore', 'pipe', 'pipe'],
  }).replace(/\n$/, '');
}

function gitSays(repository: string, ...args: string[]): boolean {
  try {
    git(repository, ...args);
    return true;
  } catch {
    return false;
  }
}

function isAncestor(repository: string, ancestor: string, descendant: string): boolean {
  return gitSays(repository, 'merge-base', '--is-ancestor', ancestor, descendant);
}

function list(repository: string, ...args: string[]): string[] {
  return git(repository, ...args)
    .split('\0')
    .filter((item) => item !== '');
}
