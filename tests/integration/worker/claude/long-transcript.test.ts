import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bundle } from '../../../rig/bundle.ts';
import { lines } from '../../../rig/worker-rig.ts';

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'long-transcript-'));
  bundle('tests/rig/transcript-reader.ts', join(directory, 'reader.js'));
});
afterAll(() => rmSync(directory, { recursive: true }));

interface Reading {
  readonly result: number;
  readonly usage: readonly { readonly input: number }[];
  readonly counts: Readonly<Record<string, number>>;
  readonly cpuMs: number;
  readonly peakRssMb: number;
}

/** Reads a transcript of about this many megabytes in a process of its own. */
function read(megabytes: number): Reading {
  const file = join(directory, `${megabytes}.ndjson`);
  const round = [
    lines.text('some words on what comes next '.repeat(20)),
    { type: 'user', message: { content: [{ type: 'tool_result', content: 'x'.repeat(60_000) }] } },
    ...Array.from({ length: 60 }, (_, index) => ({
      type: 'stream_event',
      event: { type: 'content_block_delta', index, delta: { type: 'text_delta', text: 'and so on' } },
    })),
    { type: 'a_new_kind_of_line', data: 'y'.repeat(30_000) },
  ];
  const bytes = Buffer.from(round.map((line) => `${JSON.stringify(line)}\n`).join(''));
  const fd = openSync(file, 'w');
  writeSync(fd, `${JSON.stringify(lines.init)}\n`);
  for (let written = 0; written < megabytes * 2 ** 20; written += bytes.length) writeSync(fd, bytes);
  closeSync(fd);
  writeFileSync(file, `${JSON.stringify(lines.result({ result: 'z'.repeat(10_000_000) }))}\n`, { flag: 'a' });
  const output = execFileSync(process.execPath, [join(directory, 'reader.js'), file], { encoding: 'utf8' });
  rmSync(file);
  return JSON.parse(output) as Reading;
}

test('a transcript of 200 MB takes no more memory than one of 20 MB, give or take the garbage', () => {
  const short = read(20);
  const long = read(200);
  for (const reading of [short, long]) {
    expect(reading.result).toBe(2);
    expect(reading.usage).toMatchObject([{ input: 1000 }]);
  }
  expect(long.counts['assistant']).toBeGreaterThan(1500);
  expect(long.peakRssMb).toBeLessThan(short.peakRssMb + 100);
  expect(long.peakRssMb).toBeLessThan(350);
});
