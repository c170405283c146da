import type { Attempt, AttemptEnd } from '../../src/domain/attempt.ts';
import type { Budget } from '../../src/engine/budget.ts';
import type { Assignment, Worker, WorkerHooks } from '../../src/worker/worker.ts';
import { attemptEnd, costing } from './attempt-end.ts';

/** The work of an attempt that nothing stops: the cost of each of its API calls, and of its review. */
export interface Work {
  readonly callsUsd: readonly number[];
  readonly callMs: number;
  readonly reviewUsd: number;
}

/** A Claude process that spends money, whether or not an orchestrator follows it. */
interface Process {
  readonly grantUsd: number;
  spentUsd: number;
  hooks: WorkerHooks | null;
  end: AttemptEnd | null;
  onEnd: ((end: AttemptEnd) => void) | null;
}

/**
 * A world in which workers cost money. They go on when their orchestrator is killed. They stop where the Claude CLI does:
 * after the call that exceeds their limit. The world keeps its own account of the real cost.
 */
export class PaidWorld {
  spentUsd = 0;
  readonly #workOf: (attempt: Attempt) => Work;
  readonly #processes = new Map<string, Process>();
  #life = 0;

  constructor(workOf: (attempt: Attempt) => Work) {
    this.#workOf = workOf;
  }

  /** The worker of the next orchestrator. It asks `budget` before a review, and announces the review's cost to `intend`. */
  worker(budget: Budget, intend: (costUsd: number) => void = () => undefined): Worker {
    const life = this.#life;
    return {
      run: ({ attempt, maxCostUsd }: Assignment, hooks, signal) => {
        hooks.onSpawn({ pid: 1, startTime: attempt.sessionId });
        const process = this.#start(attempt, maxCostUsd ?? Infinity);
        return this.#follow(attempt, process, { budget, intend, hooks, signal, life });
      },
      recover: async (attempt, hooks, signal) => {
        const process = this.#processes.get(keyOf(attempt));
        return process === undefined
          ? undefined
          : await this.#follow(attempt, process, { budget, intend, hooks, signal, life });
      },
      endOrphans: () => Promise.resolve(),
    };
  }

  /** Kills the orchestrator, but not its workers. */
  kill(): void {
    this.#life++;
    for (const process of this.#processes.values()) {
      process.hooks = null;
      process.onEnd = null;
    }
  }

  #start(attempt: Attempt, grantUsd: number): Process {
    const process: Process = { grantUsd, spentUsd: 0, hooks: null, end: null, onEnd: null };
    this.#processes.set(keyOf(attempt), process);
    const { callsUsd, callMs } = this.#workOf(attempt);
    const call = (index: number): void => {
      if (process.end !== null) return;
      const costUsd = callsUsd[index];
      if (costUsd === undefined) {
        this.#end(process, 'landed');
        return;
      }
      process.spentUsd += costUsd;
      this.spentUsd += costUsd;
      const tokens = { input: 1, output: 1, cacheRead: 0, cacheWrite: 0 };
      process.hooks?.onProgress({ action: 'working', tokens, costUsd: process.spentUsd });
      if (process.spentUsd >= process.grantUsd) this.#end(process, 'over-budget');
      else setTimeout(() => call(index + 1), callMs);
    };
    setTimeout(() => call(0), callMs);
    return process;
  }

  async #follow(
    attempt: Attempt,
    process: Process,
    {
      budget,
      intend,
      hooks,
      signal,
      life,
    }: {
      budget: Budget;
      intend: (costUsd: number) => void;
      hooks: WorkerHooks;
      signal: AbortSignal;
      life: number;
    },
  ): Promise<AttemptEnd> {
    process.hooks = hooks;
    hooks.onProgress({
      action: '',
      tokens: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 },
      costUsd: process.spentUsd,
    });
    const end = await new Promise<AttemptEnd>((resolve) => {
      if (process.end === null) process.onEnd = resolve;
      else resolve(process.end);
      // A dead orchestrator ends no process; only its own wait has to end.
      signal.addEventListener('abort', () => {
        if (life === this.#life) this.#end(process, 'cancelled');
        else resolve(attemptEnd('cancelled'));
      });
    });
    if (end.outcome !== 'landed') return end;
    if (!budget.mayAskManager()) return { ...end, outcome: 'over-budget' };
    const { reviewUsd, callMs } = this.#workOf(attempt);
    if (life === this.#life) intend(reviewUsd);
    await new Promise((resolve) => setTimeout(resolve, callMs));
    this.spentUsd += reviewUsd;
    if (life === this.#life) budget.chargeManager(reviewUsd);
    return end;
  }

  #end(process: Process, outcome: 'landed' | 'over-budget' | 'cancelled'): void {
    process.end ??= attemptEnd(outcome, { usage: costing(process.spentUsd) });
    process.onEnd?.(process.end);
  }
}

function keyOf({ runId, id }: Attempt): string {
  return `${runId}/${id}`;
}
