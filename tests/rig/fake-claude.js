#!/usr/bin/env node
// Stands in for the Claude CLI: does the steps that a test wrote into a file, one list of steps for each call.
import { spawn } from 'node:child_process';
import { appendFileSync, existsSync, readFileSync, writeFileSync, writeSync } from 'node:fs';

if (process.argv[2] === '--version') {
  console.log('2.1.330 (Claude Code)');
  process.exit();
}
const { FAKE_CLAUDE_DIR: directory } = process.env;
const prompt = readFileSync(0, 'utf8');
const seen = `${directory}/calls.ndjson`;
const earlier = existsSync(seen) ? readFileSync(seen, 'utf8').trim().split('\n').length : 0;
appendFileSync(
  seen,
  `${JSON.stringify({ argv: process.argv.slice(2), env: process.env, cwd: process.cwd(), prompt, pid: process.pid })}\n`,
);
const calls = JSON.parse(readFileSync(`${directory}/steps.json`, 'utf8'));
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

function writeAll(bytes) {
  for (let written = 0; written < bytes.length;) written += writeSync(1, bytes, written);
}

const actions = {
  print: (line) => writeAll(Buffer.from(`${JSON.stringify(line)}\n`)),
  raw: (base64) => writeAll(Buffer.from(base64, 'base64')),
  /** A line whose result text is that long. */
  hugeResult: ({ line, length }) =>
    writeAll(Buffer.from(`${JSON.stringify({ ...line, result: 'x'.repeat(length) })}\n`)),
  /** The same line again and again. */
  flood: ({ line, megabytes }) => {
    const bytes = Buffer.from(`${JSON.stringify(line)}\n`.repeat(64));
    for (let left = megabytes * 2 ** 20; left > 0; left -= bytes.length) writeAll(bytes);
  },
  /** The same line for ever. */
  beat: ({ line, everyMs }) =>
    new Promise(() => setInterval(() => writeAll(Buffer.from(`${JSON.stringify(line)}\n`)), everyMs)),
  stderr: (text) => writeSync(2, text),
  write: ({ path, text }) => writeFileSync(path, text),
  ignoreSigterm: () => process.on('SIGTERM', () => undefined),
  /** A shell command that stays; in a session of its own, as the real CLI starts its tools. */
  tool: (command) => spawn('bash', ['-c', command], { detached: true, stdio: 'ignore' }).unref(),
  child: (command) => spawn('bash', ['-c', command], { stdio: 'ignore' }).unref(),
  waitFor: async (path) => {
    while (!existsSync(path)) await sleep(10);
  },
  hang: () => new Promise(() => setInterval(() => undefined, 1000)),
  kill: (signal) => process.kill(process.pid, signal),
  exit: (code) => process.exit(code),
};

for (const step of calls[Math.min(earlier, calls.length - 1)])
  for (const [name, value] of Object.entries(step)) await actions[name](value);
