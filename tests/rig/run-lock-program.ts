import { spawn } from 'node:child_process';
import { DRIVERS } from '../../src/store/driver.ts';
import { acquireRunLock } from '../../src/store/run-lock.ts';

/**
 * A process that takes the lock of a project as soon as its input ends, and tells whether it got it. It holds it until
 * it is killed. With `spawn` it first starts a child that outlives it, and tells its process id; with `end` it lets go
 * and ends by itself.
 */
const [file = '', driverName, job] = process.argv.slice(2);
const driver = DRIVERS.find((name) => name === driverName);
const say = (value: unknown): void => void process.stdout.write(`${JSON.stringify(value)}\n`);

process.stdout.write('ready\n');
process.stdin.resume().once('end', () => {
  const lock = acquireRunLock(file, driver === undefined ? {} : { driver });
  if (job === 'spawn') say(spawn('sleep', ['600'], { detached: true, stdio: 'ignore' }).pid);
  say(lock === undefined ? 'refused' : 'held');
  if (job === 'end') lock?.release();
  else if (lock !== undefined) setInterval(() => undefined, 60_000);
});
