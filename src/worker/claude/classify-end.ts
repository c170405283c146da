import { emptyEnd, type AttemptEnd, type WorkerReport } from '../../domain/attempt.ts';
import { singleLine } from '../../domain/text/printable.ts';
import { classifyApiError, type ApiFailure, type Cause } from './classify-api-error.ts';
import { listDenials } from './denials.ts';
import { parseReport } from './report.ts';
import type { ResultLine } from './stream-json.ts';
import type { TranscriptFacts } from './transcript.ts';

/** Why the process is gone: it ended by itself, or we ended it. */
export type EndedBy = 'itself' | 'timed-out' | 'stalled' | 'looping' | 'aborted' | 'after-result';

/** Everything that is known about a CLI process that is gone. */
export interface ProcessEnd {
  readonly transcript: TranscriptFacts;
  /** The last part of what it wrote to stderr. */
  readonly stderr: string;
  /** Null if it is not known, as for a process that another orchestrator started. */
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly endedBy: EndedBy;
  /** The model that was requested. */
  readonly model: string;
  readonly timeoutMs: number;
  readonly stallMs: number;
}

/** The result of a process: a report of work that must still be verified, or the attempt's end. */
export type SessionResult =
  | { readonly kind: 'reported'; readonly report: WorkerReport; readonly end: AttemptEnd }
  | { readonly kind: 'ended'; readonly end: AttemptEnd }
  /** The session to resume does not exist, or the session to start exists already. The caller then starts or resumes it instead. */
  | { readonly kind: 'session-unknown' | 'session-exists'; readonly end: AttemptEnd };

const MAX_MESSAGE = 600;

/** Decides how a process of the CLI ended, never by its exit code, its `subtype` or its words alone. */
export function classifyEnd(end: ProcessEnd): SessionResult {
  const { result } = end.transcript;
  const report = parseReport(result?.structured_output);
  const ended = (cause: Cause): AttemptEnd => attemptEnd(end, cause, report ?? null);

  const unknownSession = result?.errors?.some((error) => error.startsWith('No conversation found'));
  if (unknownSession === true || end.stderr.includes('No conversation found with session ID'))
    return { kind: 'session-unknown', end: ended({ outcome: 'infrastructure', message: firstError(end) }) };
  if (result === null && /Session ID \S+ is already in use/.test(end.stderr))
    return { kind: 'session-exists', end: ended({ outcome: 'infrastructure', message: firstError(end) }) };

  const stopped = stoppedByUs(end);
  if (stopped !== undefined) return { kind: 'ended', end: ended(stopped) };
  if (result === null) return { kind: 'ended', end: ended(withoutResult(end)) };
  if (isError(result)) return { kind: 'ended', end: ended(failedResult(end, result)) };
  if (report === undefined) return { kind: 'ended', end: ended(withoutReport(result)) };
  if (report.status === 'blocked') return { kind: 'ended', end: ended(blocked(result, report)) };
  const outcome = report.status === 'completed' ? 'landed' : 'no-change';
  return { kind: 'reported', report, end: ended({ outcome, message: '' }) };
}

function attemptEnd(
  { transcript, exitCode, signal }: ProcessEnd,
  { outcome, message, resetsAt = null, outage = false }: Cause,
  report: WorkerReport | null,
): AttemptEnd {
  return {
    ...emptyEnd(outcome, singleLine(message, MAX_MESSAGE)),
    usage: transcript.usage,
    report,
    denials: listDenials(transcript.result?.permission_denials ?? []),
    turns: transcript.result?.num_turns ?? null,
    exitCode,
    signal,
    resetsAt,
    outage,
    contextTokens: transcript.contextTokens,
  };
}

/** If we ended the process, the reason for that decides, unless the work was finished by then. */
function stoppedByUs({ endedBy, transcript, timeoutMs, stallMs }: ProcessEnd): Cause | undefined {
  if (endedBy === 'aborted') return { outcome: 'cancelled', message: 'Stopped before it was finished.' };
  if (transcript.result !== null && !transcript.workedAfterResult) return undefined;
  if (endedBy === 'timed-out')
    return {
      outcome: 'timed-out',
      message: `Not finished after ${duration(timeoutMs)} (execution.worker_timeout).`,
    };
  if (endedBy === 'stalled')
    return {
      outcome: 'stalled',
      message: `No sign of life for ${duration(stallMs)} (execution.stall_timeout).`,
    };
  if (endedBy === 'looping')
    return { outcome: 'looping', message: transcript.loop ?? 'It went round in circles.' };
  return undefined;
}

function withoutResult(end: ProcessEnd): Cause {
  const { transcript, exitCode, signal } = end;
  if (transcript.apiError !== null) return classifyApiError(toApiFailure(end, null));
  if (transcript.oversizedLine > 0)
    return {
      outcome: 'crashed',
      message: `Its output has no readable result: one line of ${Math.round(transcript.oversizedLine / 2 ** 20)} MB is longer than can be read.`,
    };
  if (/prompt is too long|exceeds 10MB/i.test(end.stderr))
    return { outcome: 'prompt-too-long', message: firstError(end) };
  if (/not logged in|please run \/login|invalid api key/i.test(end.stderr))
    return { outcome: 'unauthenticated', message: firstError(end) };
  const option = explainUnknownOption(end.stderr);
  if (option !== undefined) return { outcome: 'infrastructure', message: option };
  if (!transcript.started && signal === null)
    return { outcome: 'infrastructure', message: `The Claude CLI did not start: ${firstError(end)}` };
  const how =
    signal !== null
      ? `by ${signal} from outside${signal === 'SIGKILL' ? ' (out of memory?)' : ''}`
      : exitCode === null
        ? 'together with the orchestrator'
        : `with exit code ${exitCode}`;
  const isSilent = transcript.usage.length === 0;
  const outcome =
    exitCode === null && signal === null ? 'cancelled' : isSilent ? 'infrastructure' : 'crashed';
  const why = end.stderr.trim() === '' ? '.' : `: ${firstError(end)}`;
  // If the model had not even begun, the task is not to blame.
  return {
    outcome,
    message: `The Claude CLI ended ${how} ${isSilent ? 'before the model said anything' : 'and left no result'}${why}`,
  };
}

function toApiFailure({ transcript, model }: ProcessEnd, result: ResultLine | null): ApiFailure {
  return { error: transcript.apiError, result, rateLimit: transcript.rateLimit, model };
}

/** Without the flag the subtype decides, so that a changed format never counts as a success. */
function isError(result: ResultLine): boolean {
  return result.is_error ?? result.subtype !== 'success';
}

function failedResult(end: ProcessEnd, result: ResultLine): Cause {
  if (result.terminal_reason?.startsWith('aborted_') === true)
    return { outcome: 'cancelled', message: 'The Claude CLI was interrupted from outside.' };
  switch (result.subtype) {
    case 'error_max_turns':
      return {
        outcome: 'timed-out',
        message: `${firstError(end)}: not finished within execution.max_turns.`,
      };
    case 'error_max_budget_usd':
      return { outcome: 'over-budget', message: firstError(end) };
    case 'error_max_structured_output_retries':
      return { outcome: 'crashed', message: 'The worker gave no valid report, in every try it had.' };
    case 'success':
      return classifyApiError(toApiFailure(end, result));
    case undefined:
    default:
      return { outcome: 'crashed', message: `The Claude CLI failed: ${firstError(end)}` };
  }
}

function withoutReport(result: ResultLine): Cause {
  const denied = listDenials(result.permission_denials ?? []);
  if (denied.length > 0)
    return {
      outcome: 'permission-denied',
      message: `It ended without a report after tools were denied; allow ${denied.map(({ rule }) => rule).join(', ')}.`,
    };
  const words = result.result ?? '';
  return {
    outcome: 'crashed',
    message: `The worker ended without a report${words === '' ? '.' : `; its last words: ${words}`}`,
  };
}

function blocked(result: ResultLine, { summary }: WorkerReport): Cause {
  const denied = listDenials(result.permission_denials ?? []);
  if (denied.length === 0) return { outcome: 'refused', message: `The worker is blocked: ${summary}` };
  return {
    outcome: 'permission-denied',
    message: `The worker is blocked: ${summary} Denied: ${denied.map(({ rule }) => rule).join(', ')}.`,
  };
}

/** What to do if the CLI rejected an option of ours or the user's. Undefined if it accepted them all. */
export function explainUnknownOption(stderr: string): string | undefined {
  const option = /^error: unknown option '(--?[\w-]+)/m.exec(stderr)?.[1];
  if (option === undefined) return undefined;
  return `The Claude CLI does not know the option ${option}: it is too old (run \`claude update\`), or the option stands in claude_cli.flags by mistake.`;
}

/** The CLI's own sentence about its failure. */
function firstError({ transcript: { result }, stderr }: ProcessEnd): string {
  const text = result?.errors?.[0] ?? result?.result ?? '';
  if (text !== '') return text;
  const lines = stderr.split('\n').filter((line) => line.trim() !== '');
  return lines.find((line) => /error/i.test(line)) ?? lines.at(-1) ?? 'it gave no reason';
}

function duration(ms: number): string {
  return ms >= 120_000 ? `${Math.round(ms / 60_000)} min` : `${Math.round(ms / 100) / 10} s`;
}
