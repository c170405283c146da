import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { GitFailed } from '../../../../src/workspace/git/git.ts';
import { bundle } from '../../../rig/bundle.ts';
import { CheckoutRig } from '../../../rig/checkout-rig.ts';
import { processes, until } from '../../../rig/worker-rig.ts';

let rig: CheckoutRig;
beforeEach(() => {
  rig = new CheckoutRig();
  rig.git('commit', '-q', '--allow-empty', '-m', 'first');
});
afterEach(() => rig.remove());

/** Makes each git of the tool record its process id and its arguments. */
function listen(): () => { readonly pid: number; readonly command: string }[] {
  const log = join(rig.root, 'calls');
  const real = rig.shell('command -v git').trim();
  writeFileSync(log, '');
  const script = `#!/bin/sh\necho "$$ $*" >> '${log}'\nexec ${real} "$@"\n`;
  writeFileSync(join(rig.programs, 'git'), script, { mode: 0o755 });
  return () =>
    readFileSync(log, 'utf8')
      .split('\n')
      .filter((line) => line.includes('--batch-command'))
      .map((line) => ({ pid: Number(line.split(' ')[0]), command: line }));
}

describe('Looking things up', () => {
  test('one git answers all questions, and sees objects that are newer than itself', async () => {
    const git = rig.runner;
    const calls = listen();
    const first = rig.git('rev-parse', 'HEAD');
    expect(await git.commitAt('refs/heads/main')).toBe(first);
    expect(await git.commitAt('refs/heads/none')).toBeUndefined();
    expect(await git.find('refs/heads/two words')).toBeUndefined();
    expect(await git.find('HEAD\nHEAD')).toBeUndefined();

    rig.git('commit', '-q', '--allow-empty', '-m', 'second');
    const second = rig.git('rev-parse', 'HEAD');
    expect(await git.commitAt('refs/heads/main')).toBe(second);
    const worktree = join(rig.root, 'w1');
    rig.git('worktree', 'add', '-q', '-b', 'work', worktree);
    rig.gitIn(worktree, ['commit', '-q', '--allow-empty', '-m', 'third']);
    const third = rig.gitIn(worktree, ['rev-parse', 'HEAD']);
    rig.git('pack-refs', '--all', '--prune');
    rig.git('gc', '-q', '--prune=now');
    expect(await Promise.all([git.commitAt('refs/heads/work'), git.commitAt('HEAD')])).toEqual([
      third,
      second,
    ]);
    expect(await git.treeOf(third)).toBe(rig.git('rev-parse', `${third}^{tree}`));
    rig.git('update-ref', '-d', 'refs/tags/none');
    rig.git('worktree', 'remove', worktree);
    rig.git('branch', '-D', 'work');
    expect(await git.commitAt('refs/heads/work')).toBeUndefined();
    expect(calls()).toHaveLength(1);
  });

  test('continues after that git was killed, and fails where there is no git', async () => {
    const git = rig.runner;
    const calls = listen();
    const head = await git.commitAt('HEAD');
    process.kill(calls()[0]?.pid ?? 0, 'SIGKILL');
    const asked = ['HEAD', 'refs/heads/main', 'refs/heads/none'].map((name) => git.commitAt(name));
    expect(await Promise.all(asked)).toEqual([head, head, undefined]);
    expect(calls()).toHaveLength(2);

    writeFileSync(join(rig.programs, 'git'), '#!/bin/sh\necho "fatal: no more" >&2\nexit 9\n');
    process.kill(calls()[1]?.pid ?? 0, 'SIGKILL');
    const failed = git.commitAt('HEAD');
    await expect(failed).rejects.toThrow('fatal: no more');
    await expect(failed).rejects.toBeInstanceOf(GitFailed);
    await expect(git.treeOf('HEAD')).rejects.toBeInstanceOf(GitFailed);
  });

  test('keeps no process alive, and a killed process leaves no git', async () => {
    const program = join(rig.root, 'reading.js');
    bundle('tests/rig/reading-program.ts', program);
    const calls = listen();
    const options = { cwd: rig.top, env: { ...rig.environment } };
    const child = spawn(process.execPath, [program], { ...options, stdio: ['pipe', 'pipe', 'inherit'] });
    const [told] = (await once(child.stdout.setEncoding('utf8'), 'data')) as [string];
    const found = rig.git('rev-parse', 'HEAD');
    expect(JSON.parse(told)).toEqual({ found, kept: [] });
    const helper = processes.identify(calls()[0]?.pid ?? 0);
    if (helper === undefined) throw new Error('Git waits for more questions.');
    child.kill('SIGKILL');
    await until(() => !processes.isAlive(helper));
  });
});
