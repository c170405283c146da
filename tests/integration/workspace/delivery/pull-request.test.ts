import { chmodSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { deliver } from '../../../../src/workspace/delivery/delivery.ts';
import { CheckoutRig } from '../../../rig/checkout-rig.ts';

const BRANCH = 'orchestrator/integration/main';

let rig: CheckoutRig;
let tip: string;
let remote: string;
beforeEach(() => {
  rig = new CheckoutRig();
  const base = rig.commit([], { a: 'a\n' });
  rig.git('update-ref', 'refs/heads/main', base);
  rig.git('reset', '-q', '--hard');
  tip = rig.commit([base], { a: 'A\n' });
  rig.git('update-ref', `refs/${BRANCH}`, tip);
  remote = join(rig.root, 'remote.git');
  rig.git('init', '-q', '--bare', remote);
  rig.git('remote', 'add', 'origin', remote);
});
afterEach(() => {
  rig.remove();
});

/** A `gh` that records its arguments and its standard input. */
function installGh(script = 'echo https://example.com/pull/7'): () => string {
  const log = join(rig.root, 'gh.log');
  const file = join(rig.programs, 'gh');
  const record = `{ printf '[%s]' "$@"; echo; [ "$2" = create ] && cat; } >> '${log}'`;
  writeFileSync(file, `#!/bin/sh\n[ "$1" = --version ] && exit 0\n${record}\n${script}\n`);
  chmodSync(file, 0o755);
  return () => readFileSync(log, 'utf8');
}

function offer(environment = rig.environment) {
  return deliver(rig.runner, {
    integrationRef: `refs/${BRANCH}`,
    target: 'main',
    autoCommit: false,
    mode: 'pr',
    pullRequest: { runId: 'r1', title: "It's $done", body: '- task 1\n- task 2\n' },
    environment,
  });
}

const pushed = () => rig.gitIn(remote, ['for-each-ref', '--format=%(refname) %(objectname)']);

test('the branch is pushed and a pull request opened; the checkout stays as it is', async () => {
  const calls = installGh();
  const { files, index } = rig.state();
  expect(await offer()).toEqual({
    kind: 'pull-request',
    commit: tip,
    message: 'The results are offered as a pull request: https://example.com/pull/7.',
    commands: [],
  });
  expect(pushed()).toBe(`refs/heads/orchestrator-r1 ${tip}`);
  expect(calls()).toBe(
    "[pr][create][--head][orchestrator-r1][--base][main][--title][It's $done][--body-file][-]\n- task 1\n- task 2\n",
  );
  expect([rig.state().files, rig.state().index]).toEqual([files, index]);
});

test("the remote and the branch there are those of the user's branch", async () => {
  const calls = installGh();
  rig.git('remote', 'rename', 'origin', 'upstream');
  rig.git('remote', 'add', 'origin', join(rig.root, 'nowhere.git'));
  rig.git('config', 'branch.main.remote', 'upstream');
  rig.git('config', 'branch.main.merge', 'refs/heads/trunk');
  expect((await offer()).kind).toBe('pull-request');
  expect(calls()).toContain('[--base][trunk]');
});

test('a pull request that is open already is found', async () => {
  installGh('[ "$2" = view ] && echo https://example.com/pull/7 && exit 0; echo exists >&2; exit 1');
  expect(await offer()).toMatchObject({
    kind: 'pull-request',
    message: expect.stringContaining('pull/7') as string,
  });
});

test('without gh nothing is pushed, and the two commands do it', async () => {
  // Only what git needs, so that the gh of this machine is not found.
  const git = execFileSync('sh', ['-c', 'command -v git'], { encoding: 'utf8' }).trim();
  symlinkSync(git, join(rig.programs, 'git'));
  const delivery = await offer({ ...rig.environment, PATH: rig.programs });
  expect(delivery).toMatchObject({ kind: 'left', commit: tip });
  expect(pushed()).toBe('');
  const calls = installGh();
  expect(delivery.commands).toHaveLength(2);
  for (const command of delivery.commands) rig.shell(command);
  expect(pushed()).toBe(`refs/heads/orchestrator-r1 ${tip}`);
  expect(calls()).toContain("[--base][main][--title][It's $done][--fill]");
});

test('a gh that fails: what it says, and the command that remains', async () => {
  installGh('echo "no known GitHub host" >&2; exit 1');
  const delivery = await offer();
  expect(delivery).toMatchObject({
    kind: 'left',
    message: expect.stringContaining('no known GitHub host') as string,
  });
  expect(delivery.commands).toEqual([expect.stringMatching(/^gh pr create /)]);
  expect(pushed()).toBe(`refs/heads/orchestrator-r1 ${tip}`);
});

test('a branch of that name with other work is never overwritten', async () => {
  installGh();
  const other = rig.commit([], { z: 'z\n' });
  rig.git('push', '-q', 'origin', `${other}:refs/heads/orchestrator-r1`);
  const delivery = await offer();
  expect(delivery).toMatchObject({ kind: 'left', message: expect.stringMatching(/Pushing/) as string });
  expect(pushed()).toBe(`refs/heads/orchestrator-r1 ${other}`);
});

test('no remote at all', async () => {
  rig.git('remote', 'remove', 'origin');
  const delivery = await offer();
  expect(delivery).toMatchObject({ kind: 'left', message: expect.stringMatching(/no remote/) as string });
  rig.shell(delivery.commands[0] ?? '');
  expect(rig.git('rev-parse', 'HEAD')).toBe(tip);
});
