import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { ALL } from '../../rig/effort.ts';
import { write } from '../../rig/landing-rig.ts';
import { WorktreesRig } from '../../rig/worktrees-rig.ts';

/** The promised size is 2048 megabytes. It takes as much of the disk, and minutes on a slow one. */
const SIZE = ALL
  ? { files: 50_000, megabytes: Number(process.env['HISTORY_MEGABYTES'] ?? 64), branches: 200 }
  : { files: 2000, megabytes: 16, branches: 200 };

let rig: WorktreesRig;
afterEach(() => rig.remove());

/**
 * Gives the user's branch so many files, so many megabytes of history that it no longer contains, and other branches.
 */
async function grow({ files = 0, megabytes = 0, branches = 0 }): Promise<void> {
  // Random data can be neither compressed nor compared. To skip both is many times faster.
  const plain = ['core.compression=0', 'core.bigFileThreshold=1m', 'fastimport.unpackLimit=0'];
  const options = plain.flatMap((setting) => ['-c', setting]);
  const child = spawn('git', [...options, 'fast-import', '--quiet', '--force'], {
    cwd: rig.top,
    env: { ...rig.environment },
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  const ended = once(child, 'exit');
  const put = async (data: string | Buffer): Promise<void> => {
    if (!child.stdin.write(data)) await once(child.stdin, 'drain');
  };
  const commit = (message: string): string =>
    `commit refs/heads/main\ncommitter User <user@example.com> 1700000000 +0000\ndata <<END\n${message}\nEND\n`;
  let from = 'from refs/heads/main^0\n';
  for (let done = 0; done < megabytes; done += 16) {
    await put(`${commit('history')}${from}M 100644 inline data.bin\ndata ${16 << 20}\n`);
    await put(randomBytes(16 << 20));
    from = '\n';
  }
  await put(`${commit('files')}${from}${megabytes > 0 ? 'D data.bin\n' : ''}`);
  for (let index = 0; index < files; index++) {
    const text = `file ${index}\n`.repeat(20);
    await put(`M 100644 inline d${index % 200}/f${index}.txt\ndata ${text.length}\n${text}\n`);
  }
  for (let index = 0; index < branches; index++)
    await put(`\nreset refs/heads/team/${index % 10}/branch-${index}\nfrom refs/heads/main^0\n`);
  child.stdin.end('\n');
  expect(await ended).toEqual([0, null]);
  rig.git('-c', 'checkout.workers=4', 'reset', '-q', '--hard');
}

/** Runs a job and counts how often the tool started a git process meanwhile, sessions that already run aside. */
async function countingGit(job: () => Promise<unknown>): Promise<number> {
  const [program, log] = [join(rig.programs, 'git'), join(rig.root, 'calls')];
  const real = rig.shell('command -v git').trim();
  writeFileSync(log, '');
  writeFileSync(program, `#!/bin/sh\necho "$*" >> '${log}'\nexec ${real} "$@"\n`);
  chmodSync(program, 0o755);
  await job();
  rmSync(program);
  const calls = readFileSync(log, 'utf8').trimEnd().split('\n');
  return calls.filter((call) => !/ --batch-command$| --stdin\b| --stdin-paths$/.test(call)).length;
}

describe('In a large repository', () => {
  test('tasks get worktrees, land and are delivered, and nothing else of it changes', async () => {
    rig = new WorktreesRig();
    await grow(SIZE);
    const others = rig.git('for-each-ref', 'refs/heads/team');
    expect(others.split('\n')).toHaveLength(200);
    const tool = await rig.start();
    for (const id of ['1', '2', '3']) {
      const { workspace, attempt } = await rig.acquire(tool, rig.attempt(id));
      write(workspace.directory, { [`d${id}/f${id}.txt`]: `by task ${id}\n`, [`new-${id}.txt`]: 'new\n' });
      await rig.landWorkspace(tool.changes, workspace, attempt);
      await tool.release(workspace, true);
    }
    expect((await tool.deliver()).kind).toBe('committed');
    expect(rig.git('show', 'main:d3/f3.txt')).toBe('by task 3');
    expect(rig.git('diff', '--name-only', 'main~3', 'main').split('\n')).toHaveLength(6);
    expect(rig.git('status', '--porcelain')).toBe('');
    expect(rig.git('for-each-ref', 'refs/heads/team')).toBe(others);
    expect(rig.warnings).toEqual([]);
  }, 600_000);

  test('a task takes as many commands of git after fifteen others as after four', async () => {
    rig = new WorktreesRig();
    const tool = await rig.start();
    const calls: number[] = [];
    for (let id = 1; id <= 16; id++) {
      const finish = () => rig.finish(tool, String(id), { [`${id}.txt`]: 'new\n' });
      if (id === 5 || id === 16) calls.push(await countingGit(finish));
      else await finish();
    }
    expect(calls[0]).toBeGreaterThan(4);
    expect(calls[0]).toBeLessThanOrEqual(10);
    expect(calls[1]).toBe(calls[0]);
    expect(rig.git('for-each-ref', 'refs/orchestrator/r1', 'refs/orchestrator/r1')).toBe('');
  });
});
