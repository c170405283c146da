import { closeSync, openSync } from 'node:fs';
import { createCommandRunner } from '../../src/worker/gates/run-command.ts';
import { createProcessTable } from '../../src/worker/process/process-table.ts';

// Starts a command while this process has no file descriptor left, and frees the descriptors after that has failed.
const [directory = '.'] = process.argv.slice(2);
const table = createProcessTable({
  platform: process.platform,
  pid: process.pid,
  kill: (pid, signal) => process.kill(pid, signal),
});
const run = createCommandRunner({ table, environment: process.env, timeoutMs: 60_000, graceMs: 300 });
const marker = { variable: 'CLAUDE_ORCHESTRATOR_ATTEMPT', value: `${directory}/1` };

// The standard streams get their descriptors before all others are taken.
process.stdout.write('');
const taken: number[] = [];
let failedBefore = '';
try {
  for (;;) taken.push(openSync('/dev/null', 'r'));
} catch (error) {
  failedBefore = (error as NodeJS.ErrnoException).code ?? '';
}
const running = run('true', { directory, environment: {}, marker }, new AbortController().signal);
setImmediate(() => {
  for (const descriptor of taken) closeSync(descriptor);
});
process.stdout.write(JSON.stringify({ failedBefore, result: await running }));
