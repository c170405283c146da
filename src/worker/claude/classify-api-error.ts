import type { AttemptOutcome } from '../../domain/outcome.ts';
import { parseSpendingReset } from '../../domain/usage-limit.ts';
import {
  readLimitReset,
  readMessageText,
  type AssistantLine,
  type RateLimitInfo,
  type ResultLine,
} from './stream-json.ts';

/** Why an attempt ended: its outcome and a sentence about it. */
export interface Cause {
  readonly outcome: AttemptOutcome;
  readonly message: string;
  readonly resetsAt?: number | null;
  /** True if the API or the network failed, as it would have for any other task. */
  readonly outage?: boolean;
}

/** What the CLI reported about an error of the API, the network or the login. */
export interface ApiFailure {
  /** The CLI's message in place of the model's. */
  readonly error: AssistantLine | null;
  /** The last result, if there was one. */
  readonly result: ResultLine | null;
  readonly rateLimit: RateLimitInfo | null;
  /** The model that was requested. */
  readonly model: string;
}

/** Decides what an error of the API, the network or the login means for the attempt. */
export function classifyApiError({ error, result, rateLimit, model }: ApiFailure): Cause {
  const kind = error?.error ?? '';
  const status = result?.api_error_status ?? error?.api_error_status ?? null;
  const apiError = result?.api_error ?? '';
  const reason = result?.terminal_reason ?? '';
  const text = result?.result ?? readMessageText(error);

  if (apiError === 'usage_limit_reached' || isUsageLimit(error))
    return { outcome: 'usage-limited', message: text, resetsAt: readLimitReset(error, rateLimit) };
  const regained = parseSpendingReset(text);
  if (regained !== undefined) return { outcome: 'usage-limited', message: text, resetsAt: regained };
  if (kind === 'billing_error' || status === 402 || /credit balance is too low/i.test(text))
    return {
      outcome: 'unauthenticated',
      message: `${text}: the API account has no credit left; add some, or use another key or a subscription.`,
    };
  if (kind === 'authentication_failed' || status === 401 || status === 403)
    return { outcome: 'unauthenticated', message: text };
  if (kind === 'model_not_found' || status === 404)
    return {
      outcome: 'model-unavailable',
      message: `The API has no model "${model}" for this account (models.worker.model). ${text}`,
    };
  if (
    ['prompt_too_long', 'blocking_limit', 'image_error'].includes(reason) ||
    status === 413 ||
    /prompt is too long/i.test(text)
  )
    return { outcome: 'prompt-too-long', message: text };
  if (result?.stop_reason === 'refusal') return { outcome: 'refused', message: `The model refused: ${text}` };
  if (apiError === 'max_output_tokens')
    return { outcome: 'crashed', message: `The model's reply was too long, several times: ${text}` };
  if (isOutage(kind, status, apiError)) return { outcome: 'infrastructure', message: text, outage: true };
  if (status !== null && status >= 400 && status < 500)
    return { outcome: 'refused', message: `The API refused the request: ${text}` };
  return {
    outcome: 'crashed',
    message: `The Claude CLI failed: ${text === '' ? 'it gave no reason' : text}`,
  };
}

/** Throttling, an overloaded or broken server, or no connection. None of them is caused by the task. */
function isOutage(kind: string, status: number | null, apiError: string): boolean {
  if (status !== null) return status === 408 || status === 429 || status >= 500;
  return (
    kind === 'server_error' ||
    kind === 'rate_limit' ||
    kind === 'unknown' ||
    apiError === 'connection_failed' ||
    apiError === 'stream_idle_timeout'
  );
}

function isUsageLimit(error: AssistantLine | null): boolean {
  return error?.api_error_params?.rate_limit_info?.resetsAt !== undefined && error.error === 'rate_limit';
}
