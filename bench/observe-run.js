// Loaded into a program before its own code (`node --import`): counts the git processes that it starts, and measures
// what all that it does costs its own processor time and its event loop. The program knows nothing of this.
import childProcess from 'node:child_process';
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import process from 'node:process';

const RESOLUTION_MS = 2;
const file = process.env.OBSERVE_RUN;
// It is not for what the program starts.
delete process.env.OBSERVE_RUN;

if (file !== undefined) {
  const delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  const spawn = childProcess.spawn;
  let git = 0;
  let spawnMs = 0;
  let begun;
  childProcess.spawn = (command, ...rest) => {
    // By then its own code is loaded.
    begun ??= process.cpuUsage();
    delays.enable();
    if (command === 'git') git++;
    const start = performance.now();
    try {
      return spawn(command, ...rest);
    } finally {
      spawnMs += performance.now() - start;
    }
  };
  syncBuiltinESMExports();
  process.once('exit', () => {
    const { user, system } = process.cpuUsage(begun);
    // The timer that measures is late by its own interval.
    const ms = (nanoseconds) => Math.max(0, nanoseconds / 1e6 - RESOLUTION_MS);
    const [p50, p99, p999] = [50, 99, 99.9].map((percent) => ms(delays.percentile(percent)));
    const observed = { git, spawnMs, cpuMs: (user + system) / 1000, p50, p99, p999, longest: ms(delays.max) };
    fs.writeFileSync(file, JSON.stringify(observed));
  });
}
