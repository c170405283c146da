import { openUsageLedger } from '../../src/usage/sqlite-ledger.ts';
import { DRIVERS } from '../../src/store/driver.ts';

/**
 * A process that uses a usage ledger, told on its command line what to do: it says `ready`, and begins when its input
 * ends. What it has to tell, it prints as one JSON value a line.
 */
const [file = '', driverName, job = '', ...rest] = process.argv.slice(2);
const driver = DRIVERS.find((name) => name === driverName);
const account = { id: 'key-1', label: 'API key …abcd' };
const say = (value: unknown): void => void process.stdout.write(`${JSON.stringify(value)}\n`);
const open = () =>
  openUsageLedger({
    file,
    accounts: { worker: account, manager: account },
    project: `/project/${process.pid}`,
    now: Date.now,
    ...(driver === undefined ? {} : { driver }),
  });

const jobs: Record<string, () => void> = {
  /** `book COUNT`: opens, books COUNT entries of one dollar each, sees a window grow, closes. */
  book() {
    const ledger = open();
    for (let n = 1; n <= Number(rest[0]); n++) {
      const usage = [{ model: 'sonnet', input: 1, output: 2, cacheRead: 3, cacheWrite: 4, costUsd: 1 }];
      ledger.book({ role: 'worker', runId: 'run', taskId: String(n), usage });
      const window = { name: 'five_hour', utilization: n / 100, status: 'allowed', resetsAt: null } as const;
      ledger.observe('worker', { windows: [window], overageInUse: false, refused: false });
    }
    say(ledger.problem);
    ledger.close();
  },

  /** `refused UNTIL`: is refused by a limit that resets then. */
  refused() {
    const ledger = open();
    const window = {
      name: 'five_hour',
      utilization: 1,
      status: 'rejected',
      resetsAt: Number(rest[0]),
    } as const;
    ledger.observe('worker', { windows: [window], overageInUse: false, refused: true });
    say(ledger.problem);
    ledger.close();
  },

  /** `fill`: books until the file cannot grow any more, and goes on. */
  fill() {
    const ledger = open();
    let booked = 0;
    const book = (): void => {
      const usage = [
        { model: 'x'.repeat(10_000), input: 1, output: 0, cacheRead: 0, cacheWrite: 0, costUsd: 1 },
      ];
      ledger.book({ role: 'worker', runId: null, taskId: null, usage });
      booked++;
    };
    while (ledger.problem === null && booked < 100_000) book();
    for (let n = 0; n < 10; n++) book();
    say({
      problem: ledger.problem,
      after: ledger.usedSince(0)[0]?.input,
      isPaused: ledger.pause() !== undefined,
    });
  },
};

process.stdout.write('ready\n');
process.stdin.resume().once('end', () => jobs[job]?.());
