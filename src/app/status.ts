import { sumUsage, totalCost, type ProcessIdentity } from '../domain/attempt.ts';
import { Failed } from '../domain/failure.ts';
import { redactValue } from '../domain/redact.ts';
import { OutlinedTasks, type TaskCounts } from '../domain/task-outline.ts';
import { eventSentence } from '../domain/text/event-sentence.ts';
import { nextCommand } from '../domain/text/run-outcome.ts';
import { readSummary } from '../reporting/summarize.ts';
import type { Run, TaskStore } from '../store/store.ts';
import type { RunStatus, StatusReport } from './contract/status.ts';
import { processLookUp } from './project/process-look-up.ts';
import { openProjectStore } from './project/open-store.ts';
import type { Project } from './project/project.ts';
import { redactorFor } from './project/redaction.ts';
import type { Services } from './services.ts';
import { attentionFor } from './status/attention.ts';
import { limitsOf, openAccounts, type AccountState } from './status/limits.ts';

/** The status of a project, for as long as somebody looks at it. */
export interface StatusReader {
  /** The status now. */
  readonly read: () => StatusReport;
  /** Another text after each change in the store. */
  readonly version: () => string;
  readonly close: () => void;
}

/** What happened in a project, what it cost, what is left, and what needs a person. */
export async function status(project: Project, services: Services): Promise<StatusReport> {
  const reader = await openStatus(project, services, { isWatched: false });
  try {
    return reader.read();
  } finally {
    reader.close();
  }
}

/** The same for somebody who looks again and again. */
export async function openStatus(
  project: Project,
  services: Services,
  { isWatched }: { readonly isWatched: boolean },
): Promise<StatusReader> {
  const store = await openProjectStore(project);
  try {
    const last = store.lastRun();
    // Before the first run nothing is known of limits and budgets, and the status is there sooner.
    const accounts =
      last === undefined && !isWatched ? undefined : await openAccounts(services, project, store);
    const underWay = store.calls.underWay();
    const mayBeAlive = last?.endedAt === null || isWatched || underWay > 0;
    const isAlive = mayBeAlive ? await processLookUp(services) : () => false;
    if (underWay > 0) bookCutOff(services, store, isAlive);
    const redact = redactorFor(services, project);
    return {
      read: () =>
        redactValue(collectStatus(store, isAlive, accounts?.current() ?? NOTHING_KNOWN, Date.now()), redact),
      version: () => store.version(),
      close: () => {
        accounts?.close();
        store.close();
      },
    };
  } catch (error) {
    store.close();
    throw error;
  }
}

/** The status of a store that can only be read is told as it is; the next command that can write books what is missing. */
function bookCutOff(
  services: Services,
  store: TaskStore,
  isAlive: (process: ProcessIdentity) => boolean,
): void {
  try {
    for (const event of store.calls.bookCutOff(isAlive))
      services.tell({ kind: 'note', message: eventSentence(event) });
  } catch (error) {
    if (!(error instanceof Failed)) throw error;
  }
}

const NOTHING_KNOWN: AccountState = {
  ledger: null,
  hasPlan: true,
  maxCostUsd: null,
  maxCostPerTaskUsd: null,
  transcripts: null,
};

function collectStatus(
  store: TaskStore,
  isAlive: (process: ProcessIdentity) => boolean,
  accounts: AccountState,
  now: number,
): StatusReport {
  const counts = new OutlinedTasks(store.outline()).counts();
  const last = store.lastRun();
  const run = last === undefined ? null : runStatus(store, last, isAlive, now);
  const unfinished = store.attempts({ running: true });
  const usedSoFar = store.usedSoFar();
  const usage = [...store.usage({ since: new Date(now - 7 * DAY_MS).toISOString() }), ...usedSoFar];
  const since5h = new Date(now - FIVE_HOURS_MS).toISOString();
  return {
    run,
    running: (run?.state === 'running' ? unfinished : []).map(
      ({ id, taskId, number, model, phase, startedAt }) => ({
        taskId,
        title: store.task(taskId)?.title ?? '',
        number,
        model,
        phase,
        startedAt,
        spentUsd:
          totalCost(store.attempts({ taskId }).flatMap(({ end }) => end?.usage ?? [])) +
          totalCost(usedSoFar.filter(({ attemptId }) => attemptId === id)),
      }),
    ),
    tasks: counts,
    usage: {
      run: sumUsage(run?.usage ?? []),
      last5h: sumUsage(usage.filter(({ at }) => at >= since5h)),
      last7d: sumUsage(usage),
      account: usedByAccounts(accounts, now),
    },
    ...limitsOf(accounts, run, now),
    transcripts: accounts.transcripts,
    attention: attentionFor(store, run, counts, unfinished.length),
    next: nextStep(run, counts),
  };
}

const DAY_MS = 86_400_000;
const FIVE_HOURS_MS = 5 * 3_600_000;

function runStatus(
  store: TaskStore,
  run: Run,
  isAlive: (process: ProcessIdentity) => boolean,
  now: number,
): RunStatus {
  const state = run.endedAt !== null ? 'ended' : isAlive(run.process) ? 'running' : 'dead';
  const summary = readSummary(store, run, now);
  // What waited for a limit waits no more once its process is gone.
  const paused = state === 'running' ? summary.paused : null;
  const waitingForBudget = state === 'running' ? summary.waitingForBudget : 0;
  return { ...summary, paused, waitingForBudget, state, pid: run.process.pid };
}

function usedByAccounts({ ledger }: AccountState, now: number): StatusReport['usage']['account'] {
  if (ledger === null) return null;
  return { last5h: ledger.usedSince(now - FIVE_HOURS_MS), last7d: ledger.usedSince(now - 7 * DAY_MS) };
}

function nextStep(run: RunStatus | null, tasks: TaskCounts): string {
  if (tasks.total === 0) return 'claude-orchestrator parse prd.md';
  if (tasks.done + tasks.cancelled === tasks.total) return stepAfter(run);
  if (run?.state === 'running') return 'claude-orchestrator status --watch';
  if (run?.state === 'ended' && run.outcome !== 'completed') return nextCommand(run);
  return run?.state === 'dead' || tasks.ready > 0 ? 'claude-orchestrator run' : 'claude-orchestrator list';
}

/** With every task done: what became of the results since is looked up by the commands that are named. */
function stepAfter(run: RunStatus | null): string {
  if (run?.state === 'dead' || run?.delivery?.kind === 'left') return 'claude-orchestrator run';
  return run?.delivery?.kind === 'staged' ? 'git diff --staged' : 'claude-orchestrator add "what comes next"';
}
