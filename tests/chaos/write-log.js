// Loaded into the stand-in for the Claude CLI (`node --import`): tells what each worker wrote, and that it began and
// ended, in a file outside the repository. What is told was on disk before it was told.
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { relative } from 'node:path';
import process from 'node:process';

const { writeFileSync } = fs;
const log = process.env.CHAOS_WRITE_LOG;
const logFile = log === undefined ? undefined : fs.openSync(log, 'a');
const option = (name) => process.argv[process.argv.indexOf(name) + 1];
const resumed = process.argv.includes('--resume');
const session = resumed ? option('--resume') : option('--session-id');
const directory = process.cwd();
const tell = (told) =>
  fs.writeSync(logFile, `${JSON.stringify({ ...told, session, pid: process.pid, directory })}\n`);

if (log !== undefined && process.argv.includes('-p')) {
  tell({ type: 'begin', resumed, marker: process.env.CLAUDE_ORCHESTRATOR_ATTEMPT });
  // Only an end by itself: one that was asked to stop left something unfinished.
  process.on('exit', (code) => tell({ type: 'end', code }));
  fs.writeFileSync = (path, content, ...rest) => {
    writeFileSync(path, content, ...rest);
    // Appending ends up here too: what the stand-in keeps for itself is nobody's work.
    if (relative(directory, String(path)).startsWith('..')) return;
    const bytes = Buffer.from(content);
    const blob = createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex');
    tell({ type: 'write', path: relative(directory, path), blob });
  };
  syncBuiltinESMExports();
}
