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
import { afterEach, describe, expect, it } from 'vitest';
import { readUserState } from '../chaos/checker.ts';
import {
  hostileProject,
  INTEGRATION,
  type HostileOptions,
  type HostileProject,
  type HostileRun,
} from '../rig/hostile-project.ts';
import { smallDisk, type SmallDisk } from '../rig/small-disk.ts';

let project: HostileProject | undefined;
let disk: SmallDisk | undefined;
afterEach(async () => {
  disk?.free();
  await project?.close();
  disk?.remove();
  project = disk = undefined;
});

async function open(options: HostileOptions): Promise<HostileProject> {
  project = await hostileProject(options);
  return project;
}

const writes = (id: string) => ({ [`${id}.txt`]: `by task ${id}\n` });
const CHAIN = {
  1: { writes: writes('1'), isHeld: true },
  2: { needs: ['1'], writes: writes('2') },
};

/** It ended in a way that it knows: no bug, nothing pretended. */
function expectHonest(run: HostileRun): void {
  expect([1, 2], run.told).toContain(run.code);
  expect(run.stderr).not.toMatch(/^\s+at .*:\d+/m);
  expect(run.stderr).not.toContain('bug');
}

function expectAllLanded(on: HostileProject, run: HostileRun): void {
  expect(run.code, run.told).toBe(0);
  for (const id of ['1', '2']) {
    expect(on.git('show', `${INTEGRATION}:${id}.txt`), run.told).toBe(`by task ${id}`);
    expect(on.git('log', '--format=%s', `--grep=^Orchestrator-Task: ${id}$`, INTEGRATION)).toBe(`Task ${id}`);
  }
  expect(on.git('rev-parse', 'main'), run.told).toBe(on.git('rev-parse', INTEGRATION));
  expect(on.git('status', '--porcelain')).toBe('');
  expect(on.git('fsck', '--connectivity-only', '--no-dangling')).not.toMatch(/error|missing|broken/);
}

describe('on a disk that gets full', () => {
  const isPossible = ((probe) => (probe?.remove(), probe !== undefined))(smallDisk(1));

  it.skipIf(!isPossible).each(['repository', 'cache'] as const)(
    'says so where it is the disk of the %s, and goes on when there is room',
    async (part) => {
      const small = (disk = smallDisk(24) as SmallDisk);
      const on = await open({ jobs: CHAIN, [part]: join(small.directory, part) });
      const first = await on.run({ held: { 1: () => small.fill() } });
      expectHonest(first);
      expect(first.told).toMatch(/No space left|ENOSPC|disk is full/);
      // What the worker wrote is kept, or still where it was written.
      const places = [...on.slots().map((slot) => join(slot, '1.txt'))];
      expect(on.isKept('by task 1\n') || places.some((file) => existsSync(file)), first.told).toBe(true);
      small.free();
      expectAllLanded(on, await on.run());
    },
  );

  it.skipIf(!isPossible)(
    'leaves what git cannot take where it is, and takes it when there is room',
    async () => {
      const small = (disk = smallDisk(8) as SmallDisk);
      const command =
        '[ -e large.bin ] || head -c 12000000 /dev/urandom > large.bin; git hash-object large.bin > ../large';
      const on = await open({
        jobs: { 1: { writes: writes('1'), command }, 2: { needs: ['1'], writes: writes('2') } },
      });
      // Git's own folder alone: the store must not be what fails.
      const [link, folder] = [join(on.repository, '.git'), join(small.directory, 'git')];
      cpSync(link, folder, { recursive: true });
      rmSync(link, { recursive: true });
      writeFileSync(link, `gitdir: ${folder}\n`);
      const first = await on.run();
      expectHonest(first);
      expect(first.outcomes('1').at(-1), first.told).toBe('infrastructure');
      expect(first.told).toMatch(/No space left|ENOSPC/i);
      const written = readFileSync(join(dirname(on.slots()[0] ?? ''), 'large'), 'utf8').trim();
      small.grow(200);
      const run = await on.run();
      expectAllLanded(on, run);
      expect(on.git('rev-parse', 'main:large.bin')).toBe(written);
    },
  );

  it.skipIf(!isPossible)('starts nothing where there is not enough room for worktrees', async () => {
    const small = (disk = smallDisk(1) as SmallDisk);
    const on = await open({
      jobs: CHAIN,
      files: { 'large.txt': 'x'.repeat(600_000) },
      cache: join(small.directory, 'cache'),
    });
    const run = await on.run();
    expect(run.code).toBe(2);
    expect(run.told).toMatch(/worktrees need about \d+ MB/);
    expect(on.simulator.requests.filter(({ path }) => path.startsWith('/v1/messages'))).toEqual([]);
  });
});

describe('where git goes away', () => {
  /** A PATH with nothing but a few programs, and what takes git from it and puts it back. */
  function leanPath(on: HostileProject) {
    const programs = ['git', 'sh', 'bash', 'touch', 'sleep'];
    for (const name of programs) {
      const found = execFileSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).trim();
      symlinkSync(found, join(on.bin, name));
    }
    const away = join(on.bin, '.git-away');
    return {
      env: { PATH: on.bin },
      takeGit: () => renameSync(join(on.bin, 'git'), away),
      giveGit: () => existsSync(away) && renameSync(away, join(on.bin, 'git')),
    };
  }

  it('waits, and lands what was done meanwhile', async () => {
    const on = await open({ jobs: CHAIN, config: { execution: { retry_base_delay: 2 } } });
    const { env, takeGit, giveGit } = leanPath(on);
    const run = await on.run({
      env,
      held: { 1: takeGit },
      onEvent: ({ type }) => type === 'retry-scheduled' && giveGit(),
    });
    expect(run.outcomes('1'), run.told).toEqual(['infrastructure', 'landed']);
    const sessions = run.events.flatMap((event) =>
      event.type === 'attempt-started' && event.taskId === '1' ? [event.sessionId] : [],
    );
    expect(new Set(sessions).size).toBe(1);
    expectAllLanded(on, run);
  });

  it('does not let workers into the checkout instead', async () => {
    const on = await open({ jobs: CHAIN, config: { execution: { isolation: 'auto' } } });
    const { env, takeGit } = leanPath(on);
    const before = readUserState(on.repository);
    takeGit();
    const run = await on.run({ env });
    expect(run.code).toBe(2);
    expect(run.told).toMatch(/\.git is there, but git cannot be started/);
    expect(readUserState(on.repository)).toEqual(before);
  });

  it('says which command failed where it answers nothing at the start', async () => {
    const on = await open({ jobs: CHAIN });
    const git = execFileSync('sh', ['-c', 'command -v git'], { encoding: 'utf8' }).trim();
    writeFileSync(
      join(on.bin, 'git'),
      `#!/bin/sh\ncase "$*" in *for-each-ref*refs/orchestrator/landings*) echo cannot fork >&2; exit 128;; esac\nexec ${git} "$@"\n`,
    );
    chmodSync(join(on.bin, 'git'), 0o755);
    const run = await on.run();
    expectHonest(run);
    expect(run.told).toMatch(/No worktrees can be prepared: .*for-each-ref.*cannot fork/);
  });
});

describe("with the user's own settings of git", () => {
  it('runs their hooks for the delivery, and for nothing else', async () => {
    const on = await open({
      jobs: { 1: { writes: writes('1') }, 2: { needs: ['1'], writes: writes('2'), isHeld: true } },
    });
    const [hooks, log] = [join(on.root, 'hooks'), join(on.root, 'hooks.log')];
    mkdirSync(hooks);
    for (const name of HOOKS) {
      writeFileSync(
        join(hooks, name),
        `#!/bin/sh\necho ${name} >> '${log}'\necho "no, says ${name}"; exit 1\n`,
      );
      chmodSync(join(hooks, name), 0o755);
    }
    on.git('config', 'core.hooksPath', hooks);
    let before: unknown;
    const run = await on.run({
      held: {
        2: () => {
          expect(on.git('log', '-1', '--format=%s', INTEGRATION)).toBe('Task 1');
          expect(existsSync(log)).toBe(false);
          on.write({ 'mine.txt': 'mine\n' });
          on.git('-c', 'core.hooksPath=/dev/null', 'add', '.');
          on.git('-c', 'core.hooksPath=/dev/null', 'commit', '-qm', 'mine');
          before = readUserState(on.repository);
        },
      },
    });
    expect([run.outcomes('1'), run.outcomes('2'), run.code], run.told).toEqual([['landed'], ['landed'], 6]);
    expect(run.delivery?.kind).toBe('left');
    expect(run.delivery?.message).toContain('no, says pre-merge-commit');
    expect(readFileSync(log, 'utf8')).toContain('pre-merge-commit');
    expect(readUserState(on.repository)).toEqual(before);
    // As the user does it who knows why their hook says no.
    rmSync(join(hooks, 'pre-merge-commit'));
    on.git('-c', 'core.hooksPath=/dev/null', 'merge', '-q', '--no-edit', 'orchestrator/integration/main');
    expect(on.git('show', 'main:2.txt')).toBe('by task 2');
  });

  it('pays for nothing where commits must be signed and cannot be', async () => {
    const on = await open({ jobs: CHAIN });
    on.git('config', 'commit.gpgSign', 'true');
    on.git('config', 'gpg.program', 'false');
    const run = await on.run();
    expect(run.code).toBe(2);
    expect(run.told).toMatch(/could not sign a commit, and none was made without a signature/);
    expect(on.simulator.requests.filter(({ path }) => path.startsWith('/v1/messages'))).toEqual([]);
  });

  it('lands nothing unsigned where signing ceases to work, and lands it when it works again', async () => {
    const on = await open({ jobs: CHAIN });
    const gpg = join(on.root, 'gpg');
    const signs = `echo '[GNUPG:] SIG_CREATED ' >&2; printf -- '-----BEGIN PGP SIGNATURE-----\\n\\nsigned\\n-----END PGP SIGNATURE-----\\n'`;
    const setGpg = (body: string): void => writeFileSync(gpg, `#!/bin/sh\ncat > /dev/null\n${body}\n`);
    setGpg(signs);
    chmodSync(gpg, 0o755);
    on.git('config', 'commit.gpgSign', 'true');
    on.git('config', 'gpg.program', gpg);
    const first = await on.run({ held: { 1: () => setGpg('exit 2') } });
    expectHonest(first);
    expect(first.ends('1').at(-1)?.message, first.told).toMatch(
      /could not sign a commit, and none was made without a signature/,
    );
    expect(on.git('log', '-1', '--format=%s', INTEGRATION)).toBe('Begin');
    setGpg(signs);
    const run = await on.run();
    expectAllLanded(on, run);
    expect(run.ends('1')[0]?.usage).toEqual([]);
    for (const commit of on.git('rev-list', '-2', INTEGRATION).split('\n'))
      expect(on.git('cat-file', 'commit', commit)).toContain('\ngpgsig ');
  });

  it('works below the top of a repository that has 200 branches', async () => {
    const files = { 'packages/app/code.txt': 'code\n', 'top.txt': 'top\n' };
    const on = await open({ jobs: { 1: { writes: writes('1') } }, files, below: 'packages/app' });
    const branches = Array.from(
      { length: 200 },
      (_, index) => `refs/heads/team/${index % 10}/branch-${index}`,
    );
    for (const branch of branches) on.git('update-ref', branch, 'HEAD');
    const refs = on.git('for-each-ref', 'refs/heads/team');
    const run = await on.run();
    expect(run.code, run.told).toBe(0);
    expect(on.git('show', 'main:packages/app/1.txt')).toBe('by task 1');
    expect(on.git('diff', '--name-only', 'HEAD~1', 'HEAD')).toBe('packages/app/1.txt');
    expect(on.git('for-each-ref', 'refs/heads/team')).toBe(refs);
    expect(on.git('status', '--porcelain')).toBe('');
  });
});

/** Those that anything the tool does could run; all of them refuse. */
const HOOKS = [
  'pre-commit',
  'prepare-commit-msg',
  'commit-msg',
  'post-commit',
  'pre-merge-commit',
  'post-merge',
  'post-checkout',
  'post-index-change',
  'post-rewrite',
];
