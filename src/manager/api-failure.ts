import type { Failure } from '../domain/failure.ts';
import { parseSpendingReset } from '../domain/usage-limit.ts';

/** What is known about a failed call to the API, made by the SDK or by the CLI. */
export interface FailedCall {
  /** HTTP status. Undefined if there was no response, or if the error came in the stream. */
  readonly status: number | undefined;
  /** The API's error type, e.g. `overloaded_error`, `rate_limit_error`, `billing_error`. */
  readonly type: string | undefined;
  /** For people. Never contains a credential. */
  readonly message: string;
  /** How long to wait before the next call, if the server says so. */
  readonly retryAfterMs: number | undefined;
  /** When the limit that refused the call resets, in Unix milliseconds. Undefined if no limit did, or if it is not known. */
  readonly resetsAt: number | undefined;
}

/** Whether the same call may succeed later. */
export function isTransient({ status, type }: FailedCall): boolean {
  if (status === undefined) {
    return !['authentication_error', 'permission_error', 'billing_error', 'invalid_request_error'].includes(
      type ?? '',
    );
  }
  return status === 408 || status === 409 || status === 429 || status >= 500;
}

/** The failure that a person can act on. `model` is the requested id, `credential` describes the credential that was used. */
export function apiFailure(trouble: FailedCall, model: string, credential: string): Failure {
  const { status, type, message, resetsAt } = trouble;
  const said = `${status === undefined ? '' : `HTTP ${status}: `}${message}`;
  const regained = parseSpendingReset(message);
  if (regained !== undefined) return usageLimited(credential, said, regained);
  if (status === 402 || type === 'billing_error' || /credit balance/i.test(message)) {
    return {
      reason: 'billing',
      message: `The account of the ${credential} cannot pay for the call (${said}).`,
      fix: 'Add credit or a payment method to the account, or use another credential.',
    };
  }
  if (status === 401 || status === 403 || type === 'authentication_error' || type === 'permission_error') {
    return {
      reason: 'unauthenticated',
      message: `The ${credential} was refused (${said}).`,
      fix: 'Set a valid ANTHROPIC_API_KEY, or log in by starting `claude`; `check` tells which one is used.',
    };
  }
  if (status === 404 || type === 'not_found_error') return modelUnavailable(model, said);
  if (status === 429 || type === 'rate_limit_error') {
    return usageLimited(credential, said, resetsAt);
  }
  if (status === 413 || /prompt is too long/i.test(message)) {
    return {
      reason: 'prd-too-large',
      message: `The manager's prompt does not fit into ${model} (${said}).`,
      fix: 'Shorten the text or split it.',
    };
  }
  return {
    reason: 'manager-unavailable',
    message: `The manager (${model}) did not reply: ${said}.`,
    fix: 'Try again later; `check` shows whether the API can be reached.',
  };
}

/** The failure of a call that a limit refused. `resetsAt` is in Unix milliseconds, if it is known. */
export function usageLimited(credential: string, said: string, resetsAt: number | undefined): Failure {
  const time = new Date(resetsAt ?? NaN);
  const isKnown = !Number.isNaN(time.getTime());
  return {
    reason: 'usage-limited',
    message: `The ${credential} is at its limit (${said}).${isKnown ? ` It resets at ${time.toISOString()}.` : ''}`,
    fix: `Try again ${isKnown ? 'after the reset' : 'later'}; \`status\` shows the usage windows that are known.`,
    ...(isKnown ? { resetsAt: time.getTime() } : {}),
  };
}

/** The failure for a model that is retired, unknown or not available to this account. */
export function modelUnavailable(model: string, why: string): Failure {
  return {
    reason: 'model-unavailable',
    message: `The model "${model}" of models.manager.model cannot be used (${why}).`,
    fix: `Set models.manager.model to the alias "${aliasFor(model)}", which follows the current model.`,
  };
}

/** The model lines that have an alias. */
export const MODEL_LINES = ['opus', 'sonnet', 'haiku', 'fable', 'mythos'] as const;

function aliasFor(model: string): string {
  return MODEL_LINES.find((line) => model.toLowerCase().includes(line)) ?? 'opus';
}

/** The failure of a call that was stopped by its own signal. */
export function interrupted(): Failure {
  return { reason: 'interrupted', message: 'The call to the manager was interrupted.' };
}

/** The failure of a call that took longer than `timeoutMs`. */
export function timedOut(model: string, timeoutMs: number): Failure {
  return {
    reason: 'manager-unavailable',
    message: `The manager (${model}) did not finish within ${timeoutMs / 1000} s.`,
    fix: 'Raise execution.manager_timeout if it was only slow; `check` shows whether the API can be reached.',
  };
}

/** The failure of a reply that was cut off because it became too long. */
export function truncated(model: string): Failure {
  return {
    reason: 'plan-invalid',
    message: `The reply of the manager (${model}) was cut off at its greatest length.`,
    fix: 'Ask for less at once: a smaller --num-tasks, or the PRD in parts.',
  };
}

/** The failure of a request that the model declined. */
export function refused(model: string): Failure {
  return {
    reason: 'plan-invalid',
    message: `The manager (${model}) declined to answer.`,
    fix: 'Reword the text, or set models.manager.model to another model.',
  };
}

/** The failure of a reply that does not have the required form. */
export function wrongForm(model: string, problems: readonly string[]): Failure {
  const listed = problems.slice(0, 5).join('; ');
  return {
    reason: 'plan-invalid',
    message: `The reply of the manager (${model}) does not have the required form: ${listed}`,
  };
}
