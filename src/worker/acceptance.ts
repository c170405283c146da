import type { AttemptEnd, WorkerReport } from '../domain/attempt.ts';
import { messageOf, type FailureReason } from '../domain/failure.ts';
import type { AttemptOutcome } from '../domain/outcome.ts';
import type { Reviewer } from '../manager/manager.ts';
import type { Change, Changes, Workspace } from '../workspace/workspace.ts';
import {
  describeConflict,
  describeExcluded,
  describeReview,
  findRefusal,
  listExcluded,
} from './acceptance-text.ts';
import { locateAttemptFiles } from './claude/attempt-files.ts';
import { readCommands } from './claude/read-commands.ts';
import type { GateResult, Gates } from './gates/gates.ts';
import type { Marker } from './process/process-table.ts';
import type { Assignment, WorkerHooks } from './worker.ts';

/** What it takes to judge a change and to land it. */
export interface AcceptanceOptions {
  readonly changes: Changes | null;
  readonly gates: Gates;
  /** Null if changes are not reviewed. */
  readonly reviewer: Reviewer | null;
  readonly maxReviewRounds: number;
  /** What happens after the last round: the attempt fails, or the change lands with its open findings. */
  readonly onReviewLimit: 'fail' | 'follow-up';
  /** Lands one change at a time. */
  readonly landing: { run<T>(job: () => Promise<T>): Promise<T> };
}

/** Work that its worker says is done. */
export interface ReportedWork extends Pick<
  Assignment,
  'attempt' | 'task' | 'parent' | 'review' | 'earlierFiles'
> {
  readonly workspace: Workspace;
  readonly marker: Marker;
  readonly report: WorkerReport;
  /** How the worker ended and what it cost; what follows is added to it. */
  readonly end: AttemptEnd;
}

/** Takes a reported change to its end: it passes the gates and the review and lands, or the end says what stopped it. */
export async function accept(
  options: AcceptanceOptions,
  work: ReportedWork,
  hooks: WorkerHooks,
  signal: AbortSignal,
): Promise<AttemptEnd> {
  return await new Acceptance(options, work, hooks, signal).run();
}

const MAX_DIFF_BYTES = 200_000;

class Acceptance {
  readonly #options: AcceptanceOptions;
  readonly #work: ReportedWork;
  readonly #hooks: WorkerHooks;
  readonly #signal: AbortSignal;
  /** What is known about the change so far. It is part of every end. */
  #known: Partial<AttemptEnd> = {};

  constructor(options: AcceptanceOptions, work: ReportedWork, hooks: WorkerHooks, signal: AbortSignal) {
    this.#options = options;
    this.#work = work;
    this.#hooks = hooks;
    this.#signal = signal;
    this.#known = { review: work.review };
  }

  async run(): Promise<AttemptEnd> {
    try {
      const { changes } = this.#options;
      return changes === null ? await this.#inPlace() : await this.#isolated(changes);
    } catch (error) {
      const reason = messageOf(error);
      return this.#end('infrastructure', `Its change could not be accepted: ${reason}`);
    }
  }

  /** Workers that share a directory have already written the change where it belongs. */
  async #inPlace(): Promise<AttemptEnd> {
    const rejected = await this.#verify({ tree: null, base: null });
    if (rejected !== undefined) return rejected;
    this.#hooks.onPhase('landing');
    return this.#end(this.#work.report.status === 'nothing-to-do' ? 'no-change' : 'landed', '');
  }

  async #isolated(changes: Changes): Promise<AttemptEnd> {
    const { workspace, report } = this.#work;
    if (this.#isStopped()) return this.#cancelled();
    const change = await changes.capture(workspace);
    this.#known = { ...this.#known, change: change.commit };
    const refused = findRefusal(change);
    if (refused !== undefined) return this.#end(refused.outcome, refused.message);
    if (change.files.length === 0) return await this.#unchanged(changes, change);

    const combined = await changes.combine(workspace, change);
    if (combined.kind === 'conflict') return this.#end('conflict', describeConflict(combined.files));
    const { onto, ontoTree } = combined;
    const red = await this.#verify({ tree: combined.tree, base: { commit: onto, tree: ontoTree } });
    if (red !== undefined) return red;
    const rejected = await this.#review(changes, change);
    if (rejected !== undefined) return rejected;
    const { tree } = combined;
    return await this.#options.landing.run(() => this.#land(changes, change, tree, report.summary));
  }

  /** A task without a change is done only if the worker says why and the reason holds. */
  async #unchanged(changes: Changes, change: Change): Promise<AttemptEnd> {
    const { report } = this.#work;
    const excluded = listExcluded(change.excluded);
    if (excluded !== '' && report.status !== 'nothing-to-do')
      return this.#end(
        'review-rejected',
        `None of the files that were written can be part of the change:\n${excluded}\nWrite what the task asks for ` +
          'where git takes it. If it has to be there, a person has to change that rule: then report "blocked".',
      );
    if (this.#options.reviewer === null) {
      if (report.status === 'nothing-to-do' && report.summary.trim() !== '')
        return this.#end('no-change', '');
      return this.#end(
        'review-rejected',
        'You reported the task as completed, but not one file has changed. Do what it asks for; if it was done ' +
          'before you came, report "nothing-to-do" with what proves it.',
      );
    }
    return (await this.#review(changes, change)) ?? this.#end('no-change', '');
  }

  async #verify(target: {
    readonly tree: string | null;
    readonly base: { readonly commit: string; readonly tree: string } | null;
  }): Promise<AttemptEnd | undefined> {
    const { gates, changes } = this.#options;
    const { workspace, marker } = this.#work;
    if (this.#isStopped()) return this.#cancelled();
    if (gates.commands.length === 0) return undefined;
    this.#hooks.onPhase('verifying');
    const result: GateResult = await gates.check({ ...target, workspace, marker }, this.#signal);
    if (target.tree !== null) await changes?.reset(workspace);
    switch (result.kind) {
      case 'passed':
        this.#known = { ...this.#known, gates: result.gates };
        return undefined;
      case 'failed': {
        this.#known = { ...this.#known, gates: result.gates };
        const message = `\`${result.command}\` failed (${result.how}).\n\n${result.output}`;
        return this.#end('verify-failed', message.trim());
      }
      case 'infrastructure':
        return this.#end('infrastructure', result.message);
      case 'aborted':
        return this.#cancelled();
    }
  }

  async #review(changes: Changes, change: Change): Promise<AttemptEnd | undefined> {
    const { reviewer, maxReviewRounds, onReviewLimit } = this.#options;
    if (reviewer === null) return undefined;
    if (this.#isStopped()) return this.#cancelled();
    this.#hooks.onPhase('reviewing');
    const { attempt, task, parent, report, earlierFiles, review: previous } = this.#work;
    const transcripts = [...earlierFiles, attempt.files].map((files) => locateAttemptFiles(files).transcript);
    const isEmpty = change.files.length === 0;
    const since = previous !== null && previous.round > 0 ? previous.commit : null;
    const reply = await reviewer.review(
      {
        task,
        parent,
        report,
        commit: isEmpty ? null : change.commit,
        files: change.files,
        change: isEmpty
          ? { text: '', truncated: false }
          : await changes.read(change, { since, maxBytes: MAX_DIFF_BYTES }),
        gates: this.#known.gates ?? [],
        commands: await readCommands(...transcripts),
        previous,
        maxRounds: maxReviewRounds,
      },
      this.#signal,
    );
    if (!reply.ok) {
      const { reason, message, resetsAt = null } = reply.error;
      this.#known = { ...this.#known, resetsAt };
      return this.#end(outcomeFor(reason), `The change could not be reviewed: ${message}`);
    }
    const review = reply.value;
    this.#known = { ...this.#known, review };
    if (review.verdict === 'approved') return undefined;
    const isLast = review.round >= maxReviewRounds;
    if (isLast && onReviewLimit === 'follow-up' && !isEmpty) return undefined;
    return this.#end('review-rejected', describeReview(review));
  }

  /** A change that passed on its own may fail together with what has landed since, so the merge is judged again. */
  async #land(changes: Changes, change: Change, proven: string, summary: string): Promise<AttemptEnd> {
    const { workspace, task, attempt } = this.#work;
    for (;;) {
      if (this.#isStopped()) return this.#cancelled();
      const combined = await changes.combine(workspace, change);
      if (combined.kind === 'conflict') return this.#end('conflict', describeConflict(combined.files));
      const { tree, onto, ontoTree } = combined;
      if (tree === ontoTree) return this.#end('no-change', 'All that it changes has landed already.');
      if (tree !== proven) {
        const red = await this.#verify({ tree, base: { commit: onto, tree: ontoTree } });
        if (red !== undefined) return red;
      }
      if (this.#isStopped()) return this.#cancelled();
      this.#hooks.onPhase('landing');
      const { change: captured, gates, review } = this.#end('landed', '');
      const commit = await changes.land({ task, attempt, summary, tree, onto }, (intended) =>
        this.#hooks.onLanding(intended, { change: captured, gates, review }),
      );
      if (commit === undefined) continue;
      this.#known = { ...this.#known, commit };
      const beside = describeExcluded(change.excluded);
      if (beside !== '') this.#hooks.onWarning(`Task ${task.id}: ${beside}`);
      return this.#end('landed', beside);
    }
  }

  #isStopped(): boolean {
    return this.#signal.aborted;
  }

  #end(outcome: AttemptOutcome, message: string): AttemptEnd {
    return { ...this.#work.end, ...this.#known, outcome, message };
  }

  #cancelled(): AttemptEnd {
    return this.#end('cancelled', 'Stopped before its change landed.');
  }
}

/** The outcome for a manager that did not answer. It says nothing about the change. */
function outcomeFor(reason: FailureReason): AttemptOutcome {
  switch (reason) {
    case 'usage-limited':
    case 'over-budget':
    case 'unauthenticated':
    case 'model-unavailable':
      return reason;
    case 'billing':
    case 'cli-missing':
      return 'unauthenticated';
    case 'interrupted':
      return 'cancelled';
    default:
      return 'infrastructure';
  }
}
