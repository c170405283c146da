import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { openStore } from '../src/store/sqlite-store.ts';
import { compare, timeProcess } from './measure.ts';
import { manyDrafts } from './many-tasks.ts';

// What a command costs before it does anything: bare Node is the floor of each.
const bin = resolve('bin/claude-orchestrator.js');
const folder = mkdtempSync(join(tmpdir(), 'bench-start-up-'));
const env = { ...process.env, HOME: folder, XDG_CACHE_HOME: '', NO_COLOR: '1' };
const small = project('small', 12);
const large = project('large', 10_000);
const huge = project('huge', 100_000);
const worked = project('worked', 12, true);
const worker = noteTaker();
const tool = (cwd: string, ...args: string[]) => timeProcess(process.execPath, [bin, ...args], { cwd, env });
const floor = 'node -e 0';

await compare(
  [
    { name: floor, run: () => timeProcess(process.execPath, ['-e', '0'], { env }) },
    { name: 'peer: npm --version', floor, run: () => timeProcess('npm', ['--version'], { env }) },
    { name: '--version', floor, promise: 1.3, run: () => tool(small, '--version') },
    { name: '--help', floor, promise: 1.3, run: () => tool(small, '--help') },
    { name: 'status, 12 tasks', floor, promise: 1.7, run: () => tool(small, 'status') },
    { name: 'status, 12 tasks, after a run', floor, promise: 2.2, run: () => tool(worked, 'status') },
    { name: 'list, 10,000 tasks', floor, promise: 4, run: () => tool(large, 'list') },
    { name: 'next, 10,000 tasks', floor, promise: 2.2, run: () => tool(large, 'next') },
    { name: 'show, 10,000 tasks', floor, promise: 2.2, run: () => tool(large, 'show', '5000') },
    { name: 'status, 10,000 tasks', floor, promise: 2.2, run: () => tool(large, 'status') },
    { name: 'list, 100,000 tasks', floor, run: () => tool(huge, 'list') },
    { name: 'next, 100,000 tasks', floor, promise: 4, run: () => tool(huge, 'next') },
    { name: 'show, 100,000 tasks', floor, promise: 4, run: () => tool(huge, 'show', '50000') },
    { name: 'status, 100,000 tasks', floor, promise: 4, run: () => tool(huge, 'status') },
    { name: 'run to its first spawn', floor, promise: 3.5, run: timeToFirstSpawn },
  ],
  Number(process.env['ROUNDS'] ?? 11),
);
rmSync(folder, { recursive: true, force: true });

function project(name: string, tasks: number, hasRun = false): string {
  const root = join(folder, name);
  mkdirSync(join(root, '.taskmaster'), { recursive: true });
  const store = openStore({ file: join(root, '.taskmaster', 'tasks.db'), tag: 'master', create: true });
  store.addTasks(manyDrafts(tasks), { source: 'bench' });
  if (hasRun) {
    const account = { id: 'directory-bench', label: 'Claude subscription' };
    const accounts = { worker: account, manager: account };
    const run = { id: 'run', process: { pid: 1, startTime: '0' }, workers: 3, billing: '', tasks };
    store.startRun({ ...run, accounts, maxCostUsd: 10, maxCostPerTaskUsd: null }, () => false);
    store.endRun('run', 'interrupted', '');
  }
  store.close();
  return root;
}

/** A shell script for a worker, which notes the time. The first run, which is not counted, asks what it is. */
function noteTaker(): string {
  const worker = join(folder, 'claude');
  const script = `case "$1" in -p) date +%s%N > spawned; exit 1;; *) echo '2.1.330 (Claude Code)';; esac`;
  writeFileSync(worker, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return worker;
}

/** From the start of the tool to the start of its first worker. */
function timeToFirstSpawn(): number {
  const root = project(`run-${String(performance.now())}`, 1);
  const note = join(root, 'spawned');
  writeFileSync(
    join(root, 'orchestrator_config.json'),
    JSON.stringify({ claude_cli: { command: worker, auth: 'api_key' }, execution: { max_retries: 0 } }),
  );
  const start = Date.now();
  spawnSync(process.execPath, [bin, 'run', '--no-plan', '--no-progress'], {
    cwd: root,
    env: { ...env, ANTHROPIC_API_KEY: 'sk-ant-bench' },
    encoding: 'utf8',
  });
  const spawned = Number(readFileSync(note, 'utf8')) / 1e6;
  rmSync(root, { recursive: true, force: true });
  return spawned - start;
}
