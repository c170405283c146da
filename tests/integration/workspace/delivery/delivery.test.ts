import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { deliver, type DeliveryOptions } from '../../../../src/workspace/delivery/delivery.ts';
import { CheckoutRig } from '../../../rig/checkout-rig.ts';

const BRANCH = 'orchestrator/integration/main';
const DELIVERED = 'refs/orchestrator/deliveries/main';

let rig: CheckoutRig;
let base: string;
beforeEach(() => {
  rig = new CheckoutRig();
  base = rig.commit([], { '.gitignore': '*.log\n', a: 'a\n', b: 'b\n', 'dir/c': 'c\n' });
  rig.git('update-ref', 'refs/heads/main', base);
  rig.git('reset', '-q', '--hard');
});
afterEach(() => {
  rig.remove();
});

function integrate(changes: Readonly<Record<string, string | null>>, parent = base): string {
  const commit = rig.commit([parent], changes);
  rig.git('update-ref', `refs/${BRANCH}`, commit);
  return commit;
}

function deliverWith(options: Partial<DeliveryOptions> = {}) {
  return deliver(rig.runner, {
    integrationRef: `refs/${BRANCH}`,
    target: 'main',
    autoCommit: false,
    mode: 'checkout',
    pullRequest: { runId: 'r1', title: 'Results', body: '' },
    environment: rig.environment,
    ...options,
  });
}

const at = (path: string): string => join(rig.top, path);
const write = (path: string, content: string) => writeFileSync(at(path), content);
const read = (path: string): string => readFileSync(at(path), 'utf8');

function hook(name: string, script: string): void {
  writeFileSync(at(`.git/hooks/${name}`), `#!/bin/sh\n${script}\n`);
  chmodSync(at(`.git/hooks/${name}`), 0o755);
}

/** Runs a command that takes results beside changes of the user's. It takes all of them, or says why not and stops. */
function take(command: string, tip: string): boolean {
  let isRefused = false;
  try {
    rig.shell(command);
  } catch (error) {
    isRefused = true;
    expect((error as { stdout: string }).stdout).toContain('CONFLICT');
  }
  expect(isTaken(tip)).toBe(!isRefused);
  expect([rig.git('stash', 'list'), ...rig.state().unfinished]).toEqual(['']);
  expect(rig.shell("grep -rl --exclude-dir=.git '<<<<<<<' . || true")).toBe('');
  return !isRefused;
}

/** Expects that nothing was changed, and returns the command that takes the results. */
async function expectUndelivered(why: RegExp, options: Partial<DeliveryOptions> = {}): Promise<string> {
  const before = rig.state();
  const delivery = await deliverWith(options);
  expect(delivery).toMatchObject({ kind: 'left', message: expect.stringMatching(why) as string });
  expect(rig.state()).toEqual(before);
  expect(delivery.commands).toHaveLength(1);
  return delivery.commands[0] ?? '';
}

const isTaken = (tip: string): boolean => rig.git('merge-base', tip, 'main') === tip;

test('staged: the same tree, not committed', async () => {
  const tip = integrate({ a: 'A\n', 'dir/c': null, 'new/d': 'd\n' });
  expect(await deliverWith()).toMatchObject({ kind: 'staged', commit: tip, commands: [] });
  expect(rig.git('write-tree')).toBe(rig.git('rev-parse', `${tip}^{tree}`));
  expect(rig.git('status', '--porcelain')).toBe('M  a\nD  dir/c\nA  new/d');
  expect(rig.git('rev-parse', 'main', DELIVERED)).toBe(`${base}\n${tip}`);
});

// Other systems do not allow such names.
describe.runIf(process.platform === 'linux')('a file whose name is not UTF-8', () => {
  const NAME = Buffer.from('new/caf\xe9.txt', 'latin1');

  /** Makes a commit that adds such a file, in a folder with such a name. */
  const integrateOdd = (): string => {
    const index = join(rig.root, 'odd-index');
    const tree = rig.shell(
      `export GIT_INDEX_FILE='${index}'; git read-tree ${base}; blob=$(echo odd | git hash-object -w --stdin); ` +
        `printf '100644 %s\\tnew/caf\\351.txt\\n100644 %s\\td\\377r/x\\n' $blob $blob | git update-index --add --index-info; git write-tree`,
    );
    const tip = rig.shell(`git commit-tree -p ${base} -m odd ${tree.trim()}`).trim();
    rig.git('update-ref', `refs/${BRANCH}`, tip);
    return tip;
  };
  const odd = (): Buffer => Buffer.concat([Buffer.from(`${rig.top}/`), NAME]);

  test.each([false, true])(
    'is delivered where nothing is in its way; as a commit: %s',
    async (autoCommit) => {
      const tip = integrateOdd();
      expect((await deliverWith({ autoCommit })).kind).toBe(autoCommit ? 'committed' : 'staged');
      expect(rig.git('write-tree')).toBe(rig.git('rev-parse', `${tip}^{tree}`));
      expect(readFileSync(odd(), 'utf8')).toBe('odd\n');
    },
  );

  test('is not delivered over a file of the user’s, and the command does not overwrite it either', async () => {
    integrateOdd();
    mkdirSync(at('new'));
    writeFileSync(odd(), 'mine\n');
    const { kind, message, commands } = await deliverWith();
    expect([kind, message]).toEqual(['left', expect.stringContaining('in the way: new/caf')]);
    expect(() => rig.shell(commands[0] ?? '')).toThrow('would be overwritten');
    expect(rig.git('diff', '--cached', '--name-only')).toBe('');
    expect(readFileSync(odd(), 'utf8')).toBe('mine\n');
  });

  test('is not delivered where a file of the user’s is in the place of its folder', async () => {
    integrateOdd();
    writeFileSync(Buffer.concat([Buffer.from(`${rig.top}/`), Buffer.from('d\xffr', 'latin1')]), 'mine\n');
    expect(await deliverWith()).toMatchObject({
      kind: 'left',
      message: expect.stringContaining('way: d') as string,
    });
    expect(rig.git('diff', '--cached', '--name-only')).toBe('');
  });
});

test('staged twice, and after a kill before the delivery was recorded: nothing happens the second time', async () => {
  integrate({ a: 'A\n', x: 'x\n' });
  await deliverWith();
  const once = rig.state();
  expect((await deliverWith()).kind).toBe('staged');
  rig.git('update-ref', '-d', DELIVERED);
  expect((await deliverWith()).kind).toBe('staged');
  expect(rig.state()).toEqual(once);
});

test('a later run continues from what was staged, after the user has worked on it', async () => {
  const first = integrate({ a: 'A\n', x: 'x\n' });
  await deliverWith();
  write('x', 'x\nand mine\n');
  const tip = integrate({ a: 'AA\n', y: 'y\n' }, first);
  expect((await deliverWith()).kind).toBe('staged');
  expect(rig.git('write-tree')).toBe(rig.git('rev-parse', `${tip}^{tree}`));
  expect(read('x')).toBe('x\nand mine\n');
  const last = integrate({ x: 'other\n' }, tip);
  const command = await expectUndelivered(/x/);
  expect(command).toContain('git commit');
  expect(rig.git('rev-parse', BRANCH)).toBe(last);
});

test('results that the user has thrown away are delivered as a whole, or not at all', async () => {
  const first = integrate({ a: 'A\n', b: 'B\n' });
  await deliverWith();
  rig.git('reset', '-q', '--hard');
  write('a', 'mine\n');
  rig.git('add', 'a');
  integrate({ y: 'y\n' }, first);
  await expectUndelivered(/a/);
  rig.git('reset', '-q', '--hard');
  expect((await deliverWith()).kind).toBe('staged');
  expect(rig.git('diff', '--cached', '--name-only')).toBe('a\nb\ny');
});

test.each([
  ['a modified file', () => write('a', 'mine\n')],
  ['a deleted file', () => rmSync(at('a'))],
  ['a staged file', () => (write('a', 'mine\n'), rig.git('add', 'a'))],
  ['a renamed file', () => rig.git('mv', 'a', 'moved')],
  ['a file without its mark of a program', () => chmodSync(at('a'), 0o755)],
  [
    'a file, and a link in place of a folder',
    () => rig.shell('echo mine > a && rm -r dir && ln -s nowhere dir'),
  ],
  ['a file that is not to be tracked any more', () => rig.git('rm', '-q', '--cached', 'a')],
])('undelivered for %s, and the command takes it', async (_, soil) => {
  soil();
  const tip = integrate({ a: 'A\n', z: 'z\n' });
  for (const autoCommit of [false, true]) await expectUndelivered(/in the way: a\b/, { autoCommit });
  take(await expectUndelivered(/in the way/, { autoCommit: true }), tip);
});

test.each([
  ['where they do not overlap, takes both', 'A\nb\nc\nd\ne\n', true],
  ['where they overlap, takes nothing and leaves no marks', 'a\nb\nc\nd\nother\n', false],
])('undelivered for edits in the same file: the command, %s', async (_, theirs, isClean) => {
  base = rig.commit([base], { long: 'a\nb\nc\nd\ne\n' });
  for (const autoCommit of [true, false]) {
    rig.git('update-ref', 'refs/heads/main', base);
    rig.git('reset', '-q', '--hard');
    const tip = integrate({ long: theirs });
    write('long', 'a\nb\nc\nd\nmine\n');
    const command = await expectUndelivered(/in the way: long/, { autoCommit });
    if (autoCommit || !isClean) expect(take(command, tip)).toBe(isClean);
    else rig.shell(command);
    expect(read('long')).toBe(isClean ? 'A\nb\nc\nd\nmine\n' : 'a\nb\nc\nd\nmine\n');
  }
});

test.each([
  ['an untracked file', 'new', () => write('new', 'mine\n')],
  ['an ignored file', 'out.log', () => write('out.log', 'mine\n')],
  ['an ignored file in place of a folder', 'x.log/y', () => write('x.log', 'mine\n')],
  [
    'a folder with ignored files in place of a file',
    'folder',
    () => rig.shell('mkdir folder && echo mine > folder/x.log'),
  ],
  [
    'a file that is not to be tracked any more, and that the results remove',
    'a',
    () => rig.git('rm', '-q', '--cached', 'a'),
    null,
  ],
  ['a link to a folder', 'link/y', () => symlinkSync('dir', at('link'))],
])(
  'undelivered for %s, and the command takes it',
  async (_, path, soil, theirs: string | null = 'theirs\n') => {
    soil();
    const tip = integrate({ [path]: theirs, z: 'z\n' });
    const staging = await expectUndelivered(/in the way/);
    expect(staging).toContain('--squash');
    rig.shell(await expectUndelivered(/in the way/, { autoCommit: true }));
    expect(isTaken(tip)).toBe(true);
    expect(existsSync(at(path)) ? read(path) : null).toBe(theirs);
    const mine = path.split('/')[0] ?? '';
    expect(existsSync(at(`${mine}.mine`))).toBe(true);
  },
);

test('undelivered for a folder with ignored files in place of a changed file: the command does not let git lose them', async () => {
  rig.shell('rm a && mkdir a && echo mine > a/x.log');
  const tip = integrate({ a: 'A\n' });
  take(await expectUndelivered(/in the way: a\./, { autoCommit: true }), tip);
  expect(read('a/x.log')).toBe('mine\n');
});

test('undelivered for a file that is no longer tracked in a folder that is removed: the folder is moved once', async () => {
  rig.git('rm', '-q', '--cached', 'dir/c');
  const tip = integrate({ dir: 'theirs\n' });
  take(await expectUndelivered(/in the way: dir\b/, { autoCommit: true }), tip);
  expect(rig.shell('cat dir.mine/c dir/c 2>/dev/null || true')).toBe('c\n');
});

test('an intent to add is a change of the user', async () => {
  write('new', '');
  rig.git('add', '-N', 'new');
  integrate({ new: '' });
  for (const autoCommit of [false, true]) await expectUndelivered(/in the way: new/, { autoCommit });
});

test.each([
  ['where a file comes', 'new', () => (write('new', 'mine\n'), rig.git('add', '-N', 'new'))],
  ['of an ignored file', 'x.log', () => (write('x.log', 'mine\n'), rig.git('add', '-fN', 'x.log'))],
  [
    'in an ignored folder',
    'd.log/x',
    () => rig.shell('mkdir d.log && echo mine > d.log/x && git add -fN d.log/x'),
  ],
  ['of a file that goes', 'a', () => (rig.git('rm', '-q', '--cached', 'a'), rig.git('add', '-N', 'a'))],
  [
    'elsewhere than another edit',
    'b',
    () => (write('b', 'mine\n'), write("my 'own'", 'mine\n'), rig.git('add', '-N', "my 'own'")),
  ],
])('undelivered for an intent to add %s, and the command takes it or says why not', async (_, path, soil) => {
  soil();
  const tip = integrate({
    a: null,
    b: 'B\n',
    new: 'theirs\n',
    'x.log': 'theirs\n',
    'd.log/x': 'theirs\n',
  });
  await expectUndelivered(new RegExp(`in the way: ${path}\\.`));
  const command = await expectUndelivered(new RegExp(`in the way: ${path}\\.`), { autoCommit: true });
  take(command, tip);
});

test('an intent to add a file anew that the results remove: staged as it is, and the file stays', async () => {
  const tip = integrate({ a: null });
  await deliverWith();
  write('a', 'mine\n');
  rig.git('add', '-N', 'a');
  const before = rig.state();
  expect((await deliverWith()).kind).toBe('staged');
  expect(rig.state()).toEqual(before);
  // The user would now commit exactly what was delivered. Their own file is not added yet.
  expect(rig.git('write-tree')).toBe(rig.git('rev-parse', `${tip}^{tree}`));
  integrate({ a: 'A\n' }, tip);
  await expectUndelivered(/in the way: a\./);
});

test('committed: fast forward with the hooks of the user, other edits in place', async () => {
  hook('post-merge', 'echo ran > "$PWD/hook.log"');
  write('b', 'mine\n');
  const tip = integrate({ a: 'A\n' });
  expect(await deliverWith({ autoCommit: true })).toMatchObject({ kind: 'committed', commit: tip });
  expect(rig.git('rev-parse', 'HEAD', DELIVERED)).toBe(`${tip}\n${tip}`);
  expect(rig.git('status', '--porcelain')).toBe(' M b');
  expect(read('hook.log')).toBe('ran\n');
});

describe('the branch has moved meanwhile', () => {
  function moved(changes: Readonly<Record<string, string>>): string {
    const commit = rig.commit([base], changes);
    rig.git('reset', '-q', '--hard', commit);
    return commit;
  }

  test('without a conflict: a merge commit, or the merged tree staged', async () => {
    const tip = integrate({ a: 'A\n' });
    const head = moved({ b: 'B\n' });
    expect((await deliverWith()).kind).toBe('staged');
    expect(rig.git('diff', '--cached', '--name-only')).toBe('a');
    rig.git('reset', '-q', '--hard');
    rig.git('config', 'merge.ff', 'only');
    expect((await deliverWith({ autoCommit: true })).kind).toBe('committed');
    expect(rig.git('show', '-s', '--format=%P', 'HEAD')).toBe(`${head} ${tip}`);
    expect([read('a'), read('b')]).toEqual(['A\n', 'B\n']);
  });

  test('with a conflict: undelivered, and the command leads the user to the conflict', async () => {
    const tip = integrate({ a: 'A\n' });
    moved({ a: 'other\n' });
    await expectUndelivered(/conflicts with the results: a/);
    const command = await expectUndelivered(/conflicts/, { autoCommit: true });
    expect(() => rig.shell(command)).toThrow();
    rig.shell('git checkout --theirs a && git add a && git commit -qm merged');
    expect(isTaken(tip)).toBe(true);
  });

  test('with a conflict, and what was staged before: the command puts that aside', async () => {
    const first = integrate({ b: 'B\n' });
    await deliverWith();
    rig.git('update-ref', 'refs/heads/main', rig.commit([base], { a: 'other\n' }));
    rig.shell('git reset -q -- a && git checkout -q -- a');
    integrate({ a: 'A\n' }, first);
    const command = await expectUndelivered(/conflicts with the results: a/);
    expect(() => rig.shell(command)).toThrow();
    expect(rig.git('diff', '--name-only', '--diff-filter=U')).toBe('a');
  });

  test('with a file in the way, and another staged: the command puts both aside', async () => {
    integrate({ new: 'theirs\n' });
    moved({ b: 'B\n' });
    write('new', 'mine\n');
    write('dir/c', 'mine\n');
    rig.git('add', 'dir/c');
    rig.shell(await expectUndelivered(/in the way: new/));
    // Git restores what it has stashed for a merge when the merge is committed.
    rig.git('commit', '-qm', 'taken');
    expect([read('new'), read('new.mine'), read('dir/c')]).toEqual(['theirs\n', 'mine\n', 'mine\n']);
  });

  test('a hook or a signature that refuses the merge: everything is as before', async () => {
    const tip = integrate({ a: 'A\n', n: 'n\n' });
    moved({ b: 'B\n' });
    hook('pre-merge-commit', 'echo changed >> a; echo no thanks >&2; exit 1');
    const refs = rig.git('for-each-ref');
    const delivery = await deliverWith({ autoCommit: true });
    expect(delivery).toMatchObject({
      kind: 'left',
      message: expect.stringContaining('no thanks') as string,
    });
    expect(rig.git('status', '--porcelain')).toBe('');
    expect(rig.git('for-each-ref')).toBe(refs);
    expect(rig.state().unfinished).toEqual([]);
    rmSync(at('.git/hooks/pre-merge-commit'));
    rig.git('config', 'commit.gpgSign', 'true');
    rig.git('config', 'gpg.program', 'false');
    await expectUndelivered(/sign/, { autoCommit: true });
    rig.git('config', 'commit.gpgSign', 'false');
    rig.shell(delivery.commands[0] ?? '');
    expect(isTaken(tip)).toBe(true);
  });

  test('with staged changes: no merge commit may take them', async () => {
    integrate({ a: 'A\n' });
    moved({ b: 'B\n' });
    write('dir/c', 'mine\n');
    rig.git('add', 'dir/c');
    rig.shell(await expectUndelivered(/dir\/c/, { autoCommit: true }));
    expect(read('dir/c')).toBe('mine\n');
  });
});

describe('the branch is no longer checked out', () => {
  test('and is checked out nowhere: it is only fast-forwarded', async () => {
    const tip = integrate({ a: 'A\n' });
    rig.git('checkout', '-q', '-b', 'other');
    rig.shell(
      `${await expectUndelivered(/main is not checked out/)} && git reset -q --hard && git switch -q other`,
    );
    const before = rig.state();
    expect((await deliverWith({ autoCommit: true })).kind).toBe('committed');
    expect(rig.git('rev-parse', 'main')).toBe(tip);
    expect(rig.state().files).toEqual(before.files);
    rig.git('update-ref', 'refs/heads/main', rig.commit([base], { b: 'B\n' }));
    rig.shell(await expectUndelivered(/changed meanwhile/, { autoCommit: true }));
    expect(isTaken(tip)).toBe(true);
  });

  test('checked out in another worktree, or being rebased there', async () => {
    const tip = integrate({ a: 'A\n' });
    rig.git('checkout', '-q', '-b', 'other');
    const worktree = join(rig.root, 'their worktree');
    rig.git('worktree', 'add', '-q', worktree, 'main');
    const command = await expectUndelivered(/checked out in .*their worktree/, { autoCommit: true });
    expect(() => rig.gitIn(worktree, ['rebase', '-q', '--root', '--exec', 'false'])).toThrow();
    await expectUndelivered(/checked out in .*their worktree/, { autoCommit: true });
    rig.gitIn(worktree, ['rebase', '--abort']);
    rig.shell(command);
    expect(isTaken(tip)).toBe(true);
  });

  test('deleted', async () => {
    const tip = integrate({ a: 'A\n' });
    rig.git('checkout', '-q', '-b', 'other');
    rig.git('branch', '-q', '-D', 'main');
    rig.shell(await expectUndelivered(/main no longer exists/));
    expect(rig.git('rev-parse', 'main')).toBe(tip);
  });

  test('HEAD was detached', async () => {
    rig.git('checkout', '-q', '--detach');
    const tip = integrate({ a: 'A\n' });
    expect((await deliverWith({ target: null })).kind).toBe('staged');
    rig.git('reset', '-q', '--hard');
    expect((await deliverWith({ target: null, autoCommit: true })).kind).toBe('committed');
    expect(rig.git('rev-parse', 'HEAD')).toBe(tip);
    rig.git('checkout', '-q', '--detach', rig.commit([base], { b: 'B\n' }));
    await expectUndelivered(/elsewhere/, { target: null });
    rig.git('checkout', '-q', 'main');
    await expectUndelivered(/is on a branch now/, { target: null });
  });
});

describe('git has not finished in the checkout', () => {
  test('an unfinished merge, conflicts, a lock', async () => {
    const tip = integrate({ a: 'A\n' });
    write('.git/MERGE_HEAD', base);
    await expectUndelivered(/merge is unfinished/);
    rmSync(at('.git/MERGE_HEAD'));
    write('.git/index.lock', '');
    const command = await expectUndelivered(/index\.lock/, { autoCommit: true });
    rmSync(at('.git/index.lock'));
    rig.shell(command);
    expect(isTaken(tip)).toBe(true);
  });

  test('a lock that is held for a moment is waited for', async () => {
    integrate({ a: 'A\n' });
    write('.git/index.lock', '');
    const delivering = deliverWith();
    setTimeout(() => rmSync(at('.git/index.lock')), 100);
    expect((await delivering).kind).toBe('staged');
  });
});

test('a file that cannot be written: what was written before it is undone', async () => {
  // A filter program writes the file and fails like a full disk.
  rig.git('config', 'filter.broken.smudge', 'false');
  rig.git('config', 'filter.broken.required', 'true');
  write('.git/info/attributes', 'z filter=broken\n');
  integrate({ a: 'A\n', b: null, 'fresh/f': 'f\n', z: 'z\n' });
  await expectUndelivered(/everything is as before/);
  await expectUndelivered(/everything is as before/, { autoCommit: true });
});

test('a branch: one that is there for results only and is only fast-forwarded', async () => {
  const first = integrate({ a: 'A\n' });
  const options = { mode: 'branch', autoCommit: true } as const;
  const { kind, commands } = await deliverWith(options);
  expect([kind, rig.git('rev-parse', 'orchestrator-main'), isTaken(first)]).toEqual(['branch', first, false]);
  const tip = integrate({ a: 'A\n', b: 'B\n' }, first);
  expect((await deliverWith(options)).kind).toBe('branch');
  expect(rig.git('rev-parse', 'orchestrator-main')).toBe(tip);
  rig.git('branch', '-qf', 'orchestrator-main', rig.commit([base], { mine: 'mine\n' }));
  rig.shell(await expectUndelivered(/has commits that are not among the results/, options));
  expect(rig.git('rev-parse', `orchestrator-main-${tip.slice(0, 8)}`)).toBe(tip);
  rig.git('branch', '-qf', 'orchestrator-main', tip);
  rig.shell(commands[0] ?? '');
  expect(isTaken(tip)).toBe(true);
});

test('nothing to deliver, and no git at all', async () => {
  expect(await deliverWith()).toMatchObject({ kind: 'none', commit: null });
  integrate({ a: 'A\n' });
  expect((await deliverWith({ autoCommit: true })).kind).toBe('committed');
  expect(await deliverWith()).toMatchObject({ kind: 'none' });
  rmSync(at('.git'), { recursive: true });
  expect(await deliverWith()).toMatchObject({ kind: 'left', commit: null });
});
