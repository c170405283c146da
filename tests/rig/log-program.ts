import { createLogReporter } from '../../src/reporting/log/log-reporter.ts';

/** A process that logs: `<folder> <name> <count> <maxBytes>`; it says `ready`, and exits when all is written. */
const [folder = '', name = '', count = '0', maxBytes = '0'] = process.argv.slice(2);
const log = createLogReporter({
  folder,
  level: 'info',
  pid: process.pid,
  now: Date.now,
  warn: (message) => process.stderr.write(`${message}\n`),
  maxBytes: Number(maxBytes),
  maxFiles: 1000,
});
process.stdout.write('ready\n');
for (let index = 0; index < Number(count); index++) {
  log.report({
    type: 'warning',
    message: `${name} ${index} ${'x'.repeat(index % 300)}`,
    at: new Date().toISOString(),
  });
  // What waits is written at once: few lines at a time, however slow the disk is.
  if (index % 7 === 0) await log.close();
}
await log.close();
