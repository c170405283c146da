import { setTimeout as delay } from 'node:timers/promises';
import { join, resolve } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import type { AttemptEnd, ProcessIdentity } from '../../src/domain/attempt.ts';
import type { PayingAccounts } from '../../src/domain/event.ts';
import { subscriptionAccount } from '../../src/usage/account.ts';
import { openUsageLedger } from '../../src/usage/sqlite-ledger.ts';
import { createProcessTable } from '../../src/worker/process/process-table.ts';
import { projectRig, type ProjectRig, type StartedTool } from '../rig/project.ts';
import { runOnTerminal } from '../rig/terminal.ts';
import type { StatusReport } from '../../src/app/contract/status.ts';

const open: ProjectRig[] = [];
afterEach(async () => {
  for (const rig of open.splice(0)) await rig.close();
});

async function rigWithTasks(...titles: string[]): Promise<ProjectRig> {
  const rig = await projectRig({ rules: [] });
  open.push(rig);
  for (const title of titles) await rig.tool(['add', '--raw', title]);
  return rig;
}

const table = createProcessTable({
  platform: process.platform,
  pid: process.pid,
  kill: () => {
    throw new Error('nothing is signalled here');
  },
});

function identityOf(pid: number): ProcessIdentity {
  const identity = table.identify(pid);
  if (identity === undefined) throw new Error(`process ${pid} is gone`);
  return identity;
}

const homeOf = (rig: ProjectRig): string => rig.env['HOME'] ?? '';

const GONE: ProcessIdentity = { pid: 999_999_999, startTime: '1' };

const DENIED: AttemptEnd = {
  outcome: 'permission-denied',
  message: 'It may not run npm.',
  usage: [
    { model: 'claude-sonnet-5-5', input: 1_000, output: 200, cacheRead: 30, cacheWrite: 4, costUsd: 0.5 },
  ],
  report: null,
  denials: [{ tool: 'Bash', rule: 'Bash(npm test:*)' }],
  turns: 1,
  exitCode: 0,
  signal: null,
  resetsAt: null,
  outage: false,
  contextTokens: null,
  change: null,
  commit: null,
  gates: [],
  review: null,
};

/** A run of this process, or of one that is gone, in which task 1 was tried. */
function startRun(
  rig: ProjectRig,
  holder: ProcessIdentity,
  more: { readonly accounts?: PayingAccounts; readonly maxCostUsd?: number } = {},
): number {
  return rig.withStore((store) => {
    store.startRun(
      { id: 'run-1', process: holder, workers: 2, billing: 'workers: nobody', tasks: 2, ...more },
      () => false,
    );
    const claimed = store.claim({
      runId: 'run-1',
      taskId: '1',
      sessionId: '00000000-0000-4000-8000-000000000001',
      resumed: false,
      model: 'sonnet',
      directory: rig.directory,
      filesRoot: rig.directory,
      why: 'test',
    });
    if (claimed === undefined) throw new Error('task 1 cannot be claimed');
    return claimed.attempt.id;
  });
}

const status = async (rig: ProjectRig): Promise<StatusReport> =>
  JSON.parse((await rig.tool(['status', '--json'])).stdout) as StatusReport;

describe('status', () => {
  test('of an empty project says what to do first', async () => {
    const rig = await rigWithTasks();
    const end = await rig.tool(['status']);
    expect(end).toMatchObject({ exitCode: 0, stderr: '' });
    expect(end.stdout).toBe('No run yet.\n\nno tasks yet\n\nNext: claude-orchestrator parse prd.md\n');
    expect(await status(rig)).toMatchObject({ run: null, running: [], attention: [], tasks: { total: 0 } });
  });

  test('of a run in progress tells its process and what each worker does', async () => {
    const rig = await rigWithTasks('First', 'Second');
    startRun(rig, identityOf(process.pid));
    const report = await status(rig);
    expect(report).toMatchObject({
      run: { runId: 'run-1', state: 'running', pid: process.pid, outcome: null },
      running: [{ taskId: '1', title: 'First', number: 1, phase: 'preparing' }],
      tasks: { total: 2, 'in-progress': 1, ready: 1 },
      next: 'claude-orchestrator status --watch',
    });
    const { stdout } = await rig.tool(['status']);
    expect(stdout).toMatch(/^Run run-1 in progress for .*process \d+, 2 workers/);
    expect(stdout).toMatch(/ 1 {2}First +preparing, \d+s/);
  });

  test('of a run in progress counts the money of its workers as it goes, and once in the end', async () => {
    const rig = await rigWithTasks('First', 'Second');
    const attempt = startRun(rig, identityOf(process.pid), { maxCostUsd: 5 });
    rig.withStore((store) => store.noteUsed(attempt, DENIED.usage));
    const so = { run: { costUsd: 0.5, tokens: 1234 }, running: [{ spentUsd: 0.5 }] };
    expect(await status(rig)).toMatchObject({ ...so, budget: { maxUsd: 5, spentUsd: 0.5, leftUsd: 4.5 } });
    expect((await rig.tool(['status'])).stdout).toContain('$0.50 of $5.00 spent, $4.50 left');
    rig.withStore((store) => store.endAttempt(attempt, DENIED, 'failed', 'test'));
    expect(await status(rig)).toMatchObject({
      run: { costUsd: 0.5 },
      budget: { spentUsd: 0.5 },
      running: [],
    });
  });

  test('of a run that was killed says that `run` takes it up', async () => {
    const rig = await rigWithTasks('First', 'Second');
    startRun(rig, GONE);
    expect(await status(rig)).toMatchObject({
      run: { state: 'dead' },
      running: [],
      attention: [
        { taskId: null, message: expect.stringContaining('was killed, in the middle of 1 task') as string },
      ],
      next: 'claude-orchestrator run',
    });
  });

  test('after a failure tells why, what would help, and what each model cost', async () => {
    const rig = await rigWithTasks('First', 'Second');
    const attempt = startRun(rig, identityOf(process.pid));
    rig.withStore((store) => {
      store.endAttempt(attempt, DENIED, 'failed', 'test');
      store.endRun('run-1', 'completed-with-failures', '');
    });
    const { stdout } = await rig.tool(['status']);
    expect(stdout).toMatch(/^Last run run-1: completed with failures after/);
    expect(stdout).toMatch(/Needs you\n {2}1 {2}First\n {4}permission-denied: It may not run npm\.\n/);
    expect(stdout).toContain('Bash(npm test:*)');
    expect(stdout).toMatch(/claude-sonnet-5-5 +1\.2k +\$0\.50 +1\.2k +\$0\.50 +1\.2k +\$0\.50\n/);
    expect(stdout).toMatch(/Next: claude-orchestrator show 1\n$/);
    const { usage } = await status(rig);
    expect(usage.run).toEqual(DENIED.usage);
    expect(usage.last5h).toEqual(DENIED.usage);
    expect((await rig.tool(['status', '--verbose'])).stdout).toContain('Not done');
  });

  test('of a run that waits for a usage limit tells why, until when, and what is used', async () => {
    const rig = await rigWithTasks('First', 'Second');
    const resetsAt = Date.now() + 2 * 3_600_000;
    const account = subscriptionAccount({ environment: rig.env, home: homeOf(rig) }, 'Claude subscription');
    const ledger = openUsageLedger({
      file: join(homeOf(rig), '.local', 'state', 'claude-orchestrator', 'usage.db'),
      accounts: { worker: account, manager: account },
      project: '/somewhere/else',
      now: Date.now,
    });
    ledger.observe('worker', {
      windows: [{ name: 'five_hour', utilization: 1, status: 'rejected', resetsAt }],
      overageInUse: false,
      refused: true,
    });
    ledger.book({ role: 'worker', runId: null, taskId: null, usage: DENIED.usage });
    expect(ledger.problem).toBeNull();
    ledger.close();
    const accounts = { worker: account, manager: account };
    startRun(rig, identityOf(process.pid), { accounts, maxCostUsd: 10 });
    const until = new Date(resetsAt + 1000).toISOString();
    const message = 'The usage limit is reached.';
    rig.withStore((store) => {
      store.record({ type: 'run-paused', runId: 'run-1', reason: 'usage-limit', until, message });
    });

    const env = { XDG_STATE_HOME: '' };
    const report = JSON.parse((await rig.tool(['status', '--json'], { env })).stdout) as StatusReport;
    expect(report).toMatchObject({
      run: { state: 'running', paused: { reason: 'usage-limit', until, message }, resetsAt: until },
      windows: [
        {
          account: 'Claude subscription',
          window: 'five_hour',
          usedPercent: 100,
          status: 'rejected',
          resetsAt: new Date(resetsAt).toISOString(),
        },
      ],
      limit: { window: 'five_hour' },
      budget: { maxUsd: 10, spentUsd: 0, leftUsd: 10, maxPerTaskUsd: null },
      usage: { last5h: [], account: { last5h: DENIED.usage, last7d: DENIED.usage } },
    });
    const { stdout } = await rig.tool(['status'], { env });
    expect(stdout).toMatch(/^Paused: usage limit \(5-hour\) · goes on at .*\d\d:\d\d, in \d h/m);
    expect(stdout).toMatch(
      /^limits of the Claude subscription\n {2}5-hour .*━ 100% {2}resets .*\d\d:\d\d, in /m,
    );
    expect(stdout).toMatch(/^budget {2}\$0\.00 of \$10\.00 spent, \$10\.00 left$/m);
    expect(stdout).toMatch(/^claude-sonnet-5-5 +- +1\.2k +\$0\.50 +1\.2k +\$0\.50$/m);
    expect(stdout).toMatch(/^of it here +- +- +-$/m);

    rig.withStore((store) => store.record({ type: 'run-resumed', runId: 'run-1', reason: 'usage-limit' }));
    const resumed = JSON.parse((await rig.tool(['status', '--json'], { env })).stdout) as StatusReport;
    expect(resumed.run).toMatchObject({ state: 'running', paused: null });
  });

  test('of a run that the budget stopped says what lets it go on', async () => {
    const rig = await rigWithTasks('First', 'Second');
    startRun(rig, identityOf(process.pid));
    rig.withStore((store) => store.endRun('run-1', 'over-budget', '$1.00 of the $1.00 budget is spent.'));
    expect(await status(rig)).toMatchObject({
      attention: [
        {
          taskId: null,
          outcome: 'over-budget',
          message: '$1.00 of the $1.00 budget is spent.',
          advice: expect.stringContaining('--max-cost') as string,
        },
      ],
      budget: null,
    });
    const { stdout } = await rig.tool(['status']);
    expect(stdout).toContain('No plan limits are known');
  });

  test('a configuration that cannot be used is no reason to tell nothing', async () => {
    const rig = await rigWithTasks('First', 'Second');
    startRun(rig, identityOf(process.pid));
    const end = await rig.tool(['status', '--json'], {
      env: { CLAUDE_ORCHESTRATOR__BUDGET__MAX_COST_USD: 'x' },
    });
    expect(end).toMatchObject({ exitCode: 0, stderr: '' });
    expect(JSON.parse(end.stdout)).toMatchObject({ run: { state: 'running' }, windows: [], budget: null });
  });

  test('without a store it says so, and touches nothing', async () => {
    const rig = await rigWithTasks();
    const end = await rig.tool(['status'], { cwd: '/' });
    expect(end).toMatchObject({ exitCode: 2, stdout: '' });
    expect(end.stderr).toContain('init');
  });
});

/** Resolves when so many lines are out. */
async function untilLines(tool: StartedTool, count: number): Promise<string[]> {
  for (;;) {
    const lines = tool.output.stdout.split('\n').slice(0, -1);
    if (lines.length >= count) return lines;
    if (tool.process.exitCode !== null) throw new Error(`ended too early: ${tool.output.stderr}`);
    await delay(20);
  }
}

describe('status --watch', () => {
  test('into a pipe adds a line at every change, and ends at a signal', async () => {
    const rig = await rigWithTasks('First');
    const tool = rig.start(['status', '--watch']);
    expect(await untilLines(tool, 1)).toEqual([
      expect.stringMatching(/^\d{4}-.*Z no run yet · 1 task: 1 ready/),
    ]);
    rig.withStore((store) => store.setStatus(['1'], 'done', 'test'));
    expect((await untilLines(tool, 2))[1]).toContain('1 done');
    tool.process.kill('SIGINT');
    expect(await tool.end).toMatchObject({ exitCode: 130, stderr: '' });
  });

  test('--json adds a document a line', async () => {
    const rig = await rigWithTasks('First');
    const tool = rig.start(['status', '--watch', '--json']);
    await untilLines(tool, 1);
    rig.withStore((store) => store.setStatus(['1'], 'deferred', 'test'));
    const lines = await untilLines(tool, 2);
    expect(lines.map((line) => (JSON.parse(line) as StatusReport).tasks.deferred)).toEqual([0, 1]);
    tool.process.kill('SIGTERM');
    expect(await tool.end).toMatchObject({ exitCode: 143 });
  });

  test('ends when its reader goes away', async () => {
    const rig = await rigWithTasks('First');
    const tool = rig.start(['status', '--watch']);
    await untilLines(tool, 1);
    tool.process.stdout?.destroy();
    rig.withStore((store) => store.setStatus(['1'], 'done', 'test'));
    expect(await tool.end).toMatchObject({ exitCode: 0, stderr: '' });
  });

  test('on a terminal repaints in place, and Ctrl-C ends it', async () => {
    const rig = await rigWithTasks('First');
    const command = [process.execPath, resolve('bin/claude-orchestrator.js'), 'status', '--watch'];
    const terminal = runOnTerminal(command, {
      columns: 80,
      rows: 24,
      cwd: rig.directory,
      env: { ...rig.env },
    });
    const shows = (text: string): Promise<void> =>
      terminal.until((outputs) =>
        outputs
          .map((output) => output.text)
          .join('')
          .includes(text),
      );
    await shows('1 task: 1 ready');
    rig.withStore((store) => store.setStatus(['1'], 'done', 'test'));
    await shows('1 task: 1 done');
    expect(terminal.outputs[0]?.text.startsWith('\x1b[H')).toBe(true);
    terminal.type('\x03');
    expect((await terminal.ended).exit).toBe(130);
  });
});
