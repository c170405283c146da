import { DRIVERS } from '../../src/store/driver.ts';
import { openStore } from '../../src/store/sqlite-store.ts';
import type { TaskStatus } from '../../src/domain/task.ts';
import { makeDraft } from './arbitrary-tasks.ts';
import { attemptEnd, costing } from './attempt-end.ts';

/**
 * A process that uses a store, told on its command line what to do: it says `ready`, and begins when its input ends.
 * What it has to tell, it prints as one JSON value a line.
 */
const [file = '', driverName, job, ...rest] = process.argv.slice(2);
const driver = DRIVERS.find((name) => name === driverName);
const open = () =>
  openStore({
    file,
    tag: 'master',
    create: true,
    ...(driver === undefined ? {} : { driver }),
  });
const say = (value: unknown): void => void process.stdout.write(`${JSON.stringify(value)}\n`);

const jobs: Record<string, () => void> = {
  /** `open`: opens, migrates if need be, closes. */
  open() {
    open().close();
  },

  /** `set-status ID STATUS`. */
  'set-status'() {
    const [id = '', status] = rest;
    const store = open();
    store.setStatus([id], status as TaskStatus, 'asked');
    store.close();
  },

  /** `add COUNT`: adds a task COUNT times, always under the id 1, and tells the ids that it got. */
  add() {
    const store = open();
    for (let n = 0; n < Number(rest[0]); n++) {
      say(store.addTasks([makeDraft('1')], { source: 'add' }).map(({ id }) => id));
    }
    store.close();
  },

  /** `fill`: adds ever more text until it fails, and tells the failure. */
  fill() {
    const store = open();
    try {
      for (let n = 0; n < 100_000; n++) {
        say(store.addTasks([makeDraft('1', { details: 'x'.repeat(20_000) })], { source: 'fill' }).length);
      }
    } catch (error) {
      say(error instanceof Error && 'failure' in error ? error.failure : String(error));
    }
  },

  /** `stream RUN`: adds, claims and ends attempts until it is killed; tells each thing it has stored. */
  stream() {
    const store = open();
    const runId = rest[0] ?? '';
    const self = { pid: process.pid, startTime: runId };
    store.startRun({ id: runId, process: self, workers: 1, billing: '', tasks: 0 }, () => false);
    for (let n = 0; ; n++) {
      const [task] = store.addTasks([makeDraft('1'), makeDraft('1.1')], { source: 'stream' });
      const taskId = `${task?.id ?? ''}.1`;
      const claimed = store.claim({
        runId,
        taskId,
        sessionId: `${runId}-${n}`,
        resumed: false,
        model: 'sonnet',
        directory: '/',
        filesRoot: '/files',
        why: 'next',
      });
      if (claimed === undefined) throw new Error(`${taskId} could not be claimed.`);
      store.record({ type: 'attempt-spawned', attemptId: claimed.attempt.id, taskId, process: self });
      store.endAttempt(claimed.attempt.id, attemptEnd('landed', { usage: costing(0.01) }), 'done', 'landed');
      say({ taskId, attemptId: claimed.attempt.id });
    }
  },
};

process.stdout.write('ready\n');
process.stdin.resume().once('end', () => jobs[job ?? '']?.());
