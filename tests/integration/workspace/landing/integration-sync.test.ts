import { afterEach, beforeEach, expect, test } from 'vitest';
import { Failed, type Failure } from '../../../../src/domain/failure.ts';
import { checkIntegration } from '../../../../src/workspace/worktrees.ts';
import { LandingRig } from '../../../rig/landing-rig.ts';

let rig: LandingRig;
beforeEach(() => {
  rig = new LandingRig();
});
afterEach(() => {
  rig.remove();
});

/** A run that lands one change. */
async function run(files: Record<string, string | null>): Promise<string> {
  const integration = await rig.open();
  return rig.land(integration, await rig.work(integration, files));
}

function deliverTo(commit: string): void {
  rig.git('update-ref', 'refs/orchestrator/deliveries/main', commit);
}

/** What `check` finds. It does the same as a run and leaves no trace. */
async function rehearsed(): Promise<Failure | undefined> {
  const before = { ...rig.state(), objects: rig.git('count-objects', '-v') };
  const found = await checkIntegration(rig.top, rig.environment, 'main');
  expect({ ...rig.state(), objects: rig.git('count-objects', '-v') }).toEqual(before);
  return found;
}

async function refusal(): Promise<Failed> {
  const error = await rig.open().catch((thrown: unknown) => thrown);
  if (!(error instanceof Failed)) throw new Error(`Expected a failure, got ${String(error)}.`);
  return error;
}

test('it begins at the branch of the user, and follows it while it is behind', async () => {
  expect(await (await rig.open()).tip()).toBe(rig.git('rev-parse', 'HEAD'));
  const ahead = rig.userCommits({ 'a.txt': 'more\n' });
  const integration = await rig.open();
  expect(integration.ref).toBe('refs/orchestrator/integration/main');
  expect(await integration.tip()).toBe(ahead);
});

test('it keeps what landed and is not on the branch of the user yet', async () => {
  const landed = await run({ 'new.txt': 'new\n' });
  expect(await (await rig.open()).tip()).toBe(landed);
});

test('it merges what the user has committed meanwhile', async () => {
  const landed = await run({ 'new.txt': 'new\n' });
  const head = rig.userCommits({ 'b.txt': 'edited\n' });
  const tip = await (await rig.open()).tip();
  expect(rig.git('rev-list', '--parents', '-1', tip)).toBe(`${tip} ${landed} ${head}`);
  expect([rig.show(tip, 'new.txt'), rig.show(tip, 'b.txt')]).toEqual(['new', 'edited']);
});

test('it keeps the edits with which the user has committed delivered work', async () => {
  const landed = await run({ 'new.txt': 'new\n', 'a.txt': 'ONE\ntwo\nthree\n' });
  deliverTo(landed);
  const head = rig.userCommits({ 'new.txt': 'mine\n', 'a.txt': 'ONE!\ntwo\nthree\n' });
  const integration = await rig.open();
  const tip = await integration.tip();
  expect(rig.git('rev-list', '--parents', '-1', tip)).toBe(`${tip} ${head} ${landed}`);
  expect(rig.git('diff', '--stat', tip, head)).toBe('');
  expect(integration.notes).toHaveLength(1);
});

test('what landed after that delivery is merged with the edits', async () => {
  deliverTo(await run({ 'new.txt': 'new\n' }));
  const later = await run({ 'later.txt': 'later\n' });
  const head = rig.userCommits({ 'new.txt': 'mine\n' });
  const integration = await rig.open();
  const tip = await integration.tip();
  expect([rig.show(tip, 'new.txt'), rig.show(tip, 'later.txt')]).toEqual(['mine', 'later']);
  for (const commit of [later, head]) expect(await integration.contains(commit)).toBe(true);
});

test('results that were committed unchanged and reverted later do not come back', async () => {
  const landed = await run({ 'new.txt': 'new\n', 'a.txt': 'ONE\ntwo\nthree\n' });
  deliverTo(landed);
  rig.userCommits({ 'new.txt': 'new\n', 'a.txt': 'ONE\ntwo\nthree\n' });
  rig.git('revert', '--no-edit', 'HEAD');
  const integration = await rig.open();
  const tip = await integration.tip();
  expect(rig.git('diff', '--stat', tip, 'HEAD')).toBe('');
  expect(await integration.contains(landed)).toBe(true);
});

test('a delivery that the user has not committed does not count as undone', async () => {
  deliverTo(await run({ 'new.txt': 'new\n', 'a.txt': 'ONE\ntwo\nthree\n' }));
  const tip = rig.git('rev-parse', 'orchestrator/integration/main');
  rig.userCommits({ 'a.txt': 'eins\ntwo\nthree\n' });
  const { failure } = await refusal();
  expect(failure.message).toContain('a.txt');
  expect(rig.git('rev-parse', 'orchestrator/integration/main')).toBe(tip);
});

test('in a conflict it names commands that work', async () => {
  await run({ 'a.txt': 'ONE\ntwo\nthree\n' });
  rig.userCommits({ 'a.txt': 'eins\ntwo\nthree\n' });
  const { failure } = await refusal();
  const [merge = '', rename = ''] = [/git merge [^,]+/, /git branch -m .+/].map(
    (it) => it.exec(failure.fix ?? '')?.[0],
  );
  expect(() => rig.shell(merge)).toThrow();
  rig.shell('echo both > a.txt && git commit -qam resolved');
  expect(await (await rig.open()).tip()).toBe(rig.git('rev-parse', 'HEAD'));
  rig.shell(rename);
  expect(await (await rig.open()).tip()).toBe(rig.git('rev-parse', 'HEAD'));
});

test('a check finds what a run refuses, in the same words, and changes nothing', async () => {
  expect(await rehearsed()).toBeUndefined();
  deliverTo(await run({ 'new.txt': 'new\n' }));
  await run({ 'a.txt': 'ONE\ntwo\nthree\n' });
  rig.userCommits({ 'new.txt': 'mine\n' });
  expect(await rehearsed(), 'which makes two commits and merges them').toBeUndefined();
  rig.userCommits({ 'a.txt': 'eins\ntwo\nthree\n' });
  expect(await rehearsed()).toEqual((await refusal()).failure);
});

test('a check finds that no commit can be signed', async () => {
  rig.git('config', 'commit.gpgSign', 'true');
  rig.git('config', 'gpg.program', 'false');
  expect(await rehearsed()).toEqual((await refusal()).failure);
  expect((await refusal()).failure.message).toContain('could not sign');
});

test('a detached HEAD has a branch of its own', async () => {
  rig.git('checkout', '-q', '--detach');
  const integration = await rig.open(null);
  expect(integration.ref).toBe('refs/orchestrator/integration/+detached');
  expect(await integration.tip()).toBe(rig.git('rev-parse', 'HEAD'));
});

test.each(['orchestrator', 'orchestrator/integration', 'orchestrator/integration/main/more'])(
  'a branch of the user that is called %s is in nobody’s way',
  async (name) => {
    rig.git('branch', name);
    const integration = await rig.open();
    expect(integration.notes).toEqual([]);
    expect(rig.git('rev-parse', integration.ref)).toBe(rig.git('rev-parse', 'HEAD'));
  },
);

test('a branch that takes the place of one it is named below has results of its own', async () => {
  rig.git('checkout', '-q', '-b', 'feat');
  const before = await rig.open('feat');
  rig.git('checkout', '-q', '--detach');
  rig.git('branch', '-qD', 'feat');
  rig.git('checkout', '-q', '-b', 'feat/x');
  const integration = await rig.open('feat/x');
  expect(integration.ref).not.toBe(before.ref);
  expect(await integration.tip()).toBe(rig.git('rev-parse', 'HEAD'));
});

test('nothing of the user is touched, whatever is dirty', async () => {
  await run({ 'new.txt': 'new\n' });
  rig.userCommits({ 'b.txt': 'edited\n' });
  rig.shell('echo staged > a.txt && git add a.txt && echo dirty > a.txt && echo untracked > u.txt');
  const before = rig.state();
  await rig.open();
  expect({ ...rig.state(), refs: null }).toEqual({ ...before, refs: null });
});

test('what landed on a branch that somebody deletes stays reachable, and does not come back by itself', async () => {
  const landed = await run({ 'new.txt': 'new\n' });
  rig.git('update-ref', '-d', 'refs/orchestrator/integration/main');
  const integration = await rig.open();
  expect(await integration.tip()).toBe(rig.git('rev-parse', 'HEAD'));
  const [, command = ''] = /(git branch kept-results .+)/.exec(integration.notes.join()) ?? [];
  await run({ 'other.txt': 'other\n' });
  rig.shell(command);
  expect(rig.git('rev-parse', 'kept-results')).toBe(landed);
  rig.git('branch', '-qD', 'kept-results');
  expect(rig.git('for-each-ref', '--contains', landed)).toContain('refs/orchestrator/');
});
