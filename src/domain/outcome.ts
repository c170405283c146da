/** The consequences of an outcome. */
export interface OutcomePolicy {
  /** The task is done. */
  readonly success: boolean;
  /** The outcome costs the task one of its attempts. */
  readonly charged: boolean;
  /**
   * How the next try begins: in the same Claude session, in a copy of it, in a new one, or not at all in this run. A
   * session that is too large or cannot be resumed is replaced by a new one in any case.
   */
  readonly next: 'resume' | 'fork' | 'fresh' | 'none';
  /** When the next try begins: at once, after a delay that grows each time, or when the limit resets. */
  readonly delay: 'none' | 'back-off' | 'reset';
  /** What the outcome stops besides the attempt. `dispatch` is a pause: nothing starts until it ends. */
  readonly stops: 'nothing' | 'task' | 'dispatch' | 'run';
  /** What a person can do; empty where nothing is needed. */
  readonly advice: string;
}

/** The task's own fault: it costs an attempt, and the next one resumes the session. */
const CHARGED = { success: false, charged: true, next: 'resume', delay: 'none', stops: 'nothing' } as const;
/** Not the task's fault. */
const FREE = { ...CHARGED, charged: false } as const;
const SUCCESS = { ...CHARGED, success: true, next: 'none', stops: 'task', advice: '' } as const;

const POLICIES = {
  landed: SUCCESS,
  'no-change': SUCCESS,
  'verify-failed': { ...CHARGED, advice: 'Look at its change with `diff`, then `run` again.' },
  'review-rejected': { ...CHARGED, advice: 'Read the findings with `show`, then `run` again.' },
  conflict: {
    ...CHARGED,
    advice:
      '`run` again to resolve it on the current integration branch, or take its work yourself: `recover list` says how.',
  },
  'timed-out': { ...CHARGED, advice: 'Split the task with `expand`, or raise execution.worker_timeout.' },
  // A hung process may wake up for a moment and write into its session.
  stalled: {
    ...CHARGED,
    next: 'fork',
    delay: 'back-off',
    advice: 'Read the end of its transcript with `logs`; raise execution.stall_timeout if it was only slow.',
  },
  // The process is ended in the middle of its work, so its session is copied too.
  looping: {
    ...CHARGED,
    next: 'fork',
    advice:
      'See what it repeated with `logs`, write into the task with `edit` what to do instead or when it is done, then `run` again; a larger model may find a way out.',
  },
  crashed: { ...CHARGED, delay: 'back-off', advice: 'Read the end of its transcript with `logs`.' },
  'permission-denied': {
    ...CHARGED,
    next: 'none',
    stops: 'task',
    advice:
      'Allow what was denied (add a rule to claude_cli.allowed_tools, or change git.protected_paths), then `run` again.',
  },
  // A model that is asked the same question again gives the same answer, and each answer costs money.
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
      'Nothing: it costs the task no attempt, and its session continues after the reset. If the run has ended, `run` again then.',
  },
  'over-budget': {
    ...FREE,
    stops: 'task',
    advice: 'Raise budget.max_cost_usd, budget.max_cost_per_task_usd or --max-cost, then `run` again.',
  },
  unauthenticated: {
    ...FREE,
    stops: 'run',
    advice: 'Log in with `claude`, or set ANTHROPIC_API_KEY to a valid key; `check` says which one is used.',
  },
  'model-unavailable': {
    ...FREE,
    stops: 'run',
    advice:
      'Set models.worker.model to an alias such as "sonnet", or to the id of a model that this account may use.',
  },
  // The same prompt is too long again. A session that is too large is replaced by a new one.
  'prompt-too-long': {
    ...CHARGED,
    next: 'fresh',
    advice: 'Shorten the task with `edit`, or split it with `expand`.',
  },
  cancelled: { ...FREE, advice: 'It was stopped; `run` continues it.' },
  infrastructure: {
    ...FREE,
    delay: 'back-off',
    advice:
      'The machine, the network or a set-up command failed, not the task: repair what the message names, then `run` again; `check` finds more.',
  },
} satisfies Record<string, OutcomePolicy>;

/** The outcomes of an attempt. */
export type AttemptOutcome = keyof typeof POLICIES;
export const OUTCOMES = Object.keys(POLICIES) as readonly AttemptOutcome[];

/**
 * The consequences of each outcome. An attempt that ends because of an outage also stops dispatch, and costs the task
 * nothing.
 */
export const OUTCOME_POLICY: Readonly<Record<AttemptOutcome, OutcomePolicy>> = POLICIES;
