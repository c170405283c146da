import { join } from 'node:path';
import { emptyEnd, totalCost, type Attempt, type AttemptEnd } from '../domain/attempt.ts';
import { chooseSession, findContinuation } from './continuation.ts';
import type { Event, Stamped } from '../domain/event.ts';
import { messageOf } from '../domain/failure.ts';
import { addFollowUps } from './follow-ups.ts';
import type { Governor } from './governor.ts';
import { OUTCOME_POLICY } from '../domain/outcome.ts';
import type { RetryPolicy } from './retry-policy.ts';
import type { RunOptions, RunParts } from './run.ts';
import type { Choice, NextStep } from './scheduler.ts';
import { parentOf, type Task, type TaskId } from '../domain/task.ts';
import type { TaskGraph } from '../domain/task-graph.ts';
import type { WorkerHooks } from '../worker/worker.ts';

/** What the execution of tasks needs from its run. */
export interface ExecutionContext extends RunParts, RunOptions {
  readonly governor: Governor;
  readonly retries: RetryPolicy;
  /** The current graph. */
  readonly graph: () => TaskGraph;
  readonly report: (event: Stamped) => void;
  /** The number of other tasks that could start now, and of all tasks that have still to start. */
  readonly others: () => { readonly ready: number; readonly open: number };
  /** Called when the API has answered, or has said something about its limits. */
  readonly onAnswer: () => void;
}

/** An attempt that is claimed and may be worked on. */
export interface BegunAttempt {
  readonly attempt: Attempt;
  /** Does the work and never rejects. When `signal` aborts, everything that was started is ended. */
  readonly work: (signal: AbortSignal) => Promise<AttemptEnd>;
}

/** Executes attempts at tasks: begins them, settles their ends, and recovers those of a killed orchestrator. */
export class TaskExecution {
  readonly #context: ExecutionContext;

  constructor(context: ExecutionContext) {
    this.#context = context;
  }

  /** Begins an attempt, up to where the store knows about it; or says what the task does instead. */
  begin({ id, why }: Choice): BegunAttempt | NextStep {
    const { store, governor, worker, estimateCost, others, now, pollMs } = this.#context;
    const earlier = store.attempts({ taskId: id });
    const task = store.task(id);
    if (task === undefined) return { kind: 'released' };
    const costs = { earlierUsd: costOf(earlier), expectedUsd: estimateCost(task) };
    const at = now();
    const admission = governor.admit({ taskId: id, ...costs, ...others() }, at);
    switch (admission.kind) {
      case 'wait':
        return { kind: 'retry', at: at + pollMs };
      case 'held':
        return { kind: 'held', at: at + pollMs };
      case 'stopped':
        return { kind: 'released' };
      case 'task-spent':
        this.#warn(
          `Task ${id} does not start: it has spent all that budget.max_cost_per_task_usd allows. Raise that, then \`run\` again.`,
        );
        return { kind: 'released' };
      case 'granted':
    }
    const attempt = this.#claim({ id, why }, earlier, admission.reservedUsd);
    if (attempt === undefined) {
      governor.withdraw(id);
      return { kind: 'released' };
    }
    const parentId = parentOf(id);
    const assignment = {
      task,
      parent: (parentId === undefined ? undefined : store.task(parentId)) ?? null,
      attempt,
      handovers: this.#findHandovers(id),
      ...findContinuation(attempt, earlier, () => store.events({ taskId: id })),
      maxCostUsd: admission.workerUsd,
    };
    return {
      attempt,
      work: (signal) => catchAll(() => worker.run(assignment, this.#hooksFor(attempt), signal)),
    };
  }

  /** Stores how an attempt ended and decides what its task does next. `isLast` forbids another attempt. */
  settle(attempt: Attempt, reported: AttemptEnd, isLast: boolean): NextStep {
    const { store, governor, retries, ledger, report, now } = this.#context;
    const { taskId, runId } = attempt;
    const at = now();
    // A killed run may have had another login or model. Whether this run's are good shows at the next attempt.
    const isPast = runId !== this.#context.runId && OUTCOME_POLICY[reported.outcome].stops === 'run';
    const end: AttemptEnd = isPast
      ? {
          ...reported,
          outcome: 'cancelled',
          message: `With the login and the model of the earlier run: ${reported.message}`,
        }
      : reported;
    ledger.book({ role: 'worker', runId, taskId, usage: end.usage });
    const { correlated, notBefore } = governor.recordEnd(attempt, end, at);
    for (const other of correlated ?? []) retries.forgive(other);
    const outage = correlated !== null;
    const allowsNoMore = isLast || governor.stop !== null;
    const decided =
      (allowsNoMore ? undefined : this.#readmitOverBudget(taskId, end)) ??
      retries.decide(attempt, end, { isLast: allowsNoMore, outage, now: at });
    const next: NextStep =
      decided.kind === 'retry' ? { ...decided, at: Math.max(decided.at, notBefore) } : decided;
    this.#storeEnd(attempt, { ...end, outage }, next);
    if (end.outcome === 'landed') this.#learnCost(attempt, end);
    if (next.kind === 'done' && end.review?.verdict === 'rejected')
      for (const event of addFollowUps(store, taskId, end.review)) report(event);
    return next;
  }

  /** Finds out how an attempt of a killed orchestrator ended; undefined if it left no result. */
  async recover(attempt: Attempt, signal: AbortSignal): Promise<AttemptEnd | undefined> {
    const { worker, store } = this.#context;
    return await catchAll(async () => {
      const end = await worker.recover(attempt, this.#hooksFor(attempt), signal);
      if (end?.outcome !== 'landed') return end;
      const intended = store
        .events({ taskId: attempt.taskId })
        .findLast((event) => event.type === 'landing-intended' && event.commit === end.commit);
      return intended?.type === 'landing-intended' ? { ...end, ...intended.proof } : end;
    });
  }

  /** Reports the start of such an attempt again, because this run's reporters have not heard of it. */
  reportTakeover(attempt: Attempt): void {
    const { runId, id: attemptId, taskId, number, sessionId, startedAt: at } = attempt;
    const title = this.#context.graph().nodes.get(taskId)?.title ?? '';
    const why = 'taken over from a killed run';
    const started = { runId, attemptId, taskId, title, number, sessionId, resumed: true, why, at };
    this.#context.report({ type: 'attempt-started', ...started });
  }

  /** Stores that such an attempt left no result. Unless `isLast`, the task is tried again at once: it is not to blame. */
  abandon(attempt: Attempt, isLast: boolean): NextStep {
    const { governor, now } = this.#context;
    const message = 'Its orchestrator was killed while it worked; this costs the task nothing.';
    governor.withdraw(attempt.taskId);
    const next: NextStep = isLast ? { kind: 'released' } : { kind: 'retry', at: now() };
    this.#storeEnd(attempt, emptyEnd('cancelled', message), next);
    return next;
  }

  #claim(
    { id: taskId, why }: Choice,
    earlier: readonly Attempt[],
    maxCostUsd: number | null,
  ): Attempt | undefined {
    const { store, report, runId, workerModel: model, directory, filesRoot } = this.#context;
    const session = chooseSession(earlier, this.#context.now());
    const claimed = store.claim({
      runId,
      taskId,
      sessionId: session.kind === 'resume' ? session.sessionId : this.#context.newSessionId(),
      resumed: session.kind !== 'new',
      forkedFrom: session.kind === 'fork' ? session.of : null,
      maxCostUsd,
      model,
      directory,
      // A new store numbers attempts anew, and must not read the files of an earlier store as theirs.
      filesRoot: join(filesRoot, runId),
      why,
    });
    for (const event of claimed?.events ?? []) report(event);
    return claimed?.attempt;
  }

  /** Continues an attempt that its grant cut short, if more money is free by now. */
  #readmitOverBudget(taskId: TaskId, { outcome, usage }: AttemptEnd): NextStep | undefined {
    if (outcome !== 'over-budget') return undefined;
    const { store, governor, now } = this.#context;
    const cost = totalCost(usage);
    const earlier = costOf(store.attempts({ taskId })) + cost;
    // An attempt that ends over budget without any cost would do so for ever.
    return cost > 0 && governor.readmit(earlier) ? { kind: 'retry', at: now(), ahead: true } : undefined;
  }

  #storeEnd(attempt: Attempt, end: AttemptEnd, next: NextStep): void {
    const { store, report, now } = this.#context;
    const { taskId } = attempt;
    const why = next.kind === 'failed' ? (next.why ?? end.message) : end.message;
    const status = next.kind === 'done' || next.kind === 'failed' ? next.kind : 'pending';
    for (const event of store.endAttempt(attempt.id, end, status, why) ?? []) report(event);
    if (next.kind !== 'retry') return;
    const [firstLine = ''] = end.message.split('\n', 1);
    this.#record({
      type: 'retry-scheduled',
      taskId,
      number: attempt.number + 1,
      delayMs: Math.max(0, next.at - now()),
      why: firstLine === '' ? end.outcome : `${end.outcome}: ${firstLine}`,
    });
  }

  /** The cost of landed work counts from the start of its session, as it does in the history of the project. */
  #learnCost(attempt: Attempt, end: AttemptEnd): void {
    const { store, graph, learnCost } = this.#context;
    const task = graph().nodes.get(attempt.taskId);
    if (task === undefined) return;
    const all = attempt.number === 1 ? [] : store.attempts({ taskId: attempt.taskId });
    const earlier = all.filter(({ id, sessionId }) => id < attempt.id && sessionId === attempt.sessionId);
    learnCost({ ...task, costUsd: costOf([...earlier, { ...attempt, end }]), model: attempt.model });
  }

  /** Finds what finished dependencies say to the tasks that need them. */
  #findHandovers(id: TaskId): { task: Task; summary: string }[] {
    const { store } = this.#context;
    const graph = this.#context.graph();
    const finished = graph.needs(id).flatMap((need) => graph.workOf(need));
    return finished.flatMap((need) => {
      const task = graph.nodes.get(need);
      const report = store.attempts({ taskId: need }).at(-1)?.end?.report;
      if (task === undefined || report == null) return [];
      return [{ task, summary: report.handover.trim() === '' ? report.summary : report.handover }];
    });
  }

  #hooksFor({ id: attemptId, taskId }: Attempt): WorkerHooks {
    const { store, governor, ledger, report, onAnswer, now } = this.#context;
    let notedUsd = 0;
    return {
      onWorkspace: ({ directory, branch, base }) =>
        this.#record({ type: 'attempt-prepared', attemptId, taskId, directory, branch, base }),
      onLanding: (commit, proof) =>
        this.#record({ type: 'landing-intended', attemptId, taskId, commit, proof }),
      onLimits: (observation) => {
        if (observation.refused) governor.recordRefusal();
        ledger.observe('worker', observation);
        onAnswer();
      },
      onWarning: (message) => this.#warn(message),
      onSpawn: (process) => this.#record({ type: 'attempt-spawned', attemptId, taskId, process }),
      onPhase: (phase) => this.#record({ type: 'attempt-phase', attemptId, taskId, phase }),
      onProgress: (progress, usage) => {
        // The stream reports much more than the two new costs of each answer of the API. Only these are stored.
        if (usage !== undefined && progress.costUsd !== notedUsd) store.noteUsed(attemptId, usage);
        notedUsd = progress.costUsd;
        if (governor.recordProgress(taskId, progress.costUsd, now())) onAnswer();
        const at = new Date(now()).toISOString();
        report({ type: 'attempt-progress', attemptId, taskId, progress, at });
      },
    };
  }

  #record(event: Event): void {
    this.#context.report(this.#context.store.record(event));
  }

  #warn(message: string): void {
    this.#record({ type: 'warning', message });
  }
}

function costOf(attempts: readonly Attempt[]): number {
  return totalCost(attempts.flatMap(({ end }) => end?.usage ?? []));
}

/** Turns a stray exception of a worker into the end of its attempt. */
async function catchAll<T extends AttemptEnd | undefined>(work: () => Promise<T>): Promise<T | AttemptEnd> {
  try {
    return await work();
  } catch (error) {
    return emptyEnd('infrastructure', `The worker could not be run: ${messageOf(error)}`);
  }
}
