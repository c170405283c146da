import type { Notice } from '../../../../src/app/services.ts';
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { loadConfig } from '../../../../src/app/config/load-config.ts';
import type { Project } from '../../../../src/app/project/project.ts';
import { checkReportFile, writeReport } from '../../../../src/app/run/html-report.ts';
import { Failed } from '../../../../src/domain/failure.ts';
import { createRedactor } from '../../../../src/domain/redact.ts';
import { openStore } from '../../../../src/store/sqlite-store.ts';
import type { TaskStore } from '../../../../src/store/store.ts';
import { makeDraft } from '../../../rig/arbitrary-tasks.ts';
import { attemptEnd, costing } from '../../../rig/attempt-end.ts';
import { startSampleRun, storeAttempt } from '../../../rig/attempted.ts';
import { readHtml } from '../../../rig/html-reader.ts';

const SECRET = 'sk-ant-api03-abcdefghijklmnopqrstuvwxyz012345';

let root: string;
let store: TaskStore;
let project: Project;
const env = { PATH: process.env['PATH'], GIT_CONFIG_NOSYSTEM: '1', GIT_CONFIG_GLOBAL: '/dev/null' };

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'report-'));
  const stateFolder = join(root, '.taskmaster');
  mkdirSync(stateFolder);
  const databaseFile = join(stateFolder, 'tasks.db');
  project = {
    root,
    configFile: undefined,
    envFile: join(root, '.env'),
    stateFolder,
    copies: { folder: () => join(root, 'copies'), failed: () => undefined },
    databaseFile,
    tag: 'master',
    isOutside: false,
  };
  store = openStore({ file: databaseFile, tag: 'master', create: true });
});

afterEach(() => {
  store.close();
  rmSync(root, { recursive: true, force: true });
});

function git(...args: string[]): string {
  const who = ['-c', 'user.name=Ada', '-c', 'user.email=ada@example.com'];
  return execFileSync('git', [...who, ...args], { cwd: root, encoding: 'utf8', env }).trim();
}

/** A repository whose second commit adds two lines in one file and takes one away in another. */
function landedCommit(): string {
  git('init', '-q', '-b', 'main');
  writeFileSync(join(root, 'a.txt'), 'one\ntwo\n');
  git('add', 'a.txt');
  git('commit', '-qm', 'Begin');
  writeFileSync(join(root, 'a.txt'), 'one\n');
  writeFileSync(join(root, 'b.txt'), 'three\nfour\n');
  git('add', 'a.txt', 'b.txt');
  git('commit', '-qm', 'Go on');
  return git('rev-parse', 'HEAD');
}

function recordRun(commit: string | null): void {
  store.addTasks(
    [
      makeDraft('1', { title: 'Add <b>login</b>' }),
      makeDraft('2', { title: 'Charge cards', dependencies: ['1'] }),
      makeDraft('3', { dependencies: ['2'] }),
    ],
    { source: 'test' },
  );
  startSampleRun(store, 'run-1', { pid: 1, startTime: '1' });
  const common = { runId: 'run-1', directory: root, filesRoot: join(root, 'attempts') };
  storeAttempt(store, {
    ...common,
    taskId: '1',
    end: { outcome: 'landed', commit, usage: costing(0.5) },
    status: 'done',
  });
  storeAttempt(store, {
    ...common,
    taskId: '2',
    end: { outcome: 'verify-failed', message: `It printed ${SECRET} and failed.`, usage: costing(0.25) },
  });
  store.record({
    type: 'run-paused',
    runId: 'run-1',
    reason: 'outage',
    until: '2026-01-01T00:00:00.000Z',
    message: 'The API is down.',
  });
  store.record({ type: 'run-resumed', runId: 'run-1', reason: 'outage' });
  store.record({ type: 'warning', message: 'The disk is almost full.' });
  store.endRun('run-1', 'completed-with-failures', '1 failed, 1 still to do.');
}

async function write(file: string): Promise<Notice> {
  const settings = loadConfig({ file: undefined, envFile: undefined, env: {} });
  if (!settings.ok) throw new Error('The defaults are no configuration.');
  const source = { services: { cwd: root, env }, project, settings: settings.value, store };
  return await writeReport(source, { runId: 'run-1', file, redact: createRedactor([SECRET]) });
}

describe('the report of a stored run', () => {
  test('tells of its tasks, with what git says of what landed, and without secrets', async () => {
    recordRun(landedCommit());
    const file = join(root, 'report.html');
    expect(await write(file)).toMatchObject({ kind: 'note' });
    const document = readFileSync(file, 'utf8');
    const all = readHtml(document)
      .texts.map((text) => text.trim())
      .join('\n');
    expect(all).toContain('1 Add <b>login</b>');
    expect(all).toContain('2 files, +2 −1');
    expect(all).toContain('$0.75');
    expect(all).toMatch(/It printed …\w* and failed\./);
    expect(all).toContain('The disk is almost full.');
    expect(all).toContain('needs 2');
    expect(document).not.toContain('abcdefghijklmnop');
    expect(statSync(file).mode & 0o777).toBe(0o644);
    expect(readdirSync(root).filter((name) => name.includes('report'))).toEqual(['report.html']);
  });

  test.each([
    ['of which git knows nothing any more', () => 'a'.repeat(40)],
    ['without a repository', () => null],
  ])('leaves the size of a change away %s', async (_, commit) => {
    landedCommit();
    recordRun(commit());
    expect(await write(join(root, 'report.html'))).toMatchObject({ kind: 'note' });
    expect(readFileSync(join(root, 'report.html'), 'utf8')).not.toContain(' files, +');
  });

  test('shows the phases of an attempt that a killed run had begun', async () => {
    store.addTasks([makeDraft('1')], { source: 'test' });
    startSampleRun(store, 'run-0', { pid: 1, startTime: '1' });
    const sample = { taskId: '1', runId: 'run-0', directory: root, filesRoot: join(root, 'attempts') };
    const attemptId = storeAttempt(store, sample);
    startSampleRun(store, 'run-1', { pid: 1, startTime: '1' });
    store.record({ type: 'attempt-phase', attemptId, taskId: '1', phase: 'verifying' });
    const end = attemptEnd('landed');
    store.endAttempt(attemptId, end, 'done', 'test');
    store.endRun('run-1', 'completed', '');
    expect(await write(join(root, 'report.html'))).toMatchObject({ kind: 'note' });
    expect(readFileSync(join(root, 'report.html'), 'utf8')).toContain('begun by an earlier run');
  });

  test('replaces an earlier report, and becomes a warning where that cannot be', async () => {
    recordRun(null);
    const file = join(root, 'report.html');
    writeFileSync(file, 'old');
    expect(await write(file)).toMatchObject({ kind: 'note' });
    expect(readFileSync(file, 'utf8')).toMatch(/^<!doctype html>/);
    rmSync(file);
    mkdirSync(file);
    expect(await write(file)).toEqual({
      kind: 'warning',
      message: `The report was not written: --report: ${file} is a directory.`,
    });
    expect((await write(join(root, 'gone', 'report.html'))).message).toContain(
      `there is no directory ${join(root, 'gone')}`,
    );
  });

  test('is a warning too where the store cannot be read any more', async () => {
    recordRun(null);
    store.close();
    expect((await write(join(root, 'report.html'))).message).toMatch(/^The report was not written: /);
    expect(existsSync(join(root, 'report.html'))).toBe(false);
    store = openStore({ file: project.databaseFile, tag: 'master', create: false });
  });
});

describe('where a report may be written', () => {
  const refusal = (given: string): string => {
    try {
      return checkReportFile({ cwd: root }, given);
    } catch (error) {
      if (!(error instanceof Failed)) throw error;
      return `${error.failure.reason}: ${error.failure.message}`;
    }
  };

  test('is any file in a directory that is there, seen from where the command is given', () => {
    expect(refusal('report.html')).toBe(join(root, 'report.html'));
    expect(refusal('.taskmaster/report.html')).toBe(join(project.stateFolder, 'report.html'));
    writeFileSync(join(root, 'old.html'), '');
    expect(refusal(join(root, 'old.html'))).toBe(join(root, 'old.html'));
  });

  test.each([
    ['', 'expected the name of a file'],
    ['.', 'is a directory'],
    ['reports/', 'is a directory'],
    ['gone/report.html', 'there is no directory'],
    ['plain/report.html', 'there is no directory'],
    ['/dev/null', 'is no ordinary file'],
    ['null', 'is no ordinary file'],
    ['circle', 'ELOOP'],
    ['x'.repeat(300), 'ENAMETOOLONG'],
  ])('is not "%s"', (given, why) => {
    writeFileSync(join(root, 'plain'), '');
    symlinkSync('/dev/null', join(root, 'null'));
    symlinkSync('circle', join(root, 'circle'));
    expect(refusal(given)).toContain(why);
    expect(refusal(given)).toMatch(/^file-unwritable: /);
  });

  test.skipIf(process.getuid?.() === 0)('is not where one may not write', () => {
    mkdirSync(join(root, 'locked'));
    chmodSync(join(root, 'locked'), 0o500);
    expect(refusal('locked/report.html')).toContain('you may not write in');
  });
});
