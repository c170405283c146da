import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { err, ok } from '../../../../src/domain/result.ts';
import { Gates, type GateResult } from '../../../../src/worker/gates/gates.ts';
import type { CommandFailure, CommandResult } from '../../../../src/worker/gates/run-command.ts';
import type { Workspace } from '../../../../src/workspace/workspace.ts';
import { cases } from '../../../rig/effort.ts';

const PASSED: CommandResult = { kind: 'passed' };
const failure = (overrides: Partial<CommandFailure> = {}): CommandFailure => ({
  kind: 'failed',
  sort: 'failed',
  how: 'exit code 1',
  output: 'some lines\nthe last line',
  ...overrides,
});
const FAILED = failure();
const TIME_OUT = failure({ sort: 'time-out', how: 'no end after 1 s' });
const NOT_FOUND = failure({ sort: 'not-found', how: 'exit code 127' });

const workspace = (directory: string): Workspace => ({
  directory,
  environment: {},
  branch: 'b',
  base: null,
  inherited: '',
});

/** Commands whose answer depends on the directory they run in. Each of several answers is given once, the last one always. */
class Project {
  readonly runs: string[] = [];
  readonly warnings: string[] = [];
  readonly verdicts = new Map<string, string>();
  readonly answers = new Map<string, CommandResult[]>();
  /** Called before each run. */
  onRun: (run: string) => void | Promise<void> = () => undefined;
  visitable = true;

  says(directory: string, command: string, ...answers: CommandResult[]): this {
    this.answers.set(`${directory}: ${command}`, answers);
    return this;
  }

  gates(...commands: string[]): Gates {
    return new Gates({
      commands,
      run: async (command, { directory }, signal) => {
        const run = `${directory}: ${command}`;
        this.runs.push(run);
        await this.onRun(run);
        if (signal.aborted) return { kind: 'aborted' };
        const answers = this.answers.get(run) ?? [];
        return (answers.length > 1 ? answers.shift() : answers[0]) ?? PASSED;
      },
      verdicts: {
        get: (tree, command) => this.verdicts.get(`${tree} ${command}`),
        put: (tree, command, verdict) => this.verdicts.set(`${tree} ${command}`, verdict),
      },
      withCheckout: async (commit, job) =>
        this.visitable ? ok(await job(workspace(commit))) : err('The disk is full.'),
      reset: ({ directory }) => {
        this.runs.push(`${directory}: reset`);
        return Promise.resolve();
      },
      warn: (message) => this.warnings.push(message),
    });
  }
}

function check(
  gates: Gates,
  tree: string | null,
  {
    base = 'base',
    signal = new AbortController().signal,
  }: { base?: string | null; signal?: AbortSignal } = {},
): Promise<GateResult> {
  const marker = { variable: 'MARK', value: 'p/1' };
  const stands = base === null ? null : { commit: base, tree: base };
  return gates.check({ tree, workspace: workspace(tree ?? 'shared'), base: stands, marker }, signal);
}

const verdicts = (result: GateResult): string =>
  'gates' in result
    ? result.gates.map(({ command, verdict }) => `${command} ${verdict}`).join(', ')
    : result.kind;

let project: Project;
beforeEach(() => {
  project = new Project();
});

describe('a change', () => {
  test('that passes costs one run of each command, in their order, and no look at the base', async () => {
    expect(verdicts(await check(project.gates('lint', 'test'), 't1'))).toBe('lint passed, test passed');
    expect(project.runs).toEqual(['t1: lint', 't1: test']);
  });

  test('whose failure is new and stays is stopped there', async () => {
    project.says('t1', 'test', FAILED);
    const result = await check(project.gates('lint', 'test', 'e2e'), 't1');
    const { how, output } = FAILED;
    expect(result).toMatchObject({ kind: 'failed', command: 'test', how, output });
    expect(verdicts(result)).toBe('lint passed, test failed');
    expect(project.runs).toEqual(['t1: lint', 't1: test', 't1: reset', 't1: test', 'base: test']);
    expect(project.warnings).toEqual([]);
  });

  test('whose failure goes away by itself is flaky, and is not stopped', async () => {
    project.says('t1', 'test', FAILED, PASSED).says('t2', 'test', FAILED, PASSED);
    const gates = project.gates('test', 'e2e');
    expect(verdicts(await check(gates, 't1'))).toBe('test flaky, e2e passed');
    expect(verdicts(await check(gates, 't2'))).toBe('test flaky, e2e passed');
    expect(project.warnings).toHaveLength(1);
    expect(project.warnings[0]).toMatch(/`test` failed and then passed/);
  });

  test('is not blamed for what fails on its base too, which is said once', async () => {
    for (const tree of ['t1', 't2', 'base']) project.says(tree, 'test', FAILED);
    const gates = project.gates('test', 'e2e');
    expect(verdicts(await check(gates, 't1'))).toBe('test red-before, e2e passed');
    expect(verdicts(await check(gates, 't2'))).toBe('test red-before, e2e passed');
    expect(project.runs.filter((run) => run === 'base: test')).toHaveLength(2);
    expect(project.warnings).toEqual([
      '`test` fails without any change too (exit code 1, base base: the last line). It does not block any task until it passes again.',
    ]);
  });

  test('is blamed again once its base passes', async () => {
    project.says('t1', 'test', FAILED).says('red', 'test', FAILED);
    const gates = project.gates('test');
    expect(verdicts(await check(gates, 't1', { base: 'red' }))).toBe('test red-before');
    expect(verdicts(await check(gates, 't1', { base: 'green' }))).toBe('test failed');
  });

  test('that fails is not excused by one bad moment of its base', async () => {
    project.says('t1', 'test', FAILED).says('base', 'test', FAILED, PASSED);
    expect(verdicts(await check(project.gates('test'), 't1'))).toBe('test failed');
    expect(project.warnings).toEqual([]);
  });

  test.each([
    ['the program is missing on the base', FAILED, NOT_FOUND, 'failed'],
    ['the program is missing on both', NOT_FOUND, NOT_FOUND, 'red-before'],
    ['the program is missing with the change', NOT_FOUND, FAILED, 'failed'],
    ['only the change never ends', TIME_OUT, FAILED, 'failed'],
    ['only the base never ends', FAILED, TIME_OUT, 'red-before'],
    ['neither ends', TIME_OUT, TIME_OUT, 'red-before'],
  ])('that fails in another way than its base: %s', async (_, own, base, verdict) => {
    project.says('t1', 'test', own).says('base', 'test', base);
    expect(verdicts(await check(project.gates('test'), 't1'))).toBe(`test ${verdict}`);
    expect(project.warnings).toHaveLength(1);
  });

  test('that has no base has to answer for its failures', async () => {
    project.says('t1', 'test', FAILED);
    expect(verdicts(await check(project.gates('test'), 't1', { base: null }))).toBe('test failed');
    expect(project.runs).toEqual(['t1: test', 't1: reset', 't1: test']);
    expect(project.warnings).toEqual([]);
  });

  test('that never ends is not waited for twice', async () => {
    project.says('t1', 'test', TIME_OUT);
    expect(verdicts(await check(project.gates('test'), 't1'))).toBe('test failed');
    expect(project.runs).toEqual(['t1: test', 'base: test']);
  });

  test('that is its own base fails as that does', async () => {
    project.says('base', 'test', FAILED);
    expect(verdicts(await check(project.gates('test'), 'base'))).toBe('test red-before');
    project.says('odd', 'test', FAILED, PASSED);
    expect(verdicts(await check(project.gates('test'), 'odd', { base: 'odd' }))).toBe('test flaky');
  });

  test('whose base cannot be looked at has to answer for its failures, which is said', async () => {
    project.visitable = false;
    project.says('t1', 'test', FAILED);
    expect(verdicts(await check(project.gates('test'), 't1'))).toBe('test failed');
    expect(project.warnings[0]).toMatch(/could not be run without the change \(The disk is full\.\)/);
  });

  test('is not judged by a machine that cannot start the command', async () => {
    const broken: CommandResult = { kind: 'infrastructure', message: 'No memory.' };
    project.says('t1', 'test', broken, PASSED);
    const gates = project.gates('test');
    expect(await check(gates, 't1')).toEqual(broken);
    expect(verdicts(await check(gates, 't1'))).toBe('test passed');
  });
});

describe('nothing is asked twice', () => {
  test.each<[string, CommandResult[]]>([
    ['passes', [PASSED]],
    ['fails', [FAILED]],
    ['is flaky', [FAILED, PASSED]],
    ['never ends', [TIME_OUT]],
  ])('about a tree that %s, also by a later process', async (_, answers) => {
    project.says('t1', 'test', ...answers);
    const first = await check(project.gates('test'), 't1');
    const runs = project.runs.splice(0);
    expect(runs.length).toBeGreaterThan(0);
    expect(await check(project.gates('test'), 't1')).toEqual(first);
    expect(project.runs).toEqual([]);
  });

  test('about a base that has landed in this run', async () => {
    const gates = project.gates('test');
    await check(gates, 't1');
    project.says('t2', 'test', FAILED);
    await check(gates, 't2', { base: 't1' });
    expect(project.runs).toEqual(['t1: test', 't2: test', 't2: reset', 't2: test']);
  });

  test('where a red base is followed by red trees', async () => {
    for (const tree of ['base', 't1', 't2', 't3']) project.says(tree, 'test', FAILED);
    const gates = project.gates('test');
    await check(gates, 't1');
    await check(gates, 't2', { base: 't1' });
    await check(gates, 't3', { base: 't2' });
    expect(project.runs.filter((run) => run === 'base: test')).toHaveLength(2);
    // Twice, since one chance failure of a tree that fixes the base must not excuse the trees that build on it.
    for (const tree of ['t1', 't2', 't3'])
      expect(project.runs.filter((run) => run === `${tree}: test`)).toHaveLength(2);
  });

  test('by attempts that ask at the same moment', async () => {
    project.says('t1', 'test', FAILED).says('t2', 'test', FAILED);
    const gates = project.gates('test');
    const results = await Promise.all(['t1', 't1', 't2', 't1'].map((tree) => check(gates, tree)));
    expect(results.map(verdicts)).toEqual(Array(4).fill('test failed'));
    expect(project.runs.filter((run) => run === 't1: test')).toHaveLength(2);
    expect(project.runs.filter((run) => run === 'base: test')).toHaveLength(1);
  });
});

test('a command that needs what those before it make gets that, where their verdicts were known', async () => {
  const built = new Set<string>();
  project.onRun = (run) => {
    const [directory = '', command] = run.split(': ');
    if (command === 'build') built.add(directory);
    if (command === 'test') project.says(directory, 'test', built.has(directory) ? PASSED : FAILED);
  };
  const gates = project.gates('build', 'test');
  await check(project.gates('build'), 't1');
  built.clear();
  expect(verdicts(await check(gates, 't1'))).toBe('build passed, test passed');
  expect(project.runs).toEqual(['t1: build', 't1: test', 't1: build', 't1: test']);

  // On the base it is not missing either, since a failure there would excuse every change.
  project.runs.length = 0;
  project.onRun = (run) => {
    if (run === 'base: build') built.add('base');
    if (run === 'base: test') project.says('base', 'test', built.has('base') ? PASSED : FAILED);
  };
  project.says('t2', 'test', FAILED);
  expect(verdicts(await check(gates, 't2'))).toBe('build passed, test failed');
});

describe('an abort', () => {
  test('ends a check, and books nothing', async () => {
    const abort = new AbortController();
    project.onRun = () => abort.abort();
    expect(await check(project.gates('test'), 't1', { signal: abort.signal })).toEqual({ kind: 'aborted' });
    expect(project.verdicts.size).toBe(0);
  });

  test('while the base is looked at ends it, too', async () => {
    const abort = new AbortController();
    project.says('t1', 'test', FAILED);
    project.onRun = (run) => {
      if (run.startsWith('base')) abort.abort();
    };
    expect(await check(project.gates('test'), 't1', { signal: abort.signal })).toEqual({ kind: 'aborted' });
    expect(project.warnings).toEqual([]);
  });

  test('of one attempt leaves the run to the other that waits for it', async () => {
    const abort = new AbortController();
    const gates = project.gates('test');
    let second: Promise<GateResult> | undefined;
    project.onRun = () => {
      second ??= check(gates, 't1');
      abort.abort();
    };
    expect(await check(gates, 't1', { signal: abort.signal })).toEqual({ kind: 'aborted' });
    expect(verdicts((await second) ?? { kind: 'aborted' })).toBe('test passed');
  });

  test('of one that waits ends its waiting at once', async () => {
    const abort = new AbortController();
    const gates = project.gates('test');
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    project.onRun = () => held;
    const first = check(gates, 't1');
    const waiting = check(gates, 't1', { signal: abort.signal });
    abort.abort();
    expect(await waiting).toEqual({ kind: 'aborted' });
    release();
    expect(verdicts(await first)).toBe('test passed');
    expect(project.runs).toEqual(['t1: test']);
  });
});

describe('in a shared directory', () => {
  test('nothing is remembered, compared or run again', async () => {
    project.says('shared', 'test', FAILED);
    const gates = project.gates('lint', 'test', 'e2e');
    expect(await check(gates, null)).toMatchObject({ kind: 'failed', command: 'test' });
    expect(verdicts(await check(gates, null))).toBe('lint passed, test failed');
    expect(project.runs).toEqual(['shared: lint', 'shared: test', 'shared: lint', 'shared: test']);
    expect(project.verdicts.size).toBe(0);
  });

  test('one check runs at a time', async () => {
    let running = 0;
    project.onRun = async () => {
      expect(++running).toBe(1);
      await Promise.resolve();
      running--;
    };
    const gates = project.gates('lint', 'test');
    const results = await Promise.all([check(gates, null), check(gates, null), check(gates, null)]);
    expect(results.map(({ kind }) => kind)).toEqual(['passed', 'passed', 'passed']);
  });
});

test('whatever commands do: what blocks is new and stays, and no tree is asked more often than that takes', async () => {
  const behaviour = fc.constantFrom<CommandResult[]>([PASSED], [FAILED], [FAILED, PASSED], [TIME_OUT]);
  const trees = ['t0', 't1', 't2', 't3'];
  const commands = ['a', 'b'];
  const checks = fc.array(fc.record({ tree: fc.constantFrom(...trees), base: fc.constantFrom(...trees) }), {
    maxLength: 12,
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(behaviour, { minLength: 8, maxLength: 8 }),
      checks,
      async (behaviours, asked) => {
        const world = new Project();
        const does = (tree: string, command: string): CommandResult[] =>
          behaviours[trees.indexOf(tree) * 2 + commands.indexOf(command)] ?? [];
        for (const tree of trees)
          for (const command of commands) world.says(tree, command, ...does(tree, command));
        const fails = (tree: string, command: string): boolean =>
          does(tree, command).length === 1 && does(tree, command)[0]?.kind === 'failed';
        // One command at a time, so that no command runs only to prepare the next one.
        const gates = commands.map((command) => world.gates(command));
        await Promise.all(
          asked.flatMap(({ tree, base }) =>
            gates.map(async (gate, index) => {
              const command = commands[index] ?? '';
              const result = await check(gate, tree, { base });
              const sorts = [tree, base].map((one) => does(one, command)[0]);
              const same = sorts[0] === sorts[1] || sorts[1] === TIME_OUT;
              const blocks = fails(tree, command) && !(fails(base, command) && same);
              expect(result.kind).toBe(blocks ? 'failed' : 'passed');
            }),
          ),
        );
        for (const tree of trees)
          for (const command of commands) {
            const count = world.runs.filter((run) => run === `${tree}: ${command}`).length;
            const first = does(tree, command)[0];
            expect(count).toBeLessThanOrEqual(first === FAILED ? 2 : 1);
          }
      },
    ),
    { numRuns: cases(500) },
  );
});
