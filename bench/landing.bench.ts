import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Git } from '../src/workspace/git/git.ts';
import { IntegrationBranch } from '../src/workspace/landing/integration-branch.ts';
import type { Attempt } from '../src/domain/attempt.ts';
import type { Task } from '../src/domain/task.ts';
import { compare, timeProcess, type Case } from './measure.ts';

// Landing one change on a tip that has moved since it began, against the three git commands that this takes at least.
const SIZES = (process.env['SIZES'] ?? '1000,10000,50000').split(',').map(Number);
const ROUNDS = Number(process.env['ROUNDS'] ?? 15);
const TASK = { id: '1', title: 'Do it' } as Task;
const ATTEMPT = { id: 1, runId: 'bench' } as Attempt;

const folder = mkdtempSync(join(tmpdir(), 'bench-landing-'));
const environment = { ...process.env, HOME: folder, GIT_CONFIG_NOSYSTEM: '1' };
try {
  const cases: Case[] = [];
  for (const size of SIZES) cases.push(...(await casesFor(size)));
  await compare(cases, ROUNDS);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function casesFor(size: number): Promise<Case[]> {
  const directory = join(folder, String(size));
  const git = new Git(directory, environment);
  makeRepository(directory, size);
  const base = await git.run(['rev-parse', 'HEAD']);
  const integration = await IntegrationBranch.open(git, { branch: 'main', prefix: '' });
  let number = 0;
  const change = async () => {
    number++;
    const blob = await git.run(['hash-object', '-w', '--stdin'], { input: `change ${number}` });
    const folders = (await git.run(['ls-tree', base])).split('\n');
    const inner = await git.run(['mktree'], { input: `100644 blob ${blob}\tnew-${number}.txt\n` });
    const tree = await git.run(['mktree'], {
      input: [...folders, `040000 tree ${inner}\tchange-${number}`].join('\n'),
    });
    return { commit: await git.run(['commit-tree', tree, '-p', base, '-m', 'work']), tree, base };
  };
  const floor = `three git commands, ${size} files`;
  return [
    {
      name: floor,
      run: async () => {
        const { commit } = await change();
        const tip = await integration.tip();
        const start = performance.now();
        const tree = await bare(directory, ['merge-tree', '--write-tree', tip, commit]);
        const landed = await bare(directory, ['commit-tree', tree, '-p', tip, '-m', 'work']);
        await bare(directory, ['update-ref', integration.ref, landed, tip]);
        const took = performance.now() - start;
        await integration.tip();
        return took;
      },
    },
    {
      name: `merge and land, ${size} files`,
      floor,
      promise: 2,
      run: async () => {
        const own = await change();
        const start = performance.now();
        const merge = await integration.merge(own);
        if (merge.kind === 'conflict') throw new Error('Different files do not conflict.');
        const request = {
          task: TASK,
          attempt: ATTEMPT,
          summary: 'It is done.',
          tree: merge.tree,
          onto: merge.onto,
        };
        if ((await integration.land(request, () => undefined)) === undefined)
          throw new Error('Nobody else lands.');
        return performance.now() - start;
      },
    },
  ];
}

/** As cheaply as Node can run a program and take its answer. */
function bare(directory: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn('git', args, {
      cwd: directory,
      env: environment,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.on('close', (code) => {
      if (code === 0) resolve(output.trim());
      else reject(new Error(`git ${args.join(' ')} ended with ${String(code)}.`));
    });
  });
}

function makeRepository(directory: string, size: number): void {
  mkdirSync(directory);
  const run = (...args: string[]) => timeProcess('git', args, { cwd: directory, env: environment });
  run('init', '-q', '-b', 'main');
  run('config', 'user.name', 'Bench');
  run('config', 'user.email', 'bench@example.com');
  run('config', 'gc.auto', '0');
  for (let at = 0; at < size; at += 100) {
    mkdirSync(join(directory, `d${at}`));
    for (let file = at; file < at + 100; file++)
      writeFileSync(join(directory, `d${at}`, `f${file}.txt`), `file ${file}\n`.repeat(40));
  }
  run('add', '-A');
  run('commit', '-qm', 'base');
  run('repack', '-adq');
}
