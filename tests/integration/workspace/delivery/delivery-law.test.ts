import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { deliver } from '../../../../src/workspace/delivery/delivery.ts';
import { CheckoutRig } from '../../../rig/checkout-rig.ts';
import { cases } from '../../../rig/effort.ts';

const INTEGRATION_REFS = 'refs/orchestrator/integration/main';
const DELIVERED = 'refs/orchestrator/deliveries/main';

const BASE: Readonly<Record<string, string>> = {
  '.gitignore': '*.log\nignored/\n',
  a: 'a\n',
  b: 'b\n',
  'dir/c': 'c\n',
  'dir/d': 'd\n',
  'dir/deep/e': 'e\n',
  'with space/ünï "q"': 'q\n',
};
/** Some of them are folders of others, some are ignored. */
const PATHS = [...Object.keys(BASE), 'new', 'new/n', 'dir', 'dir/new', 'a/in', 'x.log', 'ignored/i'];
const path = fc.constantFrom(...PATHS);
const content = fc.constantFrom('one\n', 'two\n', '');
// Git merges with an empty file without a conflict, so the law would need a rule for it.
const committed = fc.constantFrom('one\n', 'two\n');
const changes = fc.dictionary(path, fc.option(committed, { nil: null, freq: 3 }), { minKeys: 1, maxKeys: 4 });

const KINDS = [
  'edit',
  'stage',
  'partly stage',
  'remove',
  'unstage',
  'rename',
  'write',
  'intend',
  'stash',
  'executable',
  'link',
  'folder',
  'skip',
] as const;
const dirt = fc.array(fc.record({ kind: fc.constantFrom(...KINDS), path, to: path, content }), {
  maxLength: 5,
});

let rig: CheckoutRig;
let base: string;
beforeAll(() => {
  rig = new CheckoutRig();
  base = rig.commit([], BASE);
  rig.git('update-ref', 'refs/heads/main', base);
  rig.git('reset', '-q', '--hard');
  cpSync(rig.top, join(rig.root, 'template'), { recursive: true });
});
afterAll(() => {
  rig.remove();
});

test('a delivery is complete, and touches nothing else of the user', async () => {
  const seen = new Map<string, number>();
  await fc.assert(
    fc.asyncProperty(
      fc.record({
        earlier: fc.option(changes),
        later: changes,
        moved: fc.option(changes, { freq: 2 }),
        dirt,
        autoCommit: fc.boolean(),
      }),
      async ({ earlier, later, moved, dirt: dirty, autoCommit }) => {
        rmSync(rig.top, { recursive: true, force: true });
        cpSync(join(rig.root, 'template'), rig.top, { recursive: true, preserveTimestamps: true });
        const options = optionsFor(autoCommit);
        let tip = base;
        if (earlier !== null) {
          tip = integrate(tip, earlier);
          await deliver(rig.runner, options);
        }
        if (moved !== null) userCommits(moved);
        for (const step of dirty) tryTo(() => soil(step));
        tip = integrate(tip, later);

        const head = rig.git('rev-parse', 'HEAD');
        const before = rig.state();
        const delivery = await deliver(rig.runner, options);
        const after = rig.state();
        seen.set(delivery.kind, (seen.get(delivery.kind) ?? 0) + 1);

        const isKept = delivery.kind === 'left' || delivery.kind === 'none';
        if (isKept) expect(after).toEqual(before);
        const wanted = mergeByFile(head, tip);
        const former = autoCommit ? [] : formerlyDelivered(before, head);
        const touched =
          wanted === undefined ? [] : [...new Set([...differing(treeOf(head), wanted), ...former])];
        if (!isKept) {
          if (wanted === undefined) throw new Error('a conflict was delivered');
          expectDelivered({ before, after, wanted, touched, head, tip, autoCommit });
        }
        if (touched.length > 0 && isOutOfTheWay(before, head, touched, autoCommit, tip))
          expect(delivery).toMatchObject({ kind: autoCommit ? 'committed' : 'staged' });

        const again = await deliver(rig.runner, options);
        expect(again.kind).toBe(delivery.kind === 'committed' ? 'none' : delivery.kind);
        expect(rig.state()).toEqual(after);
      },
    ),
    { numRuns: cases(250, 40), interruptAfterTimeLimit: 60_000, markInterruptAsFailure: false },
  );
  for (const kind of ['left', 'staged', 'committed']) expect(seen.get(kind) ?? 0).toBeGreaterThan(0);
});

function optionsFor(autoCommit: boolean) {
  return {
    integrationRef: INTEGRATION_REFS,
    target: 'main',
    autoCommit,
    mode: 'checkout' as const,
    pullRequest: { runId: 'r1', title: 'Results', body: '' },
    environment: rig.environment,
  };
}

function integrate(tip: string, changed: Readonly<Record<string, string | null>>): string {
  const commit = rig.commit([tip], written(changed));
  rig.git('update-ref', INTEGRATION_REFS, commit);
  return commit;
}

/**
 * Different paths never have the same content. The law computes merges file by file. Git takes a deleted file and a new
 * file like it for a renamed one, whatever `merge.renames` says, and the law must not depend on that.
 */
function textAt(name: string, text: string): string {
  return text === '' ? '' : `${name} ${text}`;
}

/** Changed files, with the text at these paths. */
function written(changed: Readonly<Record<string, string | null>>): Record<string, string | null> {
  return Object.fromEntries(
    Object.entries(changed).map(([name, text]) => [name, text === null ? null : textAt(name, text)]),
  );
}

/** Makes a commit from the user's checkout and keeps everything else that they have there. */
function userCommits(changed: Readonly<Record<string, string | null>>): void {
  const head = rig.git('rev-parse', 'HEAD');
  const commit = rig.commit([head], written(changed));
  tryTo(() => {
    rig.git('read-tree', '-m', '-u', head, commit);
    rig.git('update-ref', 'HEAD', commit);
  });
}

interface Step {
  readonly kind: (typeof KINDS)[number];
  readonly path: string;
  readonly to: string;
  readonly content: string;
}

function soil({ kind, path: name, to, content }: Step): void {
  const text = textAt(name, content);
  const file = join(rig.top, name);
  const write = (what: string) => {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, what);
  };
  switch (kind) {
    case 'edit':
    case 'write': {
      write(`${text}mine\n`);
      return;
    }
    case 'stage':
      write(text);
      rig.git('add', '-f', '--', name);
      return;
    case 'partly stage':
      write(text);
      rig.git('add', '-f', '--', name);
      {
        write(`${text}mine\n`);
        return;
      }
    case 'remove': {
      rmSync(file, { recursive: true });
      return;
    }
    case 'unstage':
      rig.git('rm', '-q', '-r', '--cached', '--', name);
      return;
    case 'rename':
      rig.git('mv', '--', name, to);
      return;
    case 'intend':
      write(text);
      rig.git('add', '-f', '-N', '--', name);
      return;
    case 'stash':
      rig.git('stash', 'push', '-q', '--include-untracked');
      return;
    case 'executable': {
      chmodSync(file, 0o755);
      return;
    }
    case 'link':
      rmSync(file, { recursive: true, force: true });
      {
        symlinkSync('b', file);
        return;
      }
    case 'folder':
      renameSync(file, `${file}.moved`);
      mkdirSync(file);
      {
        writeFileSync(join(file, 'mine.log'), text);
        return;
      }
    case 'skip':
      // Git never looks at a skipped file again, so it has to know beforehand that the copied file is the same.
      tryTo(() => rig.git('update-index', '-q', '--refresh'));
      rig.git('update-index', '--skip-worktree', '--', name);
  }
}

type State = ReturnType<CheckoutRig['state']>;
type Tree = ReadonlyMap<string, string>;

/** Files by path, as `mode id`. */
function treeOf(commit: string): Tree {
  const lines = rig.git('ls-tree', '-r', '-z', commit).split('\0').filter(Boolean);
  return new Map(
    lines.map((line) => {
      const [entry = '', name = ''] = line.split('\t');
      const [mode, , id] = entry.split(' ');
      return [name, `${mode} ${id}`];
    }),
  );
}

/** Merges two commits file by file; undefined where they conflict. */
function mergeByFile(head: string, tip: string): Tree | undefined {
  const origin = treeOf(rig.git('merge-base', head, tip));
  const [ours, theirs] = [treeOf(head), treeOf(tip)];
  const merged = new Map<string, string>();
  for (const name of new Set([...origin.keys(), ...ours.keys(), ...theirs.keys()])) {
    const [o, a, b] = [origin.get(name), ours.get(name), theirs.get(name)];
    if (a !== b && a !== o && b !== o) return undefined;
    const entry = a === o ? b : a;
    if (entry !== undefined) merged.set(name, entry);
  }
  const names = [...merged.keys()];
  return names.some((name) => names.some((other) => other.startsWith(`${name}/`))) ? undefined : merged;
}

/** The paths of an earlier delivery, if the index still has all of it. The next delivery may remove them again. */
function formerlyDelivered(state: State, head: string): string[] {
  const delivered = state.refs.get(DELIVERED);
  const tree = delivered === undefined ? undefined : mergeByFile(head, delivered);
  if (tree === undefined) return [];
  const names = differing(treeOf(head), tree);
  return names.every((name) => inIndex(state, name) === tree.get(name)) ? names : [];
}

/**
 * `mode id` of a path in the tree that the user would commit; a path that is only intended to be added is not in it.
 */
function inIndex(state: State, name: string): string | undefined {
  const [mode, id, , flags = ''] = state.index.get(name)?.split(' ') ?? [];
  return mode === undefined || isIntended(flags) ? undefined : `${mode} ${id}`;
}

/** Git's CE_INTENT_TO_ADD. */
function isIntended(flags: string): boolean {
  return (Number.parseInt(flags, 16) & 0x2000_0000) !== 0;
}

function differing(one: Tree, other: Tree): string[] {
  return [...new Set([...one.keys(), ...other.keys()])].filter((name) => one.get(name) !== other.get(name));
}

interface Delivered {
  readonly before: State;
  readonly after: State;
  readonly wanted: Tree;
  readonly touched: readonly string[];
  readonly head: string;
  readonly tip: string;
  readonly autoCommit: boolean;
}

function expectDelivered({ before, after, wanted, touched, head, tip, autoCommit }: Delivered): void {
  // A path that is already staged as wanted stays as it is: the file on disk may have more changes of the user's.
  const moved = touched.filter((name) => inIndex(before, name) !== wanted.get(name));
  for (const name of touched) expect([name, inIndex(after, name)]).toEqual([name, wanted.get(name)]);
  for (const name of moved) expect([name, after.files.get(name)]).toEqual([name, fileOf(wanted.get(name))]);
  expect(without(after.files, moved)).toEqual(without(before.files, moved));
  expect(without(after.index, moved)).toEqual(without(before.index, moved));
  expect(after.stash).toBe(before.stash);
  expect(after.head).toBe(before.head);
  expect(after.unfinished).toEqual(before.unfinished);
  const refs = [DELIVERED, ...(autoCommit ? ['refs/heads/main'] : [])];
  expect(without(after.refs, refs)).toEqual(without(before.refs, refs));
  expect(after.refs.get(DELIVERED)).toBe(tip);
  if (!autoCommit) return;
  const now = rig.git('rev-parse', 'HEAD');
  expect(differing(treeOf(now), wanted)).toEqual([]);
  if (now !== tip) expect(rig.git('show', '-s', '--format=%P', now)).toBe(`${head} ${tip}`);
}

function fileOf(entry: string | undefined): string | undefined {
  if (entry === undefined) return undefined;
  const [mode = '', id = ''] = entry.split(' ');
  const text = execFileSync('git', ['cat-file', 'blob', id], { cwd: rig.top, encoding: 'utf8' });
  return `${mode} ${text}`;
}

function without<T>(map: ReadonlyMap<string, T>, names: readonly string[]): Map<string, T> {
  return new Map([...map].filter(([name]) => !names.includes(name)));
}

/** Whether no file of the user's, tracked or not, is where the delivery needs to write. */
function isOutOfTheWay(
  state: State,
  head: string,
  touched: readonly string[],
  autoCommit: boolean,
  tip: string,
): boolean {
  const committed = treeOf(head);
  const entries = new Map(
    [...state.index].map(([name, entry]) => [name, entry.split(' ').slice(0, 2).join(' ')]),
  );
  const onDisk = new Map([...state.files].map(([name, file]) => [name, file] as const));
  const staged = differing(committed, entries);
  const isMerge = rig.git('merge-base', head, tip) !== head;
  if (autoCommit && isMerge && staged.length > 0) return false;
  const edited = [...new Set([...entries.keys(), ...onDisk.keys()])].filter(
    (name) => fileOf(entries.get(name)) !== onDisk.get(name),
  );
  const theirs = [...staged, ...edited];
  return !theirs.some((name) =>
    touched.some((other) => name === other || name.startsWith(`${other}/`) || other.startsWith(`${name}/`)),
  );
}

function tryTo(act: () => void): void {
  try {
    act();
  } catch {
    // Not every action is possible in every state. Only the actions that were done count.
  }
}
