import type { Failure } from '../../domain/failure.ts';
import { explainUnknownOption } from '../../worker/claude/classify-end.ts';
import { readLimitReset, readMessageText } from '../../worker/claude/stream-json.ts';
import type { TranscriptFacts } from '../../worker/claude/transcript.ts';
import { apiFailure, modelUnavailable, refused, truncated, usageLimited } from '../api-failure.ts';

/** The API's error types by the CLI's names for them. */
const API_TYPES: Readonly<Record<string, string>> = {
  authentication_failed: 'authentication_error',
  billing_error: 'billing_error',
  rate_limit: 'rate_limit_error',
};

/** Why a CLI that ran gave no reply. It says so in its result, in a message in place of the model's, or on stderr. */
export function cliFailure(facts: TranscriptFacts, model: string, payer: string, stderr: string): Failure {
  const { result, apiError, rateLimit } = facts;
  const text = result?.result ?? result?.errors?.join('; ') ?? readMessageText(apiError);
  if (result === null && apiError === null) return died(stderr);
  if (result?.api_error === 'usage_limit_reached')
    return usageLimited(payer, text, readLimitReset(apiError, rateLimit) ?? undefined);
  if (apiError?.error === 'model_not_found') return modelUnavailable(model, text);
  if (result?.stop_reason === 'refusal') return refused(model);
  if (result?.api_error === 'max_output_tokens') return truncated(model);
  if (result?.subtype === 'error_max_structured_output_retries') {
    return {
      reason: 'plan-invalid',
      message: `The manager (${model}) failed several times to reply in the required form.`,
      fix: 'Try again, or set models.manager.model to another model.',
    };
  }
  if (['prompt_too_long', 'blocking_limit'].includes(result?.terminal_reason ?? '')) {
    return {
      reason: 'prd-too-large',
      message: `The manager's prompt does not fit into ${model} (${text}).`,
      fix: 'Shorten the text or split it.',
    };
  }
  return apiFailure(
    {
      status: result?.api_error_status ?? apiError?.api_error_status ?? undefined,
      type: API_TYPES[apiError?.error ?? ''],
      message: text === '' ? 'the Claude CLI gave no reason' : text,
      retryAfterMs: undefined,
      resetsAt: undefined,
    },
    model,
    payer,
  );
}

/** Why no process was started. `code` is the operating system's. */
export function notStarted(command: string, directory: string, code: string | undefined): Failure {
  return {
    reason: 'cli-missing',
    message: `The Claude CLI "${command}" could not be started in ${directory} (${code ?? 'unknown error'}).`,
    fix: 'Install it with `npm install -g @anthropic-ai/claude-code`, or name it in claude_cli.command.',
  };
}

function died(stderr: string): Failure {
  const said = stderr.trim();
  return {
    reason: 'manager-unavailable',
    message:
      explainUnknownOption(said) ?? `The Claude CLI ended without a result${said === '' ? '.' : `: ${said}`}`,
    fix: 'Run `check`; it looks at the CLI, its version and its login.',
  };
}
