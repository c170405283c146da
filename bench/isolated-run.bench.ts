import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { openStore } from '../src/store/sqlite-store.ts';
import { draft } from '../tests/rig/task-project.ts';
import { lines } from '../tests/rig/worker-rig.ts';

// What a whole run costs the tool itself, when each task has a worktree, a worker that is a shell script, and a verify
// command: against the fewest commands that do the same.
const SIZES = (process.env['SIZES'] ?? '12x3,30x8,80x16')
  .split(',')
  .map((size) => size.split('x').map(Number));
const ROUNDS = Number(process.env['ROUNDS'] ?? 3);

interface Observed {
  /** Git processes. */
  readonly git: number;
  /** Of the process itself, without what it has started. */
  readonly cpuMs: number;
  /** Of that time, what passed in starting processes, while nothing else moved. */
  readonly spawnMs: number;
  /** How late its event loop was, in milliseconds. */
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly longest: number;
}

const observer = resolve('bench/observe-run.js');
const head = ['run', 'git a task', 'CPU ms a task', 'in spawn', 'loop late: p50', 'p99', 'p99.9', 'longest'];
console.log(row(head));
for (const [tasks = 1, workers = 1] of SIZES) {
  const samples = { bare: [] as Observed[], tool: [] as Observed[] };
  for (let round = 0; round < ROUNDS; round++) {
    samples.bare.push(observe(tasks, workers, bareRun));
    samples.tool.push(observe(tasks, workers, toolRun));
  }
  const size = `${tasks} tasks, ${workers} at a time`;
  report(`bare, ${size}`, samples.bare, tasks);
  report(`run, ${size}`, samples.tool, tasks);
}
console.log(row(['promised', '≤ 15', '≤ 60', '', '', '', '', '≤ 50']));

interface Place {
  readonly top: string;
  readonly worker: string;
  readonly tasks: number;
  readonly workers: number;
}

function bareRun({ top, worker, tasks, workers }: Place): string[] {
  return [resolve('bench/bare-run.js'), top, String(tasks), String(workers), worker];
}

function toolRun({ top, tasks, workers }: Place): string[] {
  mkdirSync(join(top, '.taskmaster'));
  const store = openStore({ file: join(top, '.taskmaster', 'tasks.db'), tag: 'master', create: true });
  store.addTasks(
    Array.from({ length: tasks }, (_, index) => draft(String(index + 1))),
    { source: 'bench' },
  );
  store.close();
  const flags = ['--json', '--no-plan', '--no-review', '--workers', String(workers)];
  return [resolve('bin/claude-orchestrator.js'), 'run', ...flags];
}

function observe(tasks: number, workers: number, command: (place: Place) => string[]): Observed {
  const root = mkdtempSync(join(tmpdir(), 'bench-isolated-'));
  try {
    const [top, home, observed] = [join(root, 'repository'), join(root, 'home'), join(root, 'observed.json')];
    for (const folder of [top, home]) mkdirSync(folder);
    const env = {
      PATH: process.env['PATH'],
      HOME: home,
      GIT_CONFIG_NOSYSTEM: '1',
      ANTHROPIC_API_KEY: 'sk-ant-bench',
    };
    const worker = makeWorker(root);
    makeRepository(top, worker, env);
    const args = command({ top, worker, tasks, workers });
    const { status, stdout, stderr } = spawnSync(process.execPath, ['--import', observer, ...args], {
      cwd: top,
      env: { ...env, OBSERVE_RUN: observed },
      encoding: 'utf8',
      maxBuffer: 1 << 28,
    });
    if (status !== 0)
      throw new Error(`${args.join(' ')} ended with ${String(status)}: ${stderr}${stdout.slice(-2000)}`);
    return JSON.parse(readFileSync(observed, 'utf8')) as Observed;
  } finally {
    rmSync(root, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** It writes a file of its own and reports that. */
function makeWorker(root: string): string {
  const [worker, transcript] = [join(root, 'claude'), join(root, 'transcript.ndjson')];
  writeFileSync(transcript, [lines.init, lines.result()].map((line) => `${JSON.stringify(line)}\n`).join(''));
  const work = `echo $$ > part-$$.txt; cat '${transcript}'`;
  const script = `#!/bin/sh\ncase "$1" in -p) ${work};; *) echo '2.1.330 (Claude Code)';; esac\n`;
  writeFileSync(worker, script, { mode: 0o755 });
  return worker;
}

function makeRepository(top: string, worker: string, env: NodeJS.ProcessEnv): void {
  const git = (...args: string[]): void => void execFileSync('git', args, { cwd: top, env });
  git('init', '-q', '-b', 'main');
  git('config', 'user.name', 'Bench');
  git('config', 'user.email', 'bench@example.com');
  for (let index = 0; index < 200; index++)
    writeFileSync(join(top, `f${index}.txt`), `file ${index}\n`.repeat(20));
  const config = {
    claude_cli: { command: worker, auth: 'api_key' },
    verify: { commands: ['true'] },
    execution: { isolation: 'worktree' },
  };
  writeFileSync(join(top, 'orchestrator_config.json'), JSON.stringify(config));
  writeFileSync(join(top, '.gitignore'), '.taskmaster/\n');
  git('add', '.');
  git('commit', '-qm', 'Begin');
}

function report(name: string, samples: readonly Observed[], tasks: number): void {
  const of = (key: keyof Observed): number => median(samples.map((sample) => sample[key]));
  const late = [of('p50'), of('p99'), of('p999'), of('longest')];
  const each = [of('git') / tasks, of('cpuMs') / tasks, of('spawnMs') / tasks, ...late];
  console.log(row([name, ...each.map((value) => value.toFixed(1))]));
}

function row([name = '', ...values]: readonly string[]): string {
  return `${name.padEnd(30)}${values.map((value) => value.padStart(15)).join('')}`;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? NaN;
}
