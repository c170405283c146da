import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeDraft } from '../rig/arbitrary-tasks.ts';
import { projectRig, type ProjectRig, type StartedTool } from '../rig/project.ts';
import { lines, processes, until, type FakeCall, type Step } from '../rig/worker-rig.ts';

const FAKE_CLAUDE = resolve('tests/rig/fake-claude.js');

describe('one task, while a run works on it', () => {
  let rig: ProjectRig;
  let fake: string;

  beforeEach(async () => {
    rig = await projectRig({ rules: [] });
    fake = join(rig.directory, '..', 'fake');
    mkdirSync(fake);
    const command = join(fake, 'claude');
    writeFileSync(
      command,
      `#!/bin/sh\nFAKE_CLAUDE_DIR='${fake}' exec '${process.execPath}' '${FAKE_CLAUDE}' "$@"\n`,
    );
    chmodSync(command, 0o755);
    writeFileSync(
      join(rig.directory, 'orchestrator_config.json'),
      JSON.stringify({
        claude_cli: { command, auth: 'api_key' },
        execution: { max_workers: 1, retry_base_delay: 0 },
        monitoring: { enable_opus_review: false },
      }),
    );
    rig.withStore((store) => store.addTasks([makeDraft('1'), makeDraft('2')], { source: 'test' }));
  });

  afterEach(async () => {
    const attempts = calls().map(({ env }) => env['CLAUDE_ORCHESTRATOR_ATTEMPT'] ?? '');
    for (const each of new Set(attempts))
      await processes.endMarked({ variable: 'CLAUDE_ORCHESTRATOR_ATTEMPT', value: each }, { graceMs: 0 });
    await rig.close();
  });

  const script = (...calls: readonly (readonly Step[])[]): void =>
    writeFileSync(join(fake, 'steps.json'), JSON.stringify(calls));
  const calls = (): FakeCall[] => {
    const file = join(fake, 'calls.ndjson');
    if (!existsSync(file)) return [];
    // What follows the last line feed is still being written.
    const written = readFileSync(file, 'utf8').split('\n').slice(0, -1);
    return written.map((line) => JSON.parse(line) as FakeCall);
  };
  const run = (): StartedTool => rig.start(['run', '--no-plan', '--json']);
  const statuses = (): string[] => rig.withStore((store) => store.tasks().map(({ status }) => status));
  /** Waits for that many calls of Claude; a run that has ended before says why. */
  const called = async (tool: StartedTool, count: number): Promise<void> => {
    await until(() => calls().length >= count || tool.process.exitCode !== null);
    expect(calls().length, tool.output.stdout + tool.output.stderr).toBeGreaterThanOrEqual(count);
  };
  const said = (text: string): Step => ({ print: lines.text(text) });

  it('leaves a log of its failure, in which as in everything shown no secret is', async () => {
    const secret = 'sk-ant-simulated-key';
    const failing = [
      { print: lines.init },
      said(`I use ${secret}`),
      { print: lines.result({ is_error: true, result: `Refused: ${secret}`, structured_output: undefined }) },
    ];
    script(failing, failing, failing, failing);
    const { stdout, stderr, exitCode } = await rig.tool(['run', '1', '--no-plan', '--json', '--verbose']);
    expect(exitCode, stderr).toBe(1);
    const file = join(rig.directory, '.taskmaster', 'logs', 'run.log');
    const log = readFileSync(file, 'utf8');
    const types = log
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { type: string }).type);
    expect(types[0]).toBe('run-started');
    expect(types).toEqual(expect.arrayContaining(['attempt-started', 'attempt-progress', 'attempt-ended']));
    expect(types.at(-1)).toBe('run-ended');
    const shown = [];
    for (const args of [
      ['show', '1'],
      ['logs', '1'],
      ['logs', '1', '--raw'],
      ['status', '--verbose'],
    ])
      shown.push((await rig.tool(args)).stdout);
    for (const text of [log, stdout, stderr, ...shown]) expect(text).not.toContain(secret);
    expect(log).toContain('Refused: …-key');
  });

  it('is followed from another terminal to its end, and not beyond', async () => {
    const go = join(fake, 'go');
    script(
      [
        { print: lines.init },
        said('First words'),
        { waitFor: go },
        said('Last words'),
        { print: lines.result() },
      ],
      [{ print: lines.init }, { waitFor: join(fake, 'never') }],
    );
    const tool = run();
    await called(tool, 1);
    const logs = rig.start(['logs', '1', '-f']);
    const raw = rig.start(['logs', '1', '-f', '--raw']);
    await until(
      () => logs.output.stdout.includes('First words') && raw.output.stdout.includes('First words'),
    );
    expect(logs.output.stdout).not.toContain('Last words');
    writeFileSync(go, '');
    const { exitCode, stdout } = await logs.end;
    expect(exitCode, stdout).toBe(0);
    expect(stdout).toMatch(/First words\n\nLast words\n\nReport: completed\n/);
    expect(stdout).toMatch(/\nlanded · sonnet · .*\n$/);
    const files = rig.withStore((store) => store.attempts({ taskId: '1' })[0]?.files ?? '');
    expect((await raw.end).stdout).toBe(readFileSync(join(files, 'transcript.ndjson'), 'utf8'));
    await called(tool, 2);
    tool.process.kill('SIGINT');
    expect((await tool.end).exitCode).toBe(130);
  });

  it('is no longer followed after Ctrl-C, or when nobody reads', async () => {
    script([{ print: lines.init }, said('First words'), { hang: true }]);
    const tool = run();
    await called(tool, 1);
    const interrupted = rig.start(['logs', '1', '-f']);
    const unread = rig.start(['logs', '1', '-f', '--json']);
    await until(
      () => interrupted.output.stdout.includes('First words') && unread.output.stdout.includes('First words'),
    );
    interrupted.process.kill('SIGINT');
    expect((await interrupted.end).exitCode).toBe(130);
    unread.process.stdout?.destroy();
    const transcript = join(
      rig.withStore((store) => store.attempts()[0]?.files ?? ''),
      'transcript.ndjson',
    );
    writeFileSync(transcript, `${JSON.stringify(lines.text('More'))}\n`, { flag: 'a' });
    expect(await unread.end).toMatchObject({ exitCode: 0, stderr: '' });
    tool.process.kill('SIGKILL');
    await tool.end;
  });

  it('is ended by cancel, and the run goes on with the others', async () => {
    script(
      [{ print: lines.init }, said('Working'), { hang: true }],
      [{ print: lines.init }, { print: lines.result() }],
    );
    const tool = run();
    await called(tool, 1);
    const { exitCode, stdout } = await rig.tool(['cancel', '1', '--json']);
    expect(exitCode, stdout).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ cancelled: [{ id: '1', to: 'cancelled', worker: 'ended' }] });
    expect(() => process.kill(calls()[0]?.pid ?? 0, 0)).toThrow('ESRCH');
    await tool.end;
    expect(statuses()).toEqual(['cancelled', 'done']);
  });

  it('is tried again in the same run after retry', async () => {
    const go = join(fake, 'go');
    const tooLong = lines.result({
      is_error: true,
      terminal_reason: 'prompt_too_long',
      api_error_status: 400,
      result: 'Prompt is too long',
      structured_output: undefined,
    });
    script(
      [{ print: lines.init }, { print: tooLong }, { exit: 1 }],
      [{ print: lines.init }, { waitFor: go }, { print: lines.result() }],
      [{ print: lines.init }, { print: lines.result() }],
    );
    const tool = run();
    await called(tool, 2);
    expect(statuses()).toEqual(['failed', 'in-progress']);
    const retried = await rig.tool(['retry', '1']);
    expect(retried.stdout).toMatch(
      /^1 {2}failed → pending: it starts in a new session .*\nRun \S+ works now/,
    );
    writeFileSync(go, '');
    const { exitCode, stdout } = await tool.end;
    expect(exitCode, stdout).toBe(0);
    expect(statuses()).toEqual(['done', 'done']);
    expect(calls()).toHaveLength(3);
  });
});
