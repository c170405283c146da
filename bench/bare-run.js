// The floor of `isolated-run`: the same tasks, `bare-run.js TOP TASKS WORKERS WORKER`, by the fewest commands that get each
// a worktree, its worker, a verify command and a landing. Nothing is remembered, checked or kept; nobody could be killed.
import { spawn } from 'node:child_process';
import { join } from 'node:path';

const [top = '', tasks = '0', workers = '1', worker = ''] = process.argv.slice(2);
const run = (command, args, cwd) =>
  new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, stdio: ['ignore', 'pipe', 'inherit'], detached: true });
    let output = '';
    child.stdout.on('data', (chunk) => (output += chunk));
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) resolve(output.trim());
      else reject(new Error(`${command} ${args.join(' ')} ended with ${code}.`));
    });
  });
const git = (cwd, ...args) => run('git', args, cwd);

const ref = 'refs/bare/integration';
let tip = await git(top, 'rev-parse', 'HEAD');
await git(top, 'update-ref', ref, tip);
let landed = Promise.resolve();
let left = Number(tasks);
await Promise.all(
  Array.from({ length: Number(workers) }, async (_, index) => {
    const slot = join(top, '..', `bare-${index}`);
    await (landed = landed.then(() => git(top, 'worktree', 'add', '-q', '--detach', slot)));
    while (left-- > 0) {
      await git(slot, 'checkout', '-f', '-q', '--detach', tip);
      await git(slot, 'clean', '-fdq');
      await run(worker, ['-p'], slot);
      await git(slot, 'add', '-A');
      const tree = await git(slot, 'write-tree');
      const commit = await git(slot, 'commit-tree', tree, '-p', 'HEAD', '-m', 'work');
      await run('sh', ['-c', 'true'], slot);
      await (landed = landed.then(async () => {
        const merged = await git(top, 'merge-tree', '--write-tree', tip, commit);
        const landing = await git(top, 'commit-tree', merged, '-p', tip, '-m', 'landed');
        await git(top, 'update-ref', ref, landing, tip);
        tip = landing;
      }));
    }
  }),
);
