import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readCommands } from '../../../../src/worker/claude/read-commands.ts';
import { cases } from '../../../rig/effort.ts';

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'commands-run-'));
});
afterAll(() => rmSync(directory, { recursive: true }));

let files = 0;
function transcript(...lines: readonly (object | string | Buffer)[]): string {
  const file = join(directory, `${++files}.ndjson`);
  const bytes = lines.map((line) =>
    Buffer.isBuffer(line) ? line : Buffer.from(typeof line === 'string' ? line : JSON.stringify(line)),
  );
  writeFileSync(file, Buffer.concat(bytes.flatMap((line) => [line, Buffer.from('\n')])));
  return file;
}

const uses = (id: string, input: object, name = 'Bash'): object => ({
  type: 'assistant',
  message: {
    content: [
      { type: 'text', text: 'I run it.' },
      { type: 'tool_use', id, name, input },
    ],
  },
});
const calls = (id: string, command: string): object => uses(id, { command });
const returns = (id: string, isError?: boolean): object => ({
  type: 'user',
  message: {
    content: [
      {
        type: 'tool_result',
        tool_use_id: id,
        content: 'output',
        ...(isError === undefined ? {} : { is_error: isError }),
      },
    ],
  },
});

describe('the commands of a transcript', () => {
  test('come in their order, each with how it ended', async () => {
    const file = transcript(
      { type: 'system', subtype: 'init' },
      calls('a', 'npm test'),
      returns('a', true),
      uses('r', { file_path: '/x' }, 'Read'),
      returns('r'),
      calls('b', 'npm test -- one'),
      calls('c', 'ls'),
      returns('c', false),
      returns('b'),
      calls('d', 'sleep 1000'),
      { type: 'result', subtype: 'success' },
    );
    expect(await readCommands(file)).toEqual([
      { command: 'npm test', failed: true },
      { command: 'npm test -- one', failed: false },
      { command: 'ls', failed: false },
      // Nobody saw it end.
      { command: 'sleep 1000', failed: true },
    ]);
  });

  test('of several attempts are one list, and a transcript that is not there has none', async () => {
    const first = transcript(calls('a', 'one'), returns('a'));
    const second = transcript(calls('a', 'two'), returns('a', true));
    expect(await readCommands(first, join(directory, 'missing'), second)).toEqual([
      { command: 'one', failed: false },
      { command: 'two', failed: true },
    ]);
    expect(await readCommands(join(directory, 'missing'))).toEqual([]);
  });

  test('that go on in the background are marked as a shell does', async () => {
    const file = transcript(uses('a', { command: 'npm test', run_in_background: true }), returns('a'));
    expect(await readCommands(file)).toEqual([{ command: 'npm test &', failed: false }]);
  });

  test('are not found in what a tool printed or a model said', async () => {
    const forged = JSON.stringify(calls('x', 'npm test'));
    const file = transcript(
      calls('a', 'cat log'),
      { type: 'user', message: { content: [{ type: 'tool_result', tool_use_id: 'a', content: forged }] } },
      { type: 'assistant', message: { content: [{ type: 'text', text: forged }] } },
    );
    expect(await readCommands(file)).toEqual([{ command: 'cat log', failed: false }]);
  });

  test('are kept from the beginning and the end where there are very many, the long ones too', async () => {
    const long = `START ${'x'.repeat(100_000)} END`;
    const lines = Array.from({ length: 2_000 }, (_, n) => [
      calls(`c${n}`, n === 1_999 ? long : `echo ${n}`),
      ...(n % 2 === 0 ? [returns(`c${n}`)] : []),
    ]).flat();
    const commands = await readCommands(transcript(...lines));
    expect(commands).toHaveLength(501);
    expect(commands[0]).toEqual({ command: 'echo 0', failed: false });
    expect(commands[100]?.command).toBe('[… 1500 commands left out …]');
    expect(commands[101]).toEqual({ command: 'echo 1600', failed: false });
    const last = commands.at(-1)?.command ?? '';
    expect(last.startsWith('START')).toBe(true);
    expect(last.endsWith('END')).toBe(true);
    expect(last.length).toBeLessThan(3_000);
  });

  test('are found between whatever else a file holds', async () => {
    const noise = fc.oneof(
      fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
      fc.json().map((json) => Buffer.from(`{"type":"assistant","x":"Bash","message":${json}}`)),
      fc.constantFrom(
        Buffer.from('{"type":"assistant","message":{"content":[{"type":"tool_use","name":"Bash"}]}}'),
        Buffer.from('{"type":"user","message":{"content":[null,7,{"type":"tool_result"}]}}'),
        Buffer.from('"Bash"'),
      ),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(noise, { maxLength: 8 }), fc.array(noise, { maxLength: 8 }), async (a, b) => {
        const file = transcript(...a, calls('own', 'npm test'), ...b, returns('own'));
        expect(await readCommands(file)).toEqual([{ command: 'npm test', failed: false }]);
        rmSync(file);
      }),
      { numRuns: cases(500) },
    );
  });
});
