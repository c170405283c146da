import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { FileOutput } from '../../../src/cli/file-output.ts';
import { describeSystemError } from '../../../src/app/system-error.ts';
import { smallDisk } from '../../rig/small-disk.ts';
import { draft, taskProject } from '../../rig/task-project.ts';

const TOOL = resolve('bin/claude-orchestrator.js');

/** The real program, with its stdout going to a file. */
function writeTo(file: string, cwd: string, args: readonly string[], env: Record<string, string> = {}) {
  const stdout = openSync(file, 'w');
  try {
    return spawnSync(process.execPath, [TOOL, ...args], {
      cwd,
      env: { PATH: process.env['PATH'], HOME: join(cwd, '..', 'home'), ...env },
      stdio: ['ignore', stdout, 'pipe'],
      encoding: 'utf8',
    });
  } finally {
    closeSync(stdout);
  }
}

describe.runIf(existsSync('/dev/full'))('output that cannot be written', () => {
  it.each(['list', 'list --json', 'show 1', '--version', '--help', 'list --help', 'run --json'])(
    'is told and fails: %s',
    (line) => {
      using project = taskProject([draft('1')]);
      const env = { CLAUDE_ORCHESTRATOR__CLAUDE_CLI__COMMAND: 'none' };
      const end = writeTo('/dev/full', project.directory, line.split(' '), env);
      expect(end.stderr).toContain('Not all of the output could be written');
      expect(end.stderr).toContain('ENOSPC');
      expect(end.status).toBe(2);
    },
  );

  it('is nothing to tell where nobody reads any more', () => {
    using project = taskProject([draft('1')]);
    const script = `"${process.execPath}" "${TOOL}" list --json; echo "code $?" >&2`;
    const end = spawnSync('sh', ['-c', `{ ${script}; } | true`], {
      cwd: project.directory,
      encoding: 'utf8',
    });
    expect(end.stderr).toBe('code 0\n');
  });
});

describe('a file that is written to', () => {
  const isPossible = ((probe) => (probe?.remove(), probe !== undefined))(smallDisk(1));

  it.runIf(isPossible)('is not taken for whole where the disk was full in the middle of it', () => {
    const disk = smallDisk(1);
    if (disk === undefined) return;
    const descriptor = openSync(join(disk.directory, 'list.json'), 'w');
    try {
      const errors: unknown[] = [];
      const output = new FileOutput(descriptor);
      output.on('error', (error: NodeJS.ErrnoException) => errors.push(error.code));
      output.write('x'.repeat(3 << 20));
      expect(errors).toEqual(['ENOSPC']);
    } finally {
      closeSync(descriptor);
      disk.remove();
    }
  });

  it('has every byte that was written, and says when it has', () => {
    const folder = mkdtempSync(join(tmpdir(), 'file-output-'));
    const file = join(folder, 'out');
    const descriptor = openSync(file, 'w');
    let taken = false;
    new FileOutput(descriptor).write('größer\n', () => (taken = true));
    closeSync(descriptor);
    expect(taken).toBe(true);
    expect(readFileSync(file, 'utf8')).toBe('größer\n');
    rmSync(folder, { recursive: true });
  });
});

describe('what the system refuses', () => {
  it('is no bug of ours: a TMPDIR that is not there', () => {
    using project = taskProject();
    const TMPDIR = join(project.directory, 'nowhere');
    const end = writeTo('/dev/null', project.directory, ['demo'], { TMPDIR });
    expect(end.stderr).not.toContain('bug');
    expect(end.stderr).toContain(TMPDIR);
    expect(end.stderr).toContain('ENOENT');
    expect(end.status).toBe(2);
  });

  it('is no bug of ours: a folder that was deleted', () => {
    using project = taskProject();
    const script = `mkdir gone && cd gone && rmdir ../gone && "${process.execPath}" "${TOOL}" list`;
    const end = spawnSync('sh', ['-c', script], { cwd: project.directory, encoding: 'utf8' });
    expect(end.stderr).toContain('no longer exists');
    expect(end.status).toBe(2);
  });

  it('is named with what it was refused, through whatever wraps it', () => {
    const cause = Object.assign(new Error('x'), {
      code: 'EMFILE',
      syscall: 'spawn git',
      path: 'git',
      errno: -24,
    });
    const told = describeSystemError(new Error('outer', { cause }));
    expect(told).toMatchObject({
      reason: 'system-error',
      message: 'git: too many files are open (spawn: EMFILE).',
    });
    expect(describeSystemError(new TypeError('x is undefined'))).toBeUndefined();
  });
});
