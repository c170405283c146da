/** Every way an attempt can end. */
export const OUTCOMES = [
  'landed',
  'no-change',
  'verify-failed',
  'review-rejected',
  'conflict',
  'timed-out',
  'stalled',
  'looping',
  'crashed',
  'permission-denied',
  'refused',
  'usage-limited',
  'over-budget',
  'unauthenticated',
  'model-unavailable',
  'prompt-too-long',
  'cancelled',
  'infrastructure',
] as const;
export type AttemptOutcome = (typeof OUTCOMES)[number];

/** What follows from an outcome. */
export interface OutcomePolicy {
  /** The task is done. */
  readonly success: boolean;
  /** It costs the task one of its attempts. */
  readonly charged: boolean;
  /**
   * How the next try begins: in the same Claude session, in a copy of it, in a new one, or not at all in this run. A
   * session that has grown too large, or that cannot be resumed, is not gone on with all the same.
   */
  readonly next: 'resume' | 'fork' | 'fresh' | 'none';
  /** When it begins: at once, after a while that grows each time, or when the limit resets. */
  readonly delay: 'none' | 'back-off' | 'reset';
  /** What it ends besides the attempt; `dispatch` is a pause, in which nothing starts and after which all goes on. */
  readonly stops: 'nothing' | 'task' | 'dispatch' | 'run';
  /** What a person can do about it; empty where nothing is needed. */
  readonly advice: string;
}

const SUCCESS = {
  success: true,
  charged: true,
  next: 'none',
  delay: 'none',
  stops: 'task',
  advice: '',
} as const;
/** The task's own doing: it costs an attempt, and the next one goes on in the same session. */
const CHARGED = { success: false, charged: true, next: 'resume', delay: 'none', stops: 'nothing' } as const;
/** No fault of the task. */
const FREE = { ...CHARGED, charged: false } as const;

/**
 * The one table that says what each outcome costs and what comes after it. An attempt that came to its end by an outage
 * stops dispatch besides, and counts as nothing.
 */
export const OUTCOME_POLICY: Readonly<Record<AttemptOutcome, OutcomePolicy>> = {
  landed: SUCCESS,
  'no-change': SUCCESS,
  'verify-failed': { ...CHARGED, advice: 'Look at its change with `diff`, then `run` again.' },
  'review-rejected': { ...CHARGED, advice: 'Read the findings with `show`, then `run` again.' },
  conflict: {
    ...CHARGED,
    advice:
      '`run` again to have it resolved on what has landed by then, or take its work yourself: `recover list` says how.',
  },
  'timed-out': { ...CHARGED, advice: 'Split the task with `expand`, or raise execution.worker_timeout.' },
  // A process that has hung may come back to life for a moment and write into the session it had.
  stalled: {
    ...CHARGED,
    next: 'fork',
    delay: 'back-off',
    advice:
      'Look at the end of its transcript with `logs`; raise execution.stall_timeout if it was only slow.',
  },
  // It was ended in the middle of its work, too.
  looping: {
    ...CHARGED,
    next: 'fork',
    advice:
      'Look at what it repeated with `logs`, say in the task with `edit` what to do instead or when it is done, then `run` again; a larger model may find a way out.',
  },
  crashed: { ...CHARGED, delay: 'back-off', advice: 'Look at the end of its transcript with `logs`.' },
  'permission-denied': {
    ...CHARGED,
    next: 'none',
    stops: 'task',
    advice:
      'Allow what was denied (a rule in claude_cli.allowed_tools, or git.protected_paths), then `run` again.',
  },
  // Asked the same again, a model gives the same answer, and each one costs money.
  refused: {
    ...CHARGED,
    next: 'none',
    stops: 'task',
    advice: 'Reword the task with `edit`, then `run` again.',
  },
  'usage-limited': {
    ...FREE,
    delay: 'reset',
    stops: 'dispatch',
    advice:
      'Nothing: it costs the task no attempt, and after the reset its session goes on where it stopped. If the run has ended, `run` again then.',
  },
  'over-budget': {
    ...FREE,
    stops: 'task',
    advice: 'Raise budget.max_cost_usd, budget.max_cost_per_task_usd or --max-cost, then `run` again.',
  },
  unauthenticated: {
    ...FREE,
    stops: 'run',
    advice:
      'Log in with `claude`, or put a key that works into ANTHROPIC_API_KEY; `check` tells which one is used.',
  },
  'model-unavailable': {
    ...FREE,
    stops: 'run',
    advice:
      'Set models.worker.model to an alias such as "sonnet", or to a model id that this account may use.',
  },
  // The same prompt would be too long again; a session that has grown too large is left for a new one.
  'prompt-too-long': {
    ...CHARGED,
    next: 'fresh',
    advice: 'Shorten the task with `edit`, or split it with `expand`.',
  },
  cancelled: { ...FREE, advice: 'It was stopped; `run` continues it where it was.' },
  infrastructure: {
    ...FREE,
    delay: 'back-off',
    advice:
      'The machine, the network or a set-up command failed, not the task: mend what is named, then `run` again; `check` finds more.',
  },
};
