import { join } from 'node:path';
import { emptyEnd, type Attempt, type AttemptEnd } from '../domain/attempt.ts';
import { continuationOf } from './continuation.ts';
import type { CostEstimator, LearnedCosts } from '../domain/estimate.ts';
import type { Event, Stamped } from '../domain/event.ts';
import { addFollowUps } from './follow-ups.ts';
import type { Governor } from './governor.ts';
import type { RetryPolicy } from './retry-policy.ts';
import type { Choice, NextStep } from './scheduler.ts';
import { chooseSession } from './session.ts';
import type { TaskStore } from '../store/store.ts';
import { OUTCOME_POLICY } from '../domain/outcome.ts';
import { parentOf, type Task, type TaskId, type TaskStatus } from '../domain/task.ts';
import type { TaskGraph } from '../domain/task-graph.ts';
import type { UsageLedger } from '../usage/ledger.ts';
import type { Worker, WorkerHooks } from '../worker/worker.ts';

/** What the execution of one task needs of its run. */
export interface ExecutionContext {
  readonly store: TaskStore;
  readonly worker: Worker;
  readonly governor: Governor;
  readonly retries: RetryPolicy;
  /** The graph as it is now. */
  readonly graph: () => TaskGraph;
  readonly report: (event: Stamped) => void;
  readonly ledger: UsageLedger;
  readonly estimateCost: CostEstimator;
  readonly learnCost: LearnedCosts['learn'];
  /** How many more tasks could start now, and how many have still to start at all. */
  readonly others: () => { readonly ready: number; readonly open: number };
  /** The API has answered, or said something of its limits. */
  readonly onAnswer: () => void;
  readonly newSessionId: () => string;
  /** Unix milliseconds. */
  readonly now: () => number;
  readonly runId: string;
  readonly workerModel: string;
  readonly directory: string;
  readonly filesRoot: string;
  /** How long to wait for money that running attempts hold. */
  readonly pollMs: number;
}

/** An attempt that is claimed and may be worked on. */
export interface BegunAttempt {
  readonly attempt: Attempt;
  /** Does the work; it never rejects. When `signal` aborts, everything that was started is ended. */
  readonly work: (signal: AbortSignal) => Promise<AttemptEnd>;
}

const SPENT = 'what budget.max_cost_per_task_usd allows; raise that, then `run` again';

/** First half of an attempt, up to where it is stored that it begins; or why the task does not start now. */
export function beginAttempt(context: ExecutionContext, { id, why }: Choice): BegunAttempt | NextStep {
  const { store, governor, worker } = context;
  const earlier = store.attempts({ taskId: id });
  const task = store.task(id);
  if (task === undefined) return { kind: 'released' };
  const now = context.now();
  const admission = governor.admit(
    {
      taskId: id,
      earlierUsd: costOf(earlier),
      expectedUsd: context.estimateCost(task),
      ...context.others(),
    },
    now,
  );
  switch (admission.kind) {
    case 'wait':
      return { kind: 'retry', at: now + context.pollMs };
    case 'held':
      return { kind: 'held', at: now + context.pollMs };
    case 'stopped':
      return { kind: 'released' };
    case 'task-spent':
      record(context, { type: 'warning', message: `Task ${id} is left: it has spent ${SPENT}.` });
      return { kind: 'released' };
    case 'granted':
  }
  const attempt = claim(context, { id, why }, earlier, admission.reservedUsd);
  if (attempt === undefined) {
    governor.withdraw(id);
    return { kind: 'released' };
  }
  const parentId = parentOf(id);
  const assignment = {
    task,
    parent: (parentId === undefined ? undefined : store.task(parentId)) ?? null,
    attempt,
    handovers: handoversFor(context, id),
    ...continuationOf(attempt, earlier, () => store.events({ taskId: id })),
    maxCostUsd: admission.workerUsd,
  };
  return {
    attempt,
    work: (signal) => guard(() => worker.run(assignment, hooksFor(context, attempt), signal)),
  };
}

/** Second half of an attempt: stores how it ended, and what its task does next; `last` forbids another attempt. */
export function settleAttempt(
  context: ExecutionContext,
  attempt: Attempt,
  told: AttemptEnd,
  last: boolean,
): NextStep {
  const { governor, retries, ledger } = context;
  const { taskId, runId } = attempt;
  const now = context.now();
  // A run that was killed had another login, or another model: whether this one's is good is seen at the next try.
  const isPast = runId !== context.runId && OUTCOME_POLICY[told.outcome].stops === 'run';
  const end: AttemptEnd = isPast
    ? { ...told, outcome: 'cancelled', message: `With what the run before had: ${told.message}` }
    : told;
  ledger.book({ role: 'worker', runId, taskId, usage: end.usage });
  const { correlated, notBefore } = governor.recordEnd(attempt, end, now);
  for (const other of correlated ?? []) retries.forgive(other);
  const outage = correlated !== null;
  const judged =
    overBudgetVerdict(context, attempt, end, last) ??
    retries.judge(attempt, end, {
      ending: last || governor.stop !== null,
      outage,
      now,
    });
  const verdict: NextStep =
    judged.kind === 'retry' ? { ...judged, at: Math.max(judged.at, notBefore) } : judged;
  endAttempt(context, attempt, { ...end, outage }, verdict);
  if (end.outcome === 'landed') learnCost(context, attempt, end);
  if (verdict.kind === 'done' && end.review?.verdict === 'rejected')
    for (const event of addFollowUps(context.store, attempt.taskId, end.review)) context.report(event);
  return verdict;
}

/** What it took to land counts from the start of its session, as it does in the history of the project. */
function learnCost(
  { store, graph, learnCost: learn }: ExecutionContext,
  attempt: Attempt,
  end: AttemptEnd,
): void {
  const task = graph().nodes.get(attempt.taskId);
  if (task === undefined) return;
  const session = attempt.number === 1 ? [] : store.attempts({ taskId: attempt.taskId });
  const earlier = session.filter(({ id, sessionId }) => id < attempt.id && sessionId === attempt.sessionId);
  const costUsd = costOf([...earlier, { ...attempt, end }]);
  learn({ ...task, costUsd, model: attempt.model });
}

/** What it held was too little, and by now more is free: it goes on where it stopped. */
function overBudgetVerdict(
  { store, governor, now }: ExecutionContext,
  { taskId }: Attempt,
  end: AttemptEnd,
  last: boolean,
): NextStep | undefined {
  if (end.outcome !== 'over-budget' || last || governor.stop !== null) return undefined;
  // An attempt that ended for its money without spending any would do so for ever.
  const cost = end.usage.reduce((sum, { costUsd }) => sum + costUsd, 0);
  const earlier = costOf(store.attempts({ taskId })) + cost;
  return cost > 0 && governor.readmit(earlier) ? { kind: 'retry', at: now(), ahead: true } : undefined;
}

/** Finds out what became of an attempt whose orchestrator was killed; undefined if it came to nothing. */
export async function recoverAttempt(
  context: ExecutionContext,
  attempt: Attempt,
  signal: AbortSignal,
): Promise<AttemptEnd | undefined> {
  return await guard(async () => {
    const end = await context.worker.recover(attempt, hooksFor(context, attempt), signal);
    if (end?.outcome !== 'landed') return end;
    const intended = context.store
      .events({ taskId: attempt.taskId })
      .findLast((event) => event.type === 'landing-intended' && event.commit === end.commit);
    return intended?.type === 'landing-intended' ? { ...end, ...intended.proof } : end;
  });
}

/** The start of such an attempt: stored when it was claimed, told again since these reporters have not heard of it. */
export function takenOver(attempt: Attempt, graph: TaskGraph): Stamped {
  const { runId, id: attemptId, taskId, number, sessionId, startedAt: at } = attempt;
  const title = graph.nodes.get(taskId)?.title ?? '';
  const why = 'taken over from a run that was killed';
  return {
    type: 'attempt-started',
    runId,
    attemptId,
    taskId,
    title,
    number,
    sessionId,
    resumed: true,
    why,
    at,
  };
}

/** Stores that an attempt came to nothing; its task is not to blame, and tried again at once unless that was the `last`. */
export function abandonAttempt(context: ExecutionContext, attempt: Attempt, last: boolean): NextStep {
  const message = 'Its orchestrator was killed while it worked; that costs the task nothing.';
  context.governor.withdraw(attempt.taskId);
  const verdict: NextStep = last ? { kind: 'released' } : { kind: 'retry', at: context.now() };
  endAttempt(context, attempt, emptyEnd('cancelled', message), verdict);
  return verdict;
}

/** The session of the task's previous attempt goes on where its outcome allows it. */
function claim(
  context: ExecutionContext,
  { id: taskId, why }: Choice,
  earlier: readonly Attempt[],
  maxCostUsd: number | null,
): Attempt | undefined {
  const { runId, workerModel: model, directory, filesRoot } = context;
  const session = chooseSession(earlier, context.now());
  const claimed = context.store.claim({
    runId,
    taskId,
    sessionId: session.kind === 'resume' ? session.sessionId : context.newSessionId(),
    resumed: session.kind !== 'new',
    forkedFrom: session.kind === 'fork' ? session.of : null,
    maxCostUsd,
    model,
    directory,
    // Attempts are numbered anew in a new store: what an earlier one left must not be read as theirs.
    filesRoot: join(filesRoot, runId),
    why,
  });
  for (const event of claimed?.events ?? []) context.report(event);
  return claimed?.attempt;
}

function costOf(attempts: readonly Attempt[]): number {
  const usage = attempts.flatMap(({ end }) => end?.usage ?? []);
  return usage.reduce((sum, { costUsd }) => sum + costUsd, 0);
}

function endAttempt(context: ExecutionContext, attempt: Attempt, end: AttemptEnd, verdict: NextStep): void {
  const { taskId } = attempt;
  const why = verdict.kind === 'failed' ? (verdict.why ?? end.message) : end.message;
  const events = context.store.endAttempt(attempt.id, end, statusAfter(verdict), why) ?? [];
  for (const event of events) context.report(event);
  if (verdict.kind !== 'retry') return;
  const delayMs = Math.max(0, verdict.at - context.now());
  record(context, {
    type: 'retry-scheduled',
    taskId,
    number: attempt.number + 1,
    delayMs,
    why: end.message === '' ? end.outcome : `${end.outcome}: ${firstLine(end.message)}`,
  });
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? '';
}

function statusAfter(verdict: NextStep): TaskStatus {
  if (verdict.kind === 'done' || verdict.kind === 'failed') return verdict.kind;
  return 'pending';
}

function handoversFor({ store, graph }: ExecutionContext, id: TaskId): { task: Task; summary: string }[] {
  const current = graph();
  const finished = current.needs(id).flatMap((need) => current.workOf(need));
  return finished.flatMap((need) => {
    const task = current.nodes.get(need);
    const report = store.attempts({ taskId: need }).at(-1)?.end?.report;
    if (task === undefined || report == null) return [];
    return [{ task, summary: report.handover.trim() === '' ? report.summary : report.handover }];
  });
}

function hooksFor(context: ExecutionContext, { id: attemptId, taskId }: Attempt): WorkerHooks {
  let notedUsd = 0;
  return {
    onWorkspace: ({ directory, branch, base }) =>
      record(context, { type: 'attempt-prepared', attemptId, taskId, directory, branch, base }),
    onLanding: (commit, proof) =>
      record(context, { type: 'landing-intended', attemptId, taskId, commit, proof }),
    onLimits: (observation) => {
      if (observation.refused) context.governor.recordRefusal();
      context.ledger.observe('worker', observation);
      context.onAnswer();
    },
    onWarning: (message) => record(context, { type: 'warning', message }),
    onSpawn: (process) => record(context, { type: 'attempt-spawned', attemptId, taskId, process }),
    onPhase: (phase) => record(context, { type: 'attempt-phase', attemptId, taskId, phase }),
    onProgress: (progress, usage) => {
      // It costs something anew twice with each answer of the API, whatever else the stream tells meanwhile.
      if (usage !== undefined && progress.costUsd !== notedUsd) context.store.noteUsed(attemptId, usage);
      notedUsd = progress.costUsd;
      if (context.governor.recordProgress(taskId, progress.costUsd, context.now())) context.onAnswer();
      const at = new Date(context.now()).toISOString();
      context.report({ type: 'attempt-progress', attemptId, taskId, progress, at });
    },
  };
}

function record(context: ExecutionContext, event: Event): void {
  context.report(context.store.record(event));
}

/** The one place where a stray exception of a worker becomes the end of its attempt. */
async function guard<T extends AttemptEnd | undefined>(work: () => Promise<T>): Promise<T | AttemptEnd> {
  try {
    return await work();
  } catch (error) {
    return emptyEnd(
      'infrastructure',
      `The worker could not be run: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}
