import type { AttemptEnd } from '../../src/domain/attempt.ts';
import type { Assignment, Worker, WorkerHooks } from '../../src/worker/worker.ts';
import { attemptEnd } from './attempt-end.ts';

/** An attempt of a scripted worker. The test decides how it ends. */
export interface Call {
  readonly assignment: Assignment;
  readonly hooks: WorkerHooks;
  readonly signal: AbortSignal;
  end(end: AttemptEnd): void;
}

/** A worker whose attempts end when the test says so, so that a test can assert concurrency. */
export class ScriptedWorker implements Worker {
  readonly calls: Call[] = [];
  readonly recovered: Call['assignment']['attempt'][] = [];
  readonly #waiting: (() => void)[] = [];
  /** The answer of `recover`, given the signal that ends workers. */
  recovery: (signal: AbortSignal) => Promise<AttemptEnd | undefined> = () => Promise.resolve(undefined);

  run(assignment: Assignment, hooks: WorkerHooks, signal: AbortSignal): Promise<AttemptEnd> {
    return new Promise((resolve) => {
      signal.addEventListener('abort', () => resolve(attemptEnd('cancelled')));
      this.calls.push({ assignment, hooks, signal, end: resolve });
      for (const wake of this.#waiting.splice(0)) wake();
    });
  }

  recover(
    attempt: Assignment['attempt'],
    _hooks: WorkerHooks,
    signal: AbortSignal,
  ): Promise<AttemptEnd | undefined> {
    this.recovered.push(attempt);
    return this.recovery(signal);
  }

  endOrphans(): Promise<void> {
    return Promise.resolve();
  }

  /** Waits until the attempt with this number (from 1) has begun. */
  async call(count: number): Promise<Call> {
    while (this.calls.length < count) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    const call = this.calls[count - 1];
    if (call === undefined) throw new Error(`There was no attempt ${count}.`);
    return call;
  }
}
