import { Budget, type BudgetOptions } from '../../src/engine/budget.ts';
import { learnEstimates } from '../../src/domain/estimate.ts';
import type { RunParts } from '../../src/engine/run.ts';
import type { RunOptions } from '../../src/engine/run.ts';
import { createSharedDirectory } from '../../src/workspace/shared-directory.ts';

/** The parts of a run that most tests do not care about: workers share `folder`, and there is no plan, cost or reporter. */
export function quietParts(folder: string): Omit<RunParts, 'store' | 'worker' | 'budget' | 'ledger'> {
  return {
    workspaces: createSharedDirectory(folder),
    reporter: { report: () => undefined, close: () => Promise.resolve() },
    plan: () => Promise.resolve('stored'),
    estimate: learnEstimates([]),
    estimateCost: () => 0.01,
    learnCost: () => undefined,
    isAlive: () => false,
    newSessionId: () => crypto.randomUUID(),
    now: Date.now,
    random: () => 0.5,
  };
}

/** The options of a run of two workers in `folder` without limits of its own. */
export function quietOptions(folder: string, runId = 'run-1'): RunOptions {
  return {
    runId,
    process: { pid: 1, startTime: runId },
    workers: 2,
    failureMode: 'continue',
    maxRetries: 3,
    retryBaseDelayMs: 1000,
    retryMaxDelayMs: 1000,
    maxReviewRounds: 2,
    reservePercent: 0,
    warnAtPercent: 80,
    checkBeforeStart: true,
    maxWaitMs: null,
    billing: '',
    accounts: { worker: { id: '', label: '' }, manager: { id: '', label: '' } },
    workerModel: 'sonnet',
    directory: folder,
    filesRoot: folder,
    pollMs: 1000,
  };
}

/** A budget without a ceiling, except for the given options. */
export function openBudget(options: Partial<BudgetOptions> = {}): Budget {
  return new Budget({
    maxCostUsd: null,
    maxCostPerTaskUsd: null,
    slots: 2,
    carriedUsd: 0,
    reviews: false,
    ...options,
  });
}
