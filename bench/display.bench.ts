import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundle } from '../tests/rig/bundle.ts';
import { runOnTerminal } from '../tests/rig/terminal.ts';

// What a display costs: workers that report four times a second, on a real pseudo-terminal, against no display.
const seconds = Number(process.env['SECONDS_EACH'] ?? 10);
const rounds = Number(process.env['ROUNDS'] ?? 3);
const folder = mkdtempSync(join(tmpdir(), 'bench-display-'));
const program = join(folder, 'display-program.mjs');
bundle('bench/display-program.ts', program);

/** Share of a core, in percent, over and above what starting and ending the same program takes. */
async function share(kind: string, workers: number): Promise<{ percent: number; bytes: number }> {
  const [idle, busy] = [await run(kind, workers, 0), await run(kind, workers, seconds)];
  return { percent: ((busy.cpu - idle.cpu) / seconds) * 100, bytes: busy.bytes };
}

async function run(kind: string, workers: number, length: number): Promise<{ cpu: number; bytes: number }> {
  const command = [process.execPath, program, kind, String(workers), String(length)];
  const terminal = runOnTerminal(command, { columns: 120, rows: 50, env: process.env });
  const { exit, cpu } = await terminal.ended;
  if (exit !== 0) throw new Error(`The display program ended with ${exit}.`);
  return { cpu, bytes: terminal.outputs.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0) };
}

console.log('display           % of a core, each round  above no display  bytes/s  promised');
for (const workers of [1, 16]) {
  const floor = await sample('none', workers);
  report(`none, ${workers}`, floor);
  for (const kind of ['live', 'plain', 'ndjson'])
    report(`${kind}, ${workers}`, await sample(kind, workers), floor);
}
rmSync(folder, { recursive: true, force: true });

async function sample(kind: string, workers: number): Promise<{ percents: number[]; bytes: number }> {
  const percents: number[] = [];
  let bytes = 0;
  for (let round = 0; round < rounds; round++) {
    const measured = await share(kind, workers);
    percents.push(measured.percent);
    bytes = measured.bytes;
  }
  return { percents, bytes };
}

function report(
  name: string,
  { percents, bytes }: { percents: number[]; bytes: number },
  floor?: { percents: number[] },
): void {
  const each = percents.map((percent) => percent.toFixed(1)).join(' ');
  const above = floor === undefined ? '' : (median(percents) - median(floor.percents)).toFixed(1);
  console.log(
    `${name.padEnd(16)}  ${each.padEnd(24)}  ${above.padStart(16)}  ${(bytes / seconds).toFixed(0).padStart(7)}  ${name.startsWith('live') ? '≤ 5' : ''}`,
  );
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? NaN;
}
