import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { z } from 'zod';
import { failureReport } from '../../../src/app/contract/failure.ts';
import { loadUseCases } from '../../../scripts/use-cases.ts';
import { startSimulator, type Simulator } from '../../../src/simulator/server.ts';
import type { ScenarioInput } from '../../../src/simulator/scenario.ts';
import { costing } from '../../rig/attempt-end.ts';
import { startSampleRun, storeAttempt } from '../../rig/attempted.ts';
import { makeSandbox, runTool, type Sandbox } from '../../rig/cli.ts';
import { run, taskMaster } from '../../rig/hand-made-cli.ts';
import { writtenTask } from '../../rig/project.ts';
import { STAND_IN } from '../../rig/simulator.ts';
import { SAMPLE_TASKS, taskProject, type TaskProject } from '../../rig/task-project.ts';

const USE_CASES = await loadUseCases();
const find = (name: string) => USE_CASES.get(name) ?? expect.fail(`There is no use case ${name}.`);

const REPORT = {
  json: { status: 'completed', summary: 'Written.', handover: 'It is there.', followUps: ['More.'] },
};

/** What a worker does at a task: writes a file, whose name decides what the verify command says, and reports. */
function worker(title: string, file: string): ScenarioInput['rules'][number] {
  const input = { file_path: `{{cwd}}/${file}`, content: 'done\n' };
  return {
    name: title,
    when: { role: 'worker', contains: `: ${title}` },
    turns: [{ text: 'On it.', tools: [{ name: 'Write', input }] }, REPORT],
  };
}

/** What the manager answers where its instructions say that it is to do this. */
function manager(system: string, json: object): ScenarioInput['rules'][number] {
  return { name: system, when: { role: 'manager', system }, reply: { json } };
}

const SCENARIO: ScenarioInput = {
  rules: [
    manager('You review', { findings: [], resolved: [], summary: 'Good.', verdict: 'approved' }),
    manager('You turn a product', {
      tasks: [writtenTask('1', 'Write the shop'), writtenTask('2', 'Break the shop')],
    }),
    manager('You turn a wish', { ...writtenTask('0', 'Count visitors', ['1']), id: undefined }),
    manager('You split one task', {
      tasks: [writtenTask('3.1', 'Part A'), writtenTask('3.2', 'Part B', ['3.1'])],
      sources: [],
    }),
    manager('You plan a run', {
      tasks: [{ id: '4', size: 'M', estimateMinutes: 8, touches: ['a/**'], risk: 'low', dependencies: [] }],
    }),
    worker('Write the shop', 'shop.txt'),
    worker('Break the shop', 'broken.txt'),
    worker('Notes', 'notes.txt'),
  ],
};

/** A command line, and the use case that it is; the project is as those before have left it. */
type Step = readonly [useCase: string, line: string];

const STEPS: readonly Step[] = [
  ['failure', 'list'],
  ['failure', 'list --no-such-option'],
  ['init', 'init --yes'],
  ['check', 'check'],
  ['config-show', 'config show'],
  ['config-validate', 'config validate'],
  ['config-schema', 'config schema'],
  ['list', 'list'],
  ['next', 'next'],
  ['run', 'run'],
  ['status', 'status'],
  ['parse', 'parse prd.md --dry-run'],
  ['parse', 'parse prd.md'],
  ['add', 'add count the visitors --dry-run'],
  ['add', 'add count the visitors'],
  ['add', 'add --raw Notes'],
  ['expand', 'expand 3'],
  ['plan', 'plan'],
  ['plan', 'plan --no-manager'],
  ['preview-run', 'run --dry-run'],
  ['list', 'list'],
  ['next', 'next'],
  ['show', 'show 1-4'],
  ['run', 'run 1 2 --no-plan'],
  ['status', 'status'],
  ['show', 'show 1-4'],
  ['logs', 'logs 1'],
  ['logs', 'logs 2 --follow'],
  ['logs', 'logs 4'],
  ['diff', 'diff 1'],
  ['diff', 'diff 2 --stat'],
  ['diff', 'diff 4'],
  ['recover-list', 'recover list'],
  ['recover-show', 'recover show 2'],
  ['recover-restore', 'recover restore 2 --branch mine'],
  ['retry', 'retry 2'],
  ['cancel', 'cancel 2'],
  ['clean', 'clean --dry-run'],
  ['clean', 'clean'],
  ['depend', 'depend add 4 3.2'],
  ['depend', 'depend remove 4 3.2'],
  ['depend', 'task-master add-dependency --id=4 --depends-on=3.2'],
  ['depend', 'task-master remove-dependency --id=4 --depends-on=3.2'],
  ['add-task', 'task-master add-task --title=More'],
  ['add', 'task-master add-task --prompt=visitors'],
  ['validate-dependencies', 'task-master validate-dependencies'],
  ['edit', 'edit 4 --title Pages --size none'],
  ['set-status', 'set-status 3.1,3.2 deferred'],
  ['delete', 'delete 5'],
  ['next', 'next'],
  ['failure', 'show 99'],
  ['completion', 'completion bash'],
  ['parse', 'task-master parse-prd prd.md --force'],
  ['do', 'do --raw --yes --no-plan Notes'],
  ['recover-store', 'recover store --dry-run'],
  ['recover-store', 'recover store --replace'],
];

describe('what --json prints has the shape that the contract says', () => {
  let sandbox: Sandbox;
  let simulator: Simulator;
  let env: Record<string, string>;

  beforeAll(async () => {
    sandbox = makeSandbox();
    sandbox.addProgram('claude', `exec '${process.execPath}' '${STAND_IN}' "$@"`);
    simulator = await startSimulator(SCENARIO);
    env = {
      PATH: sandbox.path,
      HOME: sandbox.home,
      GIT_CONFIG_NOSYSTEM: '1',
      GIT_AUTHOR_NAME: 'Ada',
      GIT_AUTHOR_EMAIL: 'ada@example.com',
      GIT_COMMITTER_NAME: 'Ada',
      GIT_COMMITTER_EMAIL: 'ada@example.com',
      ANTHROPIC_BASE_URL: simulator.url,
      ANTHROPIC_API_KEY: 'sk-ant-simulated-key',
    };
    const git = (...args: string[]): void => {
      execFileSync('git', args, { cwd: sandbox.project, env });
    };
    const config = {
      verify: { commands: ['test ! -e broken.txt'] },
      execution: { max_workers: 2, max_retries: 0 },
      git: { auto_commit: true },
    };
    writeFileSync(join(sandbox.project, 'orchestrator_config.json'), JSON.stringify(config));
    writeFileSync(join(sandbox.project, 'prd.md'), 'A shop that sells tea.\n');
    git('init', '-q', '-b', 'main');
    git('add', '.');
    git('commit', '-qm', 'Begin');
  });
  /** Workers are programs of their own, so what starts some is one too. */
  const printed = async (line: string): Promise<string> => {
    const [first = '', ...more] = line.split(' ');
    const argv = [...more, '--json'];
    const { project: directory } = sandbox;
    if (first === 'task-master') return (await taskMaster({ directory }, argv, { env })).stdout;
    const options = { cwd: directory, env };
    return first === 'run' || first === 'do'
      ? (await runTool([first, ...argv], options)).stdout
      : (await run({ directory }, [first, ...argv], { env })).stdout;
  };

  afterAll(async () => {
    await simulator.close();
    sandbox.remove();
  });

  it.each(STEPS)('%s: %s', async (useCase, line) => {
    const stdout = await printed(line);
    if (useCase === 'failure') expectShape(failureReport, stdout);
    else {
      const { report, inLines } = find(useCase);
      const documents = inLines === true ? stdout.trimEnd().split('\n') : [stdout];
      for (const each of documents) expectShape(report, each);
    }
  });

  it('status: status --watch, a document a line', async () => {
    const program = resolve('bin/claude-orchestrator.js');
    const watch = spawn(process.execPath, [program, 'status', '--watch', '--json'], {
      cwd: sandbox.project,
      env,
    });
    const [line] = (await once(createInterface(watch.stdout), 'line')) as [string];
    watch.kill('SIGINT');
    await once(watch, 'close');
    expectShape(find('status').report, line);
  });

  it('was looked at for every command but demo, which takes long: e2e/package.test.ts looks at that', () => {
    const untried = [...USE_CASES].flatMap(([name, { commands = [name] }]) =>
      commands.filter(
        (command) => !STEPS.some(([useCase, line]) => useCase === name && line.startsWith(command)),
      ),
    );
    expect(untried).toEqual(['demo']);
  });
});

/** What the run above has not: a review that found something, a denial, results that were not delivered. */
it.each(['show 1,5', 'status', 'logs 1', 'logs 5'] as const)(
  'the shape of %s holds for a run with trouble',
  async (line) => {
    using project = taskProject(SAMPLE_TASKS);
    worked(project);
    const env = { HOME: join(project.directory, '..', 'home') };
    const argv = line.split(' ');
    const { stdout } = await run(project, [...argv, '--json'], { env });
    const useCase = argv[0] ?? '';
    for (const each of stdout.trimEnd().split('\n')) expectShape(find(useCase).report, each);
  },
);

/** A run in which one task was done and one failed, which has ended. */
function worked(project: TaskProject): void {
  const { directory } = project;
  project.withStore((store) => {
    startSampleRun(store, 'run-1', { pid: 1, startTime: 'never' });
    const place = { runId: 'run-1', directory, filesRoot: join(directory, '.taskmaster', 'attempts') };
    const review = {
      round: 1,
      verdict: 'approved',
      summary: 'Good.',
      findings: [{ id: 'F1', severity: 'minor', file: null, line: null, title: 'A', evidence: 'B' }],
      commit: 'abc',
    } as const;
    const gates = [{ command: 'npm test', verdict: 'passed' }] as const;
    const report = { status: 'completed', summary: 'Did it.', handover: '', followUps: ['More.'] } as const;
    const denials = [{ tool: 'Bash', rule: 'Bash(x)' }];
    const done = {
      outcome: 'landed',
      review,
      gates,
      report,
      denials,
      usage: costing(1),
      commit: 'abc',
    } as const;
    storeAttempt(store, { ...place, taskId: '1', transcript: ['no JSON'], end: done, status: 'done' });
    storeAttempt(store, { ...place, taskId: '5', end: { outcome: 'crashed', message: 'It broke.' } });
    const delivery = { kind: 'left', commit: 'abc', message: 'Left.', commands: ['git merge x'] } as const;
    store.record({ type: 'run-delivered', runId: 'run-1', delivery });
    store.endRun('run-1', 'completed-with-failures', '1 failed.');
  });
}

function expectShape(schema: z.ZodType, document: string): void {
  const value = JSON.parse(document) as unknown;
  // A schema leaves out what it does not know.
  expect(schema.parse(value)).toEqual(value);
}
