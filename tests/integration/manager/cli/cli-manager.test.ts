import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { createCliManager, type CliManagerOptions } from '../../../../src/manager/cli/cli-manager.ts';
import type { Manager, Question } from '../../../../src/manager/manager.ts';
import { parsePrd } from '../../../../src/manager/planning/draft-tasks.ts';
import type { ScenarioInput } from '../../../../src/simulator/scenario.ts';
import { createProcessTable } from '../../../../src/worker/process/process-table.ts';
import { REAL_CLAUDE, simulatorRig, type SimulatorRig } from '../../../rig/simulator.ts';

type ReplyInput = NonNullable<ScenarioInput['rules'][number]['reply']>;

const NEVER = new AbortController().signal;
const USAGE: NonNullable<ReplyInput['usage']> = { input: 1000, output: 100 };
const processes = createProcessTable({
  platform: process.platform,
  pid: process.pid,
  kill: (pid, signal) => process.kill(pid, signal),
});

const question: Question<{ answer: number }> = {
  purpose: 'plan',
  system: 'You plan.',
  prompt: 'What is it?',
  schema: z.strictObject({ answer: z.number() }),
};

const open: SimulatorRig[] = [];
afterEach(async () => {
  for (const rig of open.splice(0)) await rig.close();
});

let markers = 0;

/** A manager that uses the real CLI, against a simulator that gives these replies and repeats the last one. */
async function managerRig(
  replies: readonly ReplyInput[],
  options: Partial<CliManagerOptions> & { env?: Record<string, string> } = {},
): Promise<{ manager: Manager; rig: SimulatorRig; isMarkedLeft: () => boolean }> {
  const rules: ScenarioInput['rules'] = replies.map((reply, index) => ({
    reply,
    ...(index < replies.length - 1 ? { times: 1 } : {}),
  }));
  const rig = await simulatorRig({ rules });
  open.push(rig);
  const marker = { variable: 'MANAGER_TEST', value: `${process.pid}-${++markers}` };
  const { env, ...rest } = options;
  const manager = createCliManager({
    command: REAL_CLAUDE,
    model: 'opus',
    payer: 'API key',
    environment: { ...rig.env, ...env, [marker.variable]: marker.value },
    marker,
    directory: rig.cwd,
    settings: null,
    timeoutMs: 100_000,
    graceMs: 5_000,
    processes,
    ...rest,
  });
  return { manager, rig, isMarkedLeft: () => processes.findMarked(marker).length > 0 };
}

function bodies(rig: SimulatorRig): string[] {
  return rig.simulator.requests.filter(({ path }) => path.startsWith('/v1/messages')).map(({ body }) => body);
}

describe('a question', () => {
  test('gets a structured reply with its usage, and leaves nothing behind', async () => {
    const { manager, rig, isMarkedLeft } = await managerRig([{ json: { answer: 42 }, usage: USAGE }]);
    const reply = await manager.ask(question, NEVER);
    if (!reply.ok) throw new Error(reply.error.failure.message);
    expect(reply.value.value).toEqual({ answer: 42 });
    expect(bodies(rig)[0]).not.toMatch(/gitStatus|memory|"name":"(?:Agent|Bash|Write)"/);
    expect(bodies(rig)[0]?.length).toBeLessThan(10_000);
    expect(reply.value.usage).toEqual([
      {
        model: 'claude-opus-5-5',
        input: 1000,
        output: 100,
        cacheRead: 0,
        cacheWrite: 0,
        costUsd: 0.006,
      },
    ]);
    expect(isMarkedLeft()).toBe(false);
    expect(await readdir(rig.cwd)).toEqual([]);
    const tools = (JSON.parse(bodies(rig)[0] ?? '{}') as { tools: { name: string }[] }).tools;
    const names = tools.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(['Glob', 'Grep', 'Read', 'StructuredOutput']));
    for (const name of ['Bash', 'Write', 'Edit', 'WebFetch', 'Task']) expect(names).not.toContain(name);
  });

  test('keeps files and commands of its text to itself', async () => {
    const { manager, rig } = await managerRig([{ json: { answer: 1 } }]);
    await writeFile(join(rig.cwd, 'notes.txt'), 'CONTENT-OF-THE-NOTES');
    const text = '/cost\nsee @notes.txt and @"notes.txt"\n\t@notes.txt';
    const reply = await manager.ask({ ...question, prompt: text }, NEVER);
    expect(reply.ok).toBe(true);
    const seen = bodies(rig).join('\n');
    expect(seen).toContain('notes.txt');
    expect(seen).not.toContain('CONTENT-OF-THE-NOTES');
    expect(seen).toContain(String.raw`\\/cost`);
  });

  test('without a structured reply is invalid, and its correction tells the reply and the problems', async () => {
    const { manager, rig } = await managerRig([{ text: 'I would rather talk.', usage: USAGE }]);
    const bad = await manager.ask(question, NEVER);
    if (bad.ok || bad.error.invalid === undefined) throw new Error(JSON.stringify(bad));
    expect(bad.error.failure.reason).toBe('plan-invalid');
    expect(bad.error.invalid.reply).toContain('I would rather talk.');
    expect(bad.error.usage[0]?.input).toBeGreaterThanOrEqual(1000);

    const before = bodies(rig).length;
    await manager.ask({ ...question, correction: bad.error.invalid }, NEVER);
    const correction = bodies(rig)[before] ?? '';
    expect(correction).toContain('What is it?');
    expect(correction).toContain('I would rather talk.');
    expect(correction).toContain('StructuredOutput tool');
  });
});

describe('research', () => {
  test('tells the files that were read, and reads no secrets', async () => {
    const read = (path: string): NonNullable<ReplyInput['tools']>[number] => ({
      name: 'Read',
      input: { file_path: path },
    });
    const { manager, rig } = await managerRig([
      { tools: [read('{{cwd}}/README.md'), read('{{cwd}}/.env')], usage: USAGE },
      { json: { answer: 1 }, usage: USAGE },
    ]);
    await writeFile(join(rig.cwd, 'README.md'), 'WHAT-IT-IS');
    await writeFile(join(rig.cwd, '.env'), 'ANTHROPIC_API_KEY=VERY-SECRET');
    const reply = await manager.ask({ ...question, research: true }, NEVER);
    if (!reply.ok) throw new Error(reply.error.failure.message);
    expect(reply.value.sources).toContain('README.md');
    expect(reply.value.usage[0]?.input).toBe(2000);
    const seen = bodies(rig).join('\n');
    expect(seen).toContain('WHAT-IT-IS');
    expect(seen).not.toContain('VERY-SECRET');
    expect(seen).toContain('"WebFetch"');
  });
});

describe('failures', () => {
  const fault = (status: number, type: string, message: string): ReplyInput => ({
    fault: { kind: 'http', status, type, message },
  });
  test.each<[string, ReplyInput, string]>([
    ['401', fault(401, 'authentication_error', 'invalid x-api-key'), 'unauthenticated'],
    ['403', fault(403, 'permission_error', 'no'), 'unauthenticated'],
    ['no credit', fault(400, 'invalid_request_error', 'Your credit balance is too low'), 'billing'],
    ['404', fault(404, 'not_found_error', 'model: opus'), 'model-unavailable'],
    ['429', fault(429, 'rate_limit_error', 'slow down'), 'usage-limited'],
    ['529', fault(529, 'overloaded_error', 'Overloaded'), 'manager-unavailable'],
    ['too long', fault(400, 'invalid_request_error', 'prompt is too long: 9 > 8'), 'prd-too-large'],
    ['refusal', { text: '', stopReason: 'refusal' }, 'plan-invalid'],
    ['truncation', { text: 'on and on', stopReason: 'max_tokens' }, 'plan-invalid'],
  ])('%s', async (_name, reply, reason) => {
    const { manager, isMarkedLeft } = await managerRig([reply]);
    const answer = await manager.ask(question, NEVER);
    if (answer.ok) throw new Error('expected a failure');
    expect(answer.error.failure, JSON.stringify(answer.error)).toMatchObject({ reason });
    expect(answer.error.failure.message).not.toContain('undefined');
    expect(answer.error.invalid).toBeUndefined();
    expect(isMarkedLeft()).toBe(false);
  });

  test('no such program, and a program that is not the CLI', async () => {
    const missing = await managerRig([{ json: { answer: 1 } }], { command: '/nowhere/claude' });
    expect(await missing.manager.ask(question, NEVER)).toMatchObject({
      ok: false,
      error: { failure: { reason: 'cli-missing' } },
    });
    const other = await managerRig([{ json: { answer: 1 } }], {
      command: process.execPath,
      commandArguments: ['-e', 'console.error("what is this?"); process.exit(3)', '--'],
    });
    const reply = await other.manager.ask(question, NEVER);
    expect(reply).toMatchObject({ ok: false, error: { failure: { reason: 'manager-unavailable' } } });
    expect(reply.ok || reply.error.failure.message).toContain('what is this?');
  });

  test('the total time ends it, process and all', async () => {
    const { manager, isMarkedLeft } = await managerRig(
      [{ json: { answer: 1 }, usage: USAGE, fault: { kind: 'silence' } }],
      { timeoutMs: 8_000 },
    );
    const reply = await manager.ask(question, NEVER);
    if (reply.ok) throw new Error('expected a failure');
    expect(reply.error.failure.message).toContain('within 8 s');
    expect(isMarkedLeft()).toBe(false);
  });

  test('an abort ends it, process and all, also one that does not want to', async () => {
    const stubborn = `process.on('SIGTERM', () => {}); require('node:child_process').spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { detached: true, stdio: 'ignore' }); console.log('{}'); require('node:fs').writeFileSync('started', ''); setInterval(() => {}, 1000)`;
    for (const options of [
      {},
      { command: process.execPath, commandArguments: ['-e', stubborn, '--'], graceMs: 100 },
    ]) {
      const controller = new AbortController();
      const { manager, rig, isMarkedLeft } = await managerRig(
        [{ json: { answer: 1 }, usage: USAGE, fault: { kind: 'silence' } }],
        options,
      );
      const asked = manager.ask(question, controller.signal);
      const hasStarted = async (): Promise<boolean> =>
        bodies(rig).length > 0 || (await readdir(rig.cwd)).includes('started');
      await expect.poll(hasStarted, { timeout: 60_000 }).toBe(true);
      controller.abort();
      expect(await asked).toMatchObject({ ok: false, error: { failure: { reason: 'interrupted' } } });
      expect(isMarkedLeft()).toBe(false);
    }
  });

  test('something left behind that holds the output open does not hold the answer up for ever', async () => {
    const leaves = `require('node:child_process').spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { detached: true, stdio: 'inherit' }).unref(); console.log(JSON.stringify({ type: 'result', is_error: false, structured_output: { answer: 5 } }))`;
    const { manager, isMarkedLeft } = await managerRig([{ json: { answer: 1 } }], {
      command: process.execPath,
      commandArguments: ['-e', leaves, '--'],
      timeoutMs: 3_000,
      graceMs: 100,
    });
    expect(await manager.ask(question, NEVER)).toMatchObject({ ok: true, value: { value: { answer: 5 } } });
    expect(isMarkedLeft()).toBe(false);
  });

  test('an abort before the start starts nothing', async () => {
    const { manager, rig } = await managerRig([{ json: { answer: 1 } }]);
    expect(await manager.ask(question, AbortSignal.abort())).toMatchObject({
      ok: false,
      error: { failure: { reason: 'interrupted' } },
    });
    expect(rig.simulator.requests).toEqual([]);
  });
});

test('a PRD of 200 KB becomes tasks, and what breaks a bound is mended instead of asked for again', async () => {
  const task = {
    id: '1',
    title: 'Do it',
    description: '',
    details: '',
    testStrategy: '',
    priority: 'high',
    dependencies: [],
    size: 'S',
    estimateMinutes: 3,
    touches: ['src/**'],
    risk: 'low',
  };
  const title = 'Write every part of it '.repeat(10).trim();
  const odd = { ...task, id: '2', title, estimateMinutes: 0, priority: 'urgent' };
  const { manager, rig } = await managerRig([{ json: { tasks: [task, odd] } }]);
  const prd = 'Build it as @types/node does it. ü\n'.repeat(6000).slice(0, 199_000);
  const parsed = await parsePrd(manager, { prd, existing: [] }, NEVER);
  expect(parsed).toMatchObject({ ok: true, value: { drafts: [task, { id: '2', estimateMinutes: 0.5 }] } });
  expect(parsed.ok && parsed.value.notes).toHaveLength(3);
  expect(bodies(rig)).toHaveLength(1);
});
