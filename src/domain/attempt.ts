import type { AttemptOutcome } from './outcome.ts';
import type { TaskId } from './task.ts';

/** The phases of an attempt, in their order. */
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

/** Zero tokens. */
export const NO_TOKENS: Tokens = { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 };

/** Counts every token, however it is billed. */
export function totalTokens(tokens: Tokens): number {
  return tokens.input + tokens.output + tokens.cacheRead + tokens.cacheWrite;
}

/** Adds up the cost of usages, in US dollars at list price. */
export function totalCost(usages: Iterable<Pick<ModelUsage, 'costUsd'>>): number {
  let sum = 0;
  for (const { costUsd } of usages) sum += costUsd;
  return sum;
}

/** Adds up usages for each model, ordered by model name. */
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

/** The process that works on an attempt. The start time tells it from a later process with the same id. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Opaque: two values are only compared for equality, within one boot of one machine. */
  readonly startTime: string;
}

/** A permission that the worker asked for and did not get. */
export interface PermissionDenial {
  readonly tool: string;
  /** The allow rule that grants it, e.g. `Bash(npm test:*)`. */
  readonly rule: string;
}

/** A worker's report on its own work, by the report schema. */
export interface WorkerReport {
  readonly status: 'completed' | 'blocked' | 'nothing-to-do';
  readonly summary: string;
  /** What tasks that depend on this one must know. */
  readonly handover: string;
  readonly followUps: readonly string[];
}

/** The severities of a finding, the worst first. */
export const SEVERITIES = ['blocker', 'major', 'minor'] as const;

/** A fault that a review found. */
export interface Finding {
  /** Stays the same in every round, e.g. `F1`. */
  readonly id: string;
  readonly severity: (typeof SEVERITIES)[number];
  /** Relative to the repository; null where the finding is about the whole change. */
  readonly file: string | null;
  readonly line: number | null;
  /** One sentence. */
  readonly title: string;
  /** What proves it. */
  readonly evidence: string;
}

/** The manager's judgement of a change. */
export interface Review {
  /** 1 for the first review of a task in a run. */
  readonly round: number;
  readonly verdict: 'approved' | 'rejected';
  readonly summary: string;
  /** All open findings, those that do not block the change included. */
  readonly findings: readonly Finding[];
  /** The commit that was reviewed; null where nothing had changed. */
  readonly commit: string | null;
}

/** The verdict of one verify command on a change. */
export interface GateVerdict {
  readonly command: string;
  /** `flaky`: the command failed, then passed on the same tree; `red-before`: it fails without the change too. */
  readonly verdict: 'passed' | 'failed' | 'flaky' | 'red-before';
}

/** The end of an attempt: everything that the store keeps of it. */
export interface AttemptEnd {
  readonly outcome: AttemptOutcome;
  /** One sentence for people: what happened, and the proof. Empty for a plain success. */
  readonly message: string;
  readonly usage: readonly ModelUsage[];
  readonly report: WorkerReport | null;
  readonly denials: readonly PermissionDenial[];
  readonly turns: number | null;
  readonly exitCode: number | null;
  readonly signal: string | null;
  /** When the usage limit resets, in Unix milliseconds; null where that is unknown or no limit was met. */
  readonly resetsAt: number | null;
  /** The API or the network failed, as it does for any other task. */
  readonly outage: boolean;
  /** The size of the session at its last reply, in tokens; null where the model never replied. */
  readonly contextTokens: number | null;
  /** The commit with everything that the worker wrote, once the worker has reported and its work is captured. */
  readonly change: string | null;
  /** The commit on the integration branch, where the change landed. */
  readonly commit: string | null;
  /** The last verdicts of the verify commands, in their order. */
  readonly gates: readonly GateVerdict[];
  /** The last review: of this attempt, or of an earlier one whose findings are still open. */
  readonly review: Review | null;
}

/** The facts about a change that are known when it lands. */
export type Proof = Pick<AttemptEnd, 'change' | 'gates' | 'review'>;

/** Makes the end of an attempt that used nothing and of which nothing else is known. */
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
  /** The Claude session, a UUID. A resumed attempt has the session of an earlier one. */
  readonly sessionId: string;
  readonly resumed: boolean;
  /** The session that this one is a copy of. */
  readonly forkedFrom: string | null;
  readonly model: string;
  /** The working directory of the worker; the project's until the workspace is prepared. */
  readonly directory: string;
  /** The branch of its workspace, and the commit at which it began; null where workers share a directory. */
  readonly branch: string | null;
  readonly base: string | null;
  /** The part of the run's budget that is reserved for it, in US dollars; null without a ceiling. */
  readonly maxCostUsd: number | null;
  /** The commit that is about to land, stored before it lands. */
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
