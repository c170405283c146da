import type { Attempt, AttemptEnd, Phase } from '../../src/domain/attempt.ts';
import type { Event, PauseReason, Stamped } from '../../src/domain/event.ts';
import { OUTCOME_POLICY, type AttemptOutcome } from '../../src/domain/outcome.ts';
import type { ReportSource } from '../../src/reporting/html/report-model.ts';
import type { Task } from '../../src/domain/task.ts';
import { makeTask } from './arbitrary-tasks.ts';
import { attemptEnd } from './attempt-end.ts';

/** What a night is made of. */
export interface NightShape {
  readonly tasks: number;
  readonly workers: number;
  /** Everything by chance is decided by it. */
  readonly seed: number;
  /** Every text from outside: titles, messages, findings, warnings. */
  readonly text?: (what: string) => string;
  readonly startedAt?: number;
  /** How often an attempt is no success, 0 to 1. */
  readonly failing?: number;
}

const MINUTE = 60_000;
const FAILURES: readonly AttemptOutcome[] = [
  'verify-failed',
  'review-rejected',
  'crashed',
  'conflict',
  'cancelled',
];

/** A run of many hours with pauses, failures and retries, as a store would have it; always the same for a shape. */
export function recordedNight(shape: NightShape): ReportSource {
  const { tasks: count, workers, seed, failing = 0.2 } = shape;
  const text = shape.text ?? ((what) => what);
  const random = randomOf(seed);
  const startedAt = shape.startedAt ?? Date.UTC(2026, 2, 3, 21, 40);
  const iso = (at: number): string => new Date(at).toISOString();
  const events: Stamped[] = [];
  const tell = (at: number, event: Event): unknown => events.push({ ...event, at: iso(at) });
  const attempts: Attempt[] = [];
  const sizes = new Map<number, { files: number; added: number; removed: number }>();
  const free = Array.from({ length: workers }, () => startedAt + 2 * MINUTE);
  const tasks: Task[] = [];
  const runId = 'run-1';

  for (let index = 1; index <= count; index++) {
    const taskId = String(index);
    const dependencies = [1, 2]
      .map((back) => index - Math.ceil(random() * 8) * back)
      .filter((id) => id > 0 && random() < 0.7);
    const task = makeTask(taskId, {
      title: text(`${pick(random, ['Add', 'Mend', 'Test', 'Move', 'Describe'])} the ${pick(random, NOUNS)}`),
      dependencies: [...new Set(dependencies)].sort((a, b) => a - b).map(String),
    });
    if (index > count * 0.95) {
      tasks.push(task);
      continue;
    }
    let status: Task['status'] = 'failed';
    for (let number = 1; number <= 3 && status === 'failed'; number++) {
      const id = attempts.length + 1;
      const slot = free.indexOf(Math.min(...free));
      const from = free[slot] ?? startedAt;
      const outcome = random() < failing ? pick(random, FAILURES) : 'landed';
      let at = from;
      const phases: Phase[] = ['working', 'verifying', 'reviewing', 'landing'];
      for (const phase of phases.slice(0, outcome === 'landed' ? 4 : 1 + Math.floor(random() * 2))) {
        at += (phase === 'working' ? 0.2 : 1 + random() * 12) * MINUTE;
        tell(at, { type: 'attempt-phase', attemptId: id, taskId, phase });
      }
      const endedAt = at + (1 + random() * 2) * MINUTE;
      free[slot] = endedAt + random() * 4000;
      attempts.push(attemptOf(id, taskId, number, [iso(from), iso(endedAt)], endOf(outcome, random, text)));
      if (outcome === 'landed') sizes.set(id, sizeOf(random));
      if (OUTCOME_POLICY[outcome].success) status = 'done';
    }
    tasks.push({ ...task, status });
  }

  const endedAt = Math.max(...free) + MINUTE;
  const pauses: [number, number, PauseReason][] = [
    [0.3, 0.4, 'usage-limit'],
    [0.55, 0.57, 'outage'],
    [0.7, 0.82, 'usage-limit'],
  ];
  for (const [from, to, reason] of pauses) {
    const until = startedAt + to * (endedAt - startedAt);
    const message = text('The five-hour window is used up; it goes on by itself.');
    tell(startedAt + from * (endedAt - startedAt), {
      type: 'run-paused',
      runId,
      reason,
      until: iso(until),
      message,
    });
    tell(until, { type: 'run-resumed', runId, reason });
  }
  tell(startedAt + MINUTE, {
    type: 'warning',
    message: text('The verify command was red before the first task.'),
  });
  tell(startedAt + 9 * MINUTE, {
    type: 'usage-warning',
    runId,
    account: 'Claude subscription',
    window: 'five_hour',
    used: 81.4,
    resetsAt: null,
  });
  const commands = ['git merge --ff-only orchestrator/integration/main'];
  tell(endedAt, {
    type: 'run-delivered',
    runId,
    delivery: {
      kind: 'left',
      commit: 'f'.repeat(40),
      message: text(
        'Your checkout has changes of its own, so the results were left on the integration branch.',
      ),
      commands,
    },
  });
  events.sort((a, b) => a.at.localeCompare(b.at));
  return {
    run: {
      id: runId,
      process: { pid: 1, startTime: '1' },
      workers,
      billing: text('workers: Claude subscription (sonnet) · manager: API key …wxyz (opus)'),
      startedAt: iso(startedAt),
      endedAt: iso(endedAt),
      outcome: 'completed-with-failures',
      message: text('2 failed, 3 still to do.'),
    },
    attempts,
    tasks,
    usage: attempts.flatMap(({ id, end, endedAt: at }) => [
      ...(end?.usage ?? []).map((usage) => ({
        ...usage,
        role: 'worker' as const,
        runId,
        attemptId: id,
        at: at ?? '',
      })),
      {
        role: 'manager' as const,
        model: text('claude-opus-4-8'),
        input: 900,
        output: 300,
        cacheRead: 8000,
        cacheWrite: 0,
        costUsd: 0.04,
        runId,
        attemptId: null,
        at: at ?? '',
      },
    ]),
    events,
    now: endedAt + MINUTE,
    sizes,
  };
}

const NOUNS = [
  'login form',
  'rate limiter',
  'parser of dates',
  'list of orders',
  'ログイン画面',
  'search index',
  'cache',
];

/** A small generator of numbers from 0 to 1 (mulberry32). */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

function pick<T>(random: () => number, values: readonly T[]): T {
  const value = values[Math.floor(random() * values.length)];
  if (value === undefined) throw new Error('There is nothing to pick from.');
  return value;
}

function sizeOf(random: () => number): { files: number; added: number; removed: number } {
  return {
    files: 1 + Math.floor(random() * 9),
    added: Math.floor(random() ** 3 * 900),
    removed: Math.floor(random() ** 4 * 400),
  };
}

function endOf(outcome: AttemptOutcome, random: () => number, text: (what: string) => string): AttemptEnd {
  const isSuccess = OUTCOME_POLICY[outcome].success;
  const costUsd = 0.05 + random() * 1.5;
  const usage = [
    {
      model: text('claude-sonnet-5-5'),
      input: 4000,
      output: 9000,
      cacheRead: 400_000,
      cacheWrite: 30_000,
      costUsd,
    },
  ];
  const finding = {
    id: 'F1',
    severity: 'blocker' as const,
    file: text('src/orders/list.ts'),
    line: 12,
    title: text('The list is read twice'),
    evidence: text('`load()` is called in both branches.'),
  };
  return attemptEnd(outcome, {
    usage,
    message: isSuccess
      ? ''
      : text('`npm test` failed:\n  expected 3 to be 4\n    at src/orders/list.test.ts:12'),
    report: isSuccess
      ? {
          status: 'completed',
          summary: text('It is done.'),
          handover: '',
          followUps: random() < 0.1 ? [text('Add a captcha')] : [],
        }
      : null,
    denials: outcome === 'crashed' ? [{ tool: 'Bash', rule: text('Bash(make:*)') }] : [],
    commit: outcome === 'landed' ? 'abcdef0123'.repeat(4) : null,
    gates: [
      { command: text('npm test'), verdict: isSuccess ? 'passed' : 'failed' },
      { command: text('npm run lint'), verdict: random() < 0.1 ? 'flaky' : 'passed' },
    ],
    review:
      outcome === 'review-rejected' || isSuccess
        ? {
            round: 1,
            verdict: isSuccess ? 'approved' : 'rejected',
            summary: text('Read.'),
            findings: isSuccess ? [] : [finding],
            commit: null,
          }
        : null,
  });
}

function attemptOf(
  id: number,
  taskId: string,
  number: number,
  [startedAt, endedAt]: [string, string],
  end: AttemptEnd,
): Attempt {
  return {
    id,
    runId: 'run-1',
    taskId,
    number,
    sessionId: 's',
    resumed: number > 1,
    forkedFrom: null,
    maxCostUsd: null,
    model: 'sonnet',
    directory: '/home/me/project',
    branch: 'orchestrator/run-1/1',
    base: null,
    landing: null,
    files: `/home/me/project/.taskmaster/attempts/${id}`,
    process: null,
    phase: 'working',
    startedAt,
    endedAt,
    end,
  };
}
