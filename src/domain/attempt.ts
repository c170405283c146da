import type { AttemptOutcome } from './outcome.ts';
import type { TaskId } from './task.ts';

/** Where an attempt is; it passes the phases in this order. */
export const PHASES = ['preparing', 'working', 'verifying', 'reviewing', 'landing'] as const;
export type Phase = (typeof PHASES)[number];

/** Tokens of one or more API calls. `input` excludes what was read from or written to the prompt cache. */
export interface Tokens {
  readonly input: number;
  readonly output: number;
  readonly cacheRead: number;
  readonly cacheWrite: number;
}

/** What one model used in one process or call, in tokens and US dollars at list price. */
export interface ModelUsage extends Tokens {
  readonly model: string;
  readonly costUsd: number;
}

/** No tokens at all. */
export const NO_TOKENS: Tokens = { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 };

/** Every token, however it was billed. */
export function totalTokens(tokens: Tokens): number {
  return tokens.input + tokens.output + tokens.cacheRead + tokens.cacheWrite;
}

/** One sum a model, ordered by model name. */
export function sumUsage(usages: Iterable<ModelUsage>): ModelUsage[] {
  const byModel = new Map<string, ModelUsage>();
  for (const usage of usages) {
    const sum = byModel.get(usage.model);
    byModel.set(usage.model, {
      model: usage.model,
      input: (sum?.input ?? 0) + usage.input,
      output: (sum?.output ?? 0) + usage.output,
      cacheRead: (sum?.cacheRead ?? 0) + usage.cacheRead,
      cacheWrite: (sum?.cacheWrite ?? 0) + usage.cacheWrite,
      costUsd: (sum?.costUsd ?? 0) + usage.costUsd,
    });
  }
  return [...byModel.values()].sort((a, b) => a.model.localeCompare(b.model));
}

/** The process that works on an attempt; the start time tells it from a later process with the same id. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Opaque, comparable only for equality on one boot of one machine. */
  readonly startTime: string;
}

/** A permission the worker asked for and did not get. */
export interface PermissionDenial {
  readonly tool: string;
  /** The allow rule that would have let it through, e.g. `Bash(npm test:*)`. */
  readonly rule: string;
}

/** What a worker says of its own work, by the report schema. */
export interface WorkerReport {
  readonly status: 'completed' | 'blocked' | 'nothing-to-do';
  readonly summary: string;
  /** What tasks that depend on this one must know. */
  readonly handover: string;
  readonly followUps: readonly string[];
}

/** How bad a finding is, the worst first. */
export const SEVERITIES = ['blocker', 'major', 'minor'] as const;

/** Something a review found that is not as it should be. */
export interface Finding {
  /** The same in every round, e.g. `F1`. */
  readonly id: string;
  readonly severity: (typeof SEVERITIES)[number];
  /** Relative to the repository; null where it is about the change as a whole. */
  readonly file: string | null;
  readonly line: number | null;
  /** One sentence. */
  readonly title: string;
  /** What proves it. */
  readonly evidence: string;
}

/** What the manager said of a change. */
export interface Review {
  /** 1 for the first of a task in a run. */
  readonly round: number;
  readonly verdict: 'approved' | 'rejected';
  readonly summary: string;
  /** Those that are open, the ones that do not block included. */
  readonly findings: readonly Finding[];
  /** The commit that was reviewed; null where nothing had changed. */
  readonly commit: string | null;
}

/** What one verify command said of a change. */
export interface GateVerdict {
  readonly command: string;
  /** `flaky`: it failed, then passed on the same tree; `red-before`: it fails without the change too. */
  readonly verdict: 'passed' | 'failed' | 'flaky' | 'red-before';
}

/** How an attempt ended: everything the store keeps of it. */
export interface AttemptEnd {
  readonly outcome: AttemptOutcome;
  /** One sentence for people: what happened and what proves it. Empty for a plain success. */
  readonly message: string;
  readonly usage: readonly ModelUsage[];
  readonly report: WorkerReport | null;
  readonly denials: readonly PermissionDenial[];
  readonly turns: number | null;
  readonly exitCode: number | null;
  readonly signal: string | null;
  /** Unix milliseconds at which a usage limit resets, where the outcome is `usage-limited` and it is known. */
  readonly resetsAt: number | null;
  /** The API or the network failed, and would have for any other task. */
  readonly outage: boolean;
  /** What the session held at its last reply, in tokens; null where nothing was said. */
  readonly contextTokens: number | null;
  /** The commit that holds all the worker wrote, once it has reported and its work was captured. */
  readonly change: string | null;
  /** The commit on the integration branch, where the change landed. */
  readonly commit: string | null;
  /** What the verify commands said last, in their order. */
  readonly gates: readonly GateVerdict[];
  /** The last review, of this attempt or of one before it whose findings are still open. */
  readonly review: Review | null;
}

/** What is known of a change by the time it lands. */
export type Proof = Pick<AttemptEnd, 'change' | 'gates' | 'review'>;

/** The end of an attempt that used nothing and of which nothing else is known. */
export function emptyEnd(outcome: AttemptOutcome, message: string): AttemptEnd {
  return {
    outcome,
    message,
    usage: [],
    report: null,
    denials: [],
    turns: null,
    exitCode: null,
    signal: null,
    resetsAt: null,
    outage: false,
    contextTokens: null,
    change: null,
    commit: null,
    gates: [],
    review: null,
  };
}

/** One try at one task, as stored. */
export interface Attempt {
  readonly id: number;
  readonly runId: string;
  readonly taskId: TaskId;
  /** 1 for the task's first try, across runs. */
  readonly number: number;
  /** The Claude session, a UUID; the same as an earlier attempt's where that session was resumed. */
  readonly sessionId: string;
  readonly resumed: boolean;
  /** The session that this one began as a copy of. */
  readonly forkedFrom: string | null;
  readonly model: string;
  /** The working directory of the worker; until its workspace is prepared, the project's. */
  readonly directory: string;
  /** The branch of its workspace, and the commit it began at; null where workers share a directory. */
  readonly branch: string | null;
  readonly base: string | null;
  /** What was held of the run's budget for it, in US dollars; null without a ceiling. */
  readonly maxCostUsd: number | null;
  /** The commit that was about to land, written down before it did. */
  readonly landing: string | null;
  /** The attempt's own folder: prompt, transcript, stderr. */
  readonly files: string;
  readonly process: ProcessIdentity | null;
  readonly phase: Phase;
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  readonly endedAt: string | null;
  /** Null while it runs. */
  readonly end: AttemptEnd | null;
}
