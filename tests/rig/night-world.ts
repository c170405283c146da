import type { AttemptEnd } from '../../src/domain/attempt.ts';
import type { UsageWindow } from '../../src/domain/usage-limit.ts';
import type { Assignment, Worker, WorkerHooks } from '../../src/worker/worker.ts';
import { attemptEnd, costing } from './attempt-end.ts';

/** The conditions of a night. Times are in Unix milliseconds, amounts in US dollars at list price. */
export interface NightPlan {
  /** The size of the five-hour window, its first reset, and its use at the start. */
  readonly window: { readonly holdsUsd: number; readonly resetsAt: number; readonly usedUsd: number };
  /** The person's own use beside the run, each amount at one moment. */
  readonly person: readonly { readonly at: number; readonly usd: number }[];
  /** The time in which nothing reaches the API. */
  readonly outage: { readonly from: number; readonly until: number };
  /** The task whose verify command always fails, and the one whose verify command fails now and then. */
  readonly badTask: string;
  readonly flakyTask: string;
  /** The number of calls that a task takes. */
  readonly callsOf: (taskId: string) => number;
}

const CALL_MS = 60_000;
const CALL_USD = 0.1;
const FIVE_HOURS_MS = 5 * 3_600_000;
/** How long the CLI itself repeats a request that does not reach the API. */
const PATIENCE_MS = 15_000;

/** An account with a limit, an API with an outage, and workers that continue their sessions. */
export class NightWorld implements Worker {
  /** The refused requests. */
  readonly refusals: { readonly at: number; readonly taskId: string }[] = [];
  /** The number of answered calls of each session. */
  readonly answered = new Map<string, number>();
  spentUsd = 0;
  readonly #plan: NightPlan;
  #window: { resetsAt: number; usedUsd: number };
  #person: NightPlan['person'];

  constructor(plan: NightPlan) {
    this.#plan = plan;
    this.#window = { resetsAt: plan.window.resetsAt, usedUsd: plan.window.usedUsd };
    this.#person = plan.person;
  }

  async run({ attempt, task }: Assignment, hooks: WorkerHooks, signal: AbortSignal): Promise<AttemptEnd> {
    hooks.onSpawn({ pid: 1, startTime: attempt.sessionId });
    hooks.onPhase('working');
    let usedUsd = 0;
    const ended = (outcome: AttemptEnd['outcome'], more: Partial<AttemptEnd> = {}): AttemptEnd =>
      attemptEnd(outcome, { usage: usedUsd === 0 ? [] : costing(usedUsd), contextTokens: 30_000, ...more });
    for (;;) {
      const before = this.answered.get(attempt.sessionId) ?? 0;
      // A session that is resumed after a failure takes one more call.
      if (before >= this.#plan.callsOf(task.id) && usedUsd > 0) break;
      if (signal.aborted) return ended('cancelled');
      if (this.#isOut()) {
        await wait(PATIENCE_MS);
        return ended('infrastructure', { outage: true, message: 'API Error: Connection error.' });
      }
      const window = this.#fiveHours();
      if (window.status === 'rejected') {
        this.refusals.push({ at: Date.now(), taskId: task.id });
        hooks.onLimits({ windows: [window], overageInUse: false, refused: true });
        return ended('usage-limited', { resetsAt: window.resetsAt, message: "You've hit your 5-hour limit" });
      }
      await wait(CALL_MS);
      usedUsd += CALL_USD;
      this.spentUsd += CALL_USD;
      this.#window.usedUsd += CALL_USD;
      this.answered.set(attempt.sessionId, before + 1);
      hooks.onProgress({
        action: `Edit file-${before}.ts`,
        tokens: { input: 1, output: 1, cacheRead: 0, cacheWrite: 0 },
        costUsd: usedUsd,
      });
      hooks.onLimits({ windows: [this.#fiveHours()], overageInUse: false, refused: false });
    }
    hooks.onPhase('verifying');
    await wait(20_000);
    if (task.id === this.#plan.badTask)
      return ended('verify-failed', { message: '`npm test` failed (exit code 1 after 20 s).' });
    const verdict = task.id === this.#plan.flakyTask ? 'flaky' : 'passed';
    return ended('landed', { gates: [{ command: 'npm test', verdict }] });
  }

  recover(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  endOrphans(): Promise<void> {
    return Promise.resolve();
  }

  #isOut(): boolean {
    const { from, until } = this.#plan.outage;
    return Date.now() >= from && Date.now() < until;
  }

  #fiveHours(): UsageWindow {
    const now = Date.now();
    while (now >= this.#window.resetsAt)
      this.#window = { resetsAt: this.#window.resetsAt + FIVE_HOURS_MS, usedUsd: 0 };
    for (const { usd } of this.#person.filter(({ at }) => at <= now)) this.#window.usedUsd += usd;
    this.#person = this.#person.filter(({ at }) => at > now);
    const utilization = this.#window.usedUsd / this.#plan.window.holdsUsd;
    const status = utilization >= 1 ? 'rejected' : 'allowed';
    return { name: 'five_hour', utilization, status, resetsAt: this.#window.resetsAt };
  }
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
