import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { displayWidth } from '../../../../src/domain/text/display-text.ts';
import { bundle } from '../../../rig/bundle.ts';
import { replay, type Screen } from '../../../rig/screen.ts';
import { runOnTerminal, type TerminalProgram } from '../../../rig/terminal.ts';

const CTRL_C = '\x03';
const CTRL_S = '\x13';
const CTRL_Q = '\x11';
let folder = '';
let program = '';

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'display-'));
  program = join(folder, 'display-program.mjs');
  bundle('bench/display-program.ts', program);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function start(
  workers: number,
  columns: number,
  rows: number,
  more: NodeJS.ProcessEnv = {},
): TerminalProgram {
  const command = [process.execPath, program, 'live', String(workers)];
  return runOnTerminal(command, {
    columns,
    rows,
    env: { PATH: process.env['PATH'], TERM: 'xterm-256color', ...more },
  });
}

/** Resolves with the screen as soon as it looks as wanted. */
async function screenWhen(
  terminal: TerminalProgram,
  [columns, rows]: readonly [number, number],
  isWanted: (screen: Screen) => boolean,
): Promise<Screen> {
  let screen = replay(terminal.outputs, columns, rows);
  await terminal.until((outputs) => {
    screen = replay(outputs, columns, rows);
    return isWanted(screen);
  });
  return screen;
}

const barsOf = (screen: Screen): string[] => screen.lines().filter((line) => /^[━─]+ +\d+%/.test(line));
const workerRows = (screen: Screen): string[] => screen.lines().filter((line) => line.startsWith('▸'));

describe.each([
  [1, 80, 24],
  [16, 80, 24],
  [1, 200, 50],
  [16, 200, 50],
])('%i workers on %i × %i', (workers, columns, rows) => {
  test('shows each of them while they work, and the failures at the end', async () => {
    const terminal = start(workers, columns, rows);
    const screen = await screenWhen(terminal, [columns, rows], (now) => workerRows(now).length === workers);
    expect(screen.clipped).toBe(0);
    const [above, ...block] = screen.lines();
    expect(above).toBe('Planned by the manager.');
    expect(block[0]).toMatch(/^[━─]+ +\d+% {2}0 done · \d+ running · 0 failed · \d+ waiting$/);
    expect(block[1]).toMatch(/^\d+s · .+ tokens · \$/);
    expect(block[2]).toBe('workers: Claude subscription · manager: API key …abcd');
    expect(block).toHaveLength(3 + workers);
    for (const line of block) expect(displayWidth(line)).toBeLessThan(columns);

    terminal.type(CTRL_C);
    expect((await terminal.ended).exit).toBe(130);
    const end = replay(terminal.outputs, columns, rows);
    const history = end.history().join('\n');
    expect(history).toMatch(
      /✖ 1 Add the login form · \d+s · \$0\.05\n {4}verify-failed: npm test: 2 of 14 tests fail/,
    );
    for (let id = 2; id <= workers; id++) expect(history).toContain(`✔ ${id} `);
    expect(workerRows(end)).toEqual([]);
    expect(history).toContain(`${workers - 1} done · 0 running · 1 failed · ${workers * 2} waiting`);
    expect(end.cursorVisible).toBe(true);
    expect(end.isWrapping).toBe(true);
  });
});

test('more workers than lines: what fits is shown, the rest is counted', async () => {
  const terminal = start(16, 80, 10);
  const screen = await screenWhen(terminal, [80, 10], (now) =>
    now.lines().some((line) => line.includes('more workers')),
  );
  expect(screen.lines()).toHaveLength(9);
  expect(screen.lines().at(-1)).toBe('… and 12 more workers');
  terminal.type(CTRL_C);
  await terminal.ended;
});

test.each<[string, readonly [number, number], readonly [number, number]]>([
  ['narrower', [200, 50], [80, 24]],
  ['wider', [80, 24], [200, 50]],
  ['lower', [80, 30], [80, 10]],
])('a terminal that becomes %s while it runs shows one whole frame, and only one', async (_how, from, to) => {
  const terminal = start(8, ...from);
  await screenWhen(terminal, from, (now) => workerRows(now).length === 8);
  terminal.resize(...to);
  await terminal.until((outputs) => {
    const resized = outputs.findIndex(({ size }) => size !== undefined);
    return resized !== -1 && outputs.slice(resized).some(({ text }) => text.includes('\x1b[?7h'));
  });
  const frame = replay(terminal.outputs, ...from);
  expect(frame.columns).toBe(to[0]);
  expect(workerRows(frame)).toHaveLength(to[1] >= 12 ? 8 : to[1] - 6);
  expect(barsOf(frame)).toHaveLength(1);
  terminal.type(CTRL_C);
  await terminal.ended;
  const end = replay(terminal.outputs, ...from);
  // What a lower screen pushed out at its top is beyond reach.
  expect(barsOf(end)).toHaveLength(1);
  expect(workerRows(end)).toEqual([]);
  expect(end.cursorVisible).toBe(true);
});

test('a program that is killed in the middle leaves a terminal that can be used', async () => {
  const terminal = start(4, 80, 24);
  await screenWhen(terminal, [80, 24], (now) => workerRows(now).length === 4);
  // Ctrl-\ : the program has no chance to clean up.
  terminal.type('\x1c');
  expect((await terminal.ended).exit).toBe(-3);
  const end = replay(terminal.outputs, 80, 24);
  expect(end.cursorVisible).toBe(true);
  expect(end.isWrapping).toBe(true);
});

test('a terminal that is stopped with Ctrl-S stops the display, but not the run', async () => {
  const beats = join(folder, 'beats');
  const terminal = start(16, 200, 50, { BEATS: beats });
  await screenWhen(terminal, [200, 50], (now) => workerRows(now).length === 16);
  terminal.type(CTRL_S);
  const before = statSync(beats).size;
  // Far more than any buffer between the program and its terminal takes.
  await vi.waitUntil(() => statSync(beats).size > before + 400, { timeout: 60_000, interval: 50 });
  terminal.type(CTRL_Q);
  terminal.type(CTRL_C);
  expect((await terminal.ended).exit).toBe(130);
  expect(replay(terminal.outputs, 200, 50).history().join('\n')).toContain('15 done · 0 running · 1 failed');
});

test.each(['ndjson', 'plain'])('%s: a reader that goes away ends neither the run nor the process', (kind) => {
  const { status, stdout, stderr } = spawnSync(
    'sh',
    ['-c', '{ "$0" "$1" "$2" 2 1; echo "ended with $?" >&2; } | head -n 1', process.execPath, program, kind],
    { encoding: 'utf8' },
  );
  expect(stdout.split('\n')).toHaveLength(2);
  expect(stderr).toBe('ended with 0\n');
  expect(status).toBe(0);
});
