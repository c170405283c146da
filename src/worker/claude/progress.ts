import type { WorkerProgress } from '../../domain/event.ts';
import { totalCost, NO_TOKENS, type ModelUsage, type Tokens } from '../../domain/attempt.ts';
import { singleLine } from '../../domain/text/printable.ts';
import { findSubject } from '../../domain/text/tool-subject.ts';
import type { ApiRetryLine, StreamLine } from './stream-json.ts';

const MAX_LENGTH = 120;

/** Describes what a worker in this directory is doing, by a line of the stream. Undefined if the line says nothing new. */
export function describeAction(entry: StreamLine, directory: string): string | undefined {
  switch (entry.kind) {
    case 'init':
      return 'starting';
    case 'assistant':
      return entry.line.is_api_error_message === true
        ? undefined
        : assistantAction(entry.line.message.content, directory);
    case 'stream-event':
      return entry.line.event.type === 'message_start' ? 'thinking' : undefined;
    case 'api-retry':
      return retryAction(entry.line);
    case 'result':
      return 'reporting';
    case 'rate-limit':
    case 'tool-progress':
    case 'other':
    case 'garbage':
      return undefined;
  }
}

/** The progress to show, from an action and what was used so far. */
export function toProgress(action: string, usage: readonly ModelUsage[]): WorkerProgress {
  return {
    action,
    tokens: usage.reduce(addTokens, NO_TOKENS),
    costUsd: totalCost(usage),
  };
}

interface Block {
  readonly type: string;
  readonly name?: string | undefined;
  readonly input?: Record<string, unknown> | undefined;
}

function assistantAction(content: readonly Block[] | undefined, directory: string): string | undefined {
  const call = content?.findLast((block) => block.type === 'tool_use');
  if (call?.name === undefined)
    return content?.some((block) => block.type === 'text') ? 'thinking' : undefined;
  if (call.name === 'StructuredOutput') return 'reporting';
  return singleLine(`${call.name} ${findSubject(call.input ?? {}, directory)?.value ?? ''}`, MAX_LENGTH);
}

function retryAction({ attempt, max_retries, error_status, error }: ApiRetryLine): string {
  const cause = error_status ?? error ?? 'no connection';
  const count =
    attempt === undefined || max_retries === undefined ? '' : `, try ${attempt} of ${max_retries}`;
  return singleLine(
    `waiting for the API (${cause === 'unknown' ? 'no connection' : cause}${count})`,
    MAX_LENGTH,
  );
}

function addTokens(sum: Tokens, usage: ModelUsage): Tokens {
  return {
    input: sum.input + usage.input,
    output: sum.output + usage.output,
    cacheRead: sum.cacheRead + usage.cacheRead,
    cacheWrite: sum.cacheWrite + usage.cacheWrite,
  };
}
