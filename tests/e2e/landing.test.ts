import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { Stamped } from '../../src/domain/event.ts';
import type { ScenarioInput } from '../../src/simulator/scenario.ts';
import { openAccount, type Account } from '../rig/account.ts';
import { reviewReply, reviewRule } from '../rig/reviews.ts';

type RuleInput = ScenarioInput['rules'][number];

/** Every file in `uses/` is a small test of `lib.js`; the other files must hold no marks of a conflict. */
const FILES: Readonly<Record<string, string>> = {
  'lib.js': 'export const greet = (name) => `Hello ${name}`;\n',
  'uses/old.js': "import { greet } from '../lib.js';\ngreet('old');\n",
  'one.txt': 'free\n',
  'two.txt': 'free\n',
  'check.js': `
    import { readdirSync, readFileSync } from 'node:fs';
    for (const file of readdirSync('uses')) await import('./uses/' + file);
    for (const file of ['one.txt', 'two.txt'])
      if (/[<>]{7}/.test(readFileSync(file, 'utf8'))) throw new Error('marks of a conflict');
  `,
  'package.json': '{"type":"module","private":true}\n',
};

interface Job {
  readonly needs?: readonly number[];
  /** What it writes in its first session; text by path. */
  readonly writes: Readonly<Record<string, string>>;
  /** Reports only once this task has landed, so that it must meet it at its own landing. */
  readonly after?: number;
  /** Reports only once this task is at work, so that that one begins without it. */
  readonly beside?: number;
  /** What it writes when it is told that its change does not fit what landed; without it, nothing. */
  readonly mends?: Readonly<Record<string, string>>;
}

const plain = (id: number, needs: readonly number[] = []): Job => ({
  needs,
  writes: { [`parts/${id}.txt`]: `part ${id}\n` },
});

const JOBS: Readonly<Record<number, Job>> = {
  // Two tasks on the same line: the later one resolves it.
  1: { beside: 2, writes: { 'one.txt': 'taken by 1\n' } },
  2: {
    after: 1,
    writes: { 'one.txt': 'taken by 2\n' },
    mends: { 'one.txt': 'taken by 1 and 2\n' },
  },
  // A rename, and a new use of the old name in another file: git merges them, and together they are broken.
  3: {
    beside: 4,
    writes: {
      'lib.js': 'export const hello = (name) => `Hello ${name}`;\n',
      'uses/old.js': "import { hello } from '../lib.js';\nhello('old');\n",
    },
  },
  4: {
    after: 3,
    writes: { 'uses/new.js': "import { greet } from '../lib.js';\ngreet('new');\n" },
    mends: { 'uses/new.js': "import { hello } from '../lib.js';\nhello('new');\n" },
  },
  5: plain(5),
  6: plain(6, [5]),
  7: plain(7, [5]),
  8: plain(8, [6, 7]),
  // A conflict that its worker never resolves, and a task that waits for it in vain.
  9: { after: 11, writes: { 'two.txt': 'taken by 9\n' } },
  10: plain(10, [9]),
  11: { beside: 9, writes: { 'two.txt': 'taken by 11\n' } },
  12: plain(12, [1, 2, 3, 4]),
};
const IDS = Object.keys(JOBS).map(Number);
const title = (id: number): string => `Job ${id} of twelve`;
const INTEGRATION = 'orchestrator/integration/main';

describe('landing', () => {
  let account: Account;

  afterEach(() => account.close());

  it('lands all that can land, and the integration branch is never red', async () => {
    account = await openAccount('api_key', {
      rules: [reviewRule(reviewReply()), ...IDS.toReversed().flatMap((id) => rulesFor(id, JOBS[id] as Job))],
    });
    const { simulator, home } = account;
    const config = {
      claude_cli: { permission_mode: 'bypassPermissions' },
      verify: { commands: ['node check.js'] },
      execution: { max_retries: 1 },
      monitoring: { enable_opus_review: true },
    };
    const { directory, git, tool } = account.project(0, config, FILES);
    for (const id of IDS) {
      const needs = JOBS[id]?.needs ?? [];
      const depends = needs.length === 0 ? [] : ['--depends-on', needs.join(',')];
      expect(await tool('add', '--raw', title(id), ...depends)).toMatchObject({ code: 0 });
    }

    const run = await tool('run', '--workers', '4', '--no-plan', '--json');
    const events = run.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Stamped);
    const ends = events.filter((event) => event.type === 'attempt-ended');
    const outcomes = (id: number): string[] =>
      ends.filter(({ taskId }) => taskId === String(id)).map(({ end }) => end.outcome);
    const told =
      run.stderr + ends.map(({ taskId, end }) => `${taskId} ${end.outcome}: ${end.message}`).join('\n');

    expect(outcomes(2), told).toEqual(['conflict', 'landed']);
    expect(outcomes(4), told).toEqual(['verify-failed', 'landed']);
    expect(outcomes(9), told).toEqual(['conflict', 'conflict']);
    expect(outcomes(10)).toEqual([]);
    for (const id of [1, 3, 5, 6, 7, 8, 11, 12]) expect(outcomes(id), told).toEqual(['landed']);
    expect(run.code).toBe(1);
    expect(simulator.unmatched).toEqual([]);

    // Each landed task is one commit, on main too, and every one of them is green.
    const landed = git('log', '--format=%(trailers:key=Orchestrator-Task,valueonly,separator=%x2C)', 'main')
      .split('\n')
      .filter((line) => line !== '');
    expect(landed.toSorted((a, b) => Number(a) - Number(b))).toEqual(
      IDS.filter((id) => id !== 9 && id !== 10).map(String),
    );
    expect(git('rev-parse', 'main')).toBe(git('rev-parse', INTEGRATION));
    for (const commit of git('rev-list', INTEGRATION).trim().split('\n')) {
      const copy = join(home, commit);
      git('worktree', 'add', '-q', '--detach', copy, commit);
      execFileSync(process.execPath, ['check.js'], { cwd: copy });
    }
    const text = (file: string): string => readFileSync(join(directory, file), 'utf8');
    expect([text('one.txt'), text('two.txt')]).toEqual(['taken by 1 and 2\n', 'taken by 11\n']);
    // What could not land is not lost.
    const left = git('for-each-ref', '--format=%(refname)', 'refs/orchestrator/').split('\n');
    const kept = left.filter((ref) => ref.split('/')[3] === '9').map((ref) => git('show', `${ref}:two.txt`));
    expect(kept.some((text) => text.includes('taken by 9'))).toBe(true);
  });
});

/** First what a worker does at first, then what it does when it is sent back; the newest message decides. */
function rulesFor(id: number, { writes, after, beside, mends }: Job): RuleInput[] {
  const name = `Task ${id}: ${title(id)}`;
  const back = (contains: string): RuleInput => ({
    name: `${name}, again`,
    when: { role: 'worker', contains: [name, contains] },
    turns: [
      ...(mends === undefined ? [] : [{ tools: [...Object.entries(mends)].flatMap(overwrite) }]),
      { json: report(`Mended part ${id}.`) },
    ],
  });
  return [
    back('conflict'),
    back('does not pass'),
    {
      name,
      when: { role: 'worker', contains: name },
      turns: [
        { tools: [bash(`touch ${signOf(id)}`), ...[...Object.entries(writes)].flatMap(overwrite)] },
        ...(beside === undefined ? [] : [{ tools: [waitUntil(`test -e ${signOf(beside)}`)] }]),
        ...(after === undefined ? [] : [{ tools: [waitUntil(hasLanded(after))] }]),
        { json: report(`Did part ${id}.`) },
      ],
    },
  ];
}

function overwrite([path, content]: [string, string]): { name: string; input: Record<string, unknown> }[] {
  const quoted = `'${content.replaceAll("'", String.raw`'\''`)}'`;
  return [bash(`mkdir -p ${dirname(path)} && printf %s ${quoted} > ${path}`)];
}

/** A file that says to the others that a task is at work. */
const signOf = (id: number): string => `"$(git rev-parse --git-common-dir)/at-work-${id}"`;

const hasLanded = (id: number): string => `git log ${INTEGRATION} | grep -q 'Orchestrator-Task: ${id}$'`;

function waitUntil(condition: string): { name: string; input: Record<string, unknown> } {
  return bash(`until ${condition}; do sleep 0.2; done`, { timeout: 240_000 });
}

function bash(
  command: string,
  more: Record<string, unknown> = {},
): { name: string; input: Record<string, unknown> } {
  return { name: 'Bash', input: { command, ...more } };
}

function report(summary: string): object {
  return { status: 'completed', summary, handover: '', followUps: [] };
}
