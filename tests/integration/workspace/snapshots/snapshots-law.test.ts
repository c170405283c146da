import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { filesIn } from '../../../rig/checkout-rig.ts';
import { LandingRig } from '../../../rig/landing-rig.ts';
import { cases } from '../../../rig/effort.ts';

const PATHS = [
  'a',
  'b',
  'dir/c',
  'dir/d',
  'dir',
  'deep/er/e',
  'x.log',
  'née "q"\n.txt',
  '-n',
  ':(top)',
] as const;
const BRANCHES = ['one', 'two'] as const;

type Step =
  | { readonly kind: 'write' | 'link'; readonly path: string; readonly content: string }
  | { readonly kind: 'remove' | 'run'; readonly path: string }
  | { readonly kind: 'move'; readonly path: string; readonly to: string }
  | { readonly kind: 'git'; readonly args: readonly string[] }
  | { readonly kind: 'repository'; readonly path: string; readonly committed: boolean }
  | { readonly kind: 'lock' | 'keep' | 'no-index' };

const path = fc.constantFrom(...PATHS);
const branch = fc.constantFrom(...BRANCHES);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('write' as const),
      path,
      // All have the same length and are written in the same instant, so only their content differs.
      content: fc.constantFrom('aaaa\n', 'bbbb\n', 'cccc\n', '\0\u0001', ''),
    }),
  },
  fc.record({ kind: fc.constant('link' as const), path, content: fc.constantFrom('a', '../out', 'dir') }),
  fc.record({ kind: fc.constantFrom('remove' as const, 'run' as const), path }),
  fc.record({ kind: fc.constant('move' as const), path, to: path }),
  fc.record({ kind: fc.constant('repository' as const), path, committed: fc.boolean() }),
  fc.record({ kind: fc.constantFrom('lock' as const, 'keep' as const, 'no-index' as const) }),
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('git' as const),
      args: fc.oneof(
        path.map((file) => ['add', '--', `:(literal)${file}`]),
        path.map((file) => ['add', '-N', '--', `:(literal)${file}`]),
        path.map((file) => ['rm', '-rq', '--cached', '--', `:(literal)${file}`]),
        path.map((file) => ['update-index', '--assume-unchanged', '--', file]),
        path.map((file) => ['update-index', '--skip-worktree', '--', file]),
        branch.map((name) => ['checkout', '-q', '-B', name]),
        branch.map((name) => ['checkout', '-q', name]),
        branch.map((name) => ['merge', '-q', name]),
        branch.map((name) => ['rebase', '-q', name]),
        fc.constantFrom(
          ['add', '-A'],
          ['commit', '-qam', 'c'],
          ['stash', '-q'],
          ['stash', 'pop', '-q'],
          ['reset', '-q', '--hard', 'HEAD~1'],
          ['reset', '-q', 'HEAD~1'],
          ['checkout', '-q', '--detach'],
          ['checkout', '-q', '--orphan', 'other'],
          ['clean', '-fdq'],
        ),
      ),
    }),
  },
);

function take(rig: LandingRig, worktree: string, gitDirectory: string, step: Step): void {
  const at = (name: string): string => join(worktree, name);
  switch (step.kind) {
    case 'write':
    case 'link':
      rmSync(at(step.path), { recursive: true, force: true });
      mkdirSync(dirname(at(step.path)), { recursive: true });
      if (step.kind === 'write') writeFileSync(at(step.path), step.content);
      else symlinkSync(step.content, at(step.path));
      return;
    case 'remove':
      rmSync(at(step.path), { recursive: true, force: true });
      return;
    case 'run':
      chmodSync(at(step.path), 0o755);
      return;
    case 'move':
      renameSync(at(step.path), at(step.to));
      return;
    case 'git':
      rig.gitIn(worktree, step.args);
      return;
    case 'repository':
      rig.gitIn(worktree, ['init', '-q', '--', step.path]);
      if (step.committed) {
        rig.gitIn(at(step.path), ['add', '-A']);
        rig.gitIn(at(step.path), ['-c', 'user.name=W', '-c', 'user.email=w@w', 'commit', '-qm', 'inner']);
      }
      return;
    case 'lock':
      writeFileSync(join(gitDirectory, 'index.lock'), '');
      return;
    case 'no-index':
      rmSync(join(gitDirectory, 'index'), { force: true });
      return;
    case 'keep':
      return;
  }
}

/** The files on disk that are work: not ignored, unless git tracks them, and not a repository's own. */
function worked(worktree: string, held: ReadonlySet<string>): Map<string, string> {
  return new Map(
    [...filesIn(worktree)].filter(
      ([name]) => !name.split('/').includes('.git') && (!/\.log(\/|$)/.test(name) || held.has(name)),
    ),
  );
}

/** The content of a commit, in the same form. */
function filesOf(rig: LandingRig, commit: string): Map<string, string> {
  const listing = rig
    .git('ls-tree', '-r', '-z', commit)
    .split('\0')
    .filter((line) => line !== '');
  return new Map(
    listing.map((line) => {
      const [mode = '', , id = ''] = line.slice(0, line.indexOf('\t')).split(' ');
      const content = execFileSync('git', ['cat-file', 'blob', id], {
        cwd: rig.top,
        env: rig.environment,
        encoding: 'utf8',
      });
      return [line.slice(line.indexOf('\t') + 1), `${mode} ${content}`];
    }),
  );
}

const quietly = (job: () => void): void => {
  try {
    job();
  } catch {
    // An action of the worker may fail. The worktree is then in some state too.
  }
};

test('whatever a worker does, a snapshot holds every file that is not ignored and changes nothing', async () => {
  const model = new LandingRig({ a: 'aaaa\n', b: 'bbbb\n', 'dir/c': 'cccc\n', '.gitignore': '*.log\n' });
  try {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
        const worktree = model.worktree();
        const gitDirectory = model.gitIn(worktree, ['rev-parse', '--absolute-git-dir']);
        const base = model.git('rev-parse', 'HEAD');
        const taskId = worktree.slice(worktree.lastIndexOf('w') + 1);
        const request = { runId: 'r', taskId, why: 'a test', base, branch: `task-${taskId}` };
        for (const step of [...steps, { kind: 'keep' } as const]) {
          quietly(() => {
            take(model, worktree, gitDirectory, step);
          });
          if (step.kind !== 'keep') continue;
          const index = join(gitDirectory, 'index');
          const before = {
            files: filesIn(worktree),
            index: existsSync(index) ? readFileSync(index) : undefined,
          };
          const user = model.state();
          const { commit, tree, unread } = await model.snapshots.take(worktree, request);

          expect(unread).toBe('');
          const held = filesOf(model, tree);
          expect(held).toEqual(worked(worktree, new Set(held.keys())));
          expect(model.git('rev-parse', `${commit}^{tree}`)).toBe(tree);
          expect(model.git('for-each-ref', '--contains', commit)).not.toBe('');
          const after = {
            files: filesIn(worktree),
            index: existsSync(index) ? readFileSync(index) : undefined,
          };
          expect(after).toEqual(before);
          expect({ ...model.state(), refs: null }).toEqual({ ...user, refs: null });
          // Nothing has changed since, so there is no new snapshot.
          expect((await model.snapshots.take(worktree, request)).commit).toBe(commit);
          // A change can always be found.
          expect(model.git('merge-base', base, commit)).not.toBe('');
        }
        rmSync(worktree, { recursive: true, force: true });
        model.git('worktree', 'prune');
        for (const name of BRANCHES) quietly(() => model.git('branch', '-qD', name));
        quietly(() => model.git('stash', 'clear'));
      }),
      { numRuns: cases(40, 6) },
    );
  } finally {
    model.remove();
  }
});

test('a copy of a worktree that has lost its link to the repository is kept too', async () => {
  const rig = new LandingRig();
  const worktree = rig.worktree();
  const copy = join(rig.root, 'copy');
  writeFileSync(join(worktree, 'new'), 'of the worker\n');
  cpSync(worktree, copy, { recursive: true });
  rmSync(join(rig.top, '.git', 'worktrees'), { recursive: true });
  const base = rig.git('rev-parse', 'HEAD');
  for (const directory of [worktree, copy]) {
    const { commit } = await rig.snapshots.take(directory, { runId: 'r', taskId: '1', why: 'lost', base });
    expect(rig.show(commit, 'new')).toBe('of the worker');
    expect(rig.git('rev-parse', `${commit}^`)).toBe(base);
  }
  expect(rig.git('status', '--porcelain')).toBe('');
  rig.remove();
});
