import { zodOutputFormat } from '@anthropic-ai/sdk/helpers/zod';
import type {
  Message,
  MessageParam,
  MessageStreamParams,
} from '@anthropic-ai/sdk/resources/messages/messages';
import { type ModelUsage, sumUsage } from '../../domain/attempt.ts';
import type { Failure } from '../../domain/failure.ts';
import { err, ok, type Result } from '../../domain/result.ts';
import { refused, truncated, wrongForm } from '../api-failure.ts';
import { describeKey } from '../choose-manager.ts';
import type { Answer, Manager, Question, ManagerFailure } from '../manager.ts';
import { CONTINUATION, buildCorrection } from '../prompts.ts';
import { BYTES_PER_TOKEN } from '../record-calls.ts';
import { joinParts, readReply } from '../reply/read-reply.ts';
import { type Deadline, callWithRetries, type SdkConnection, streamMessage } from './exchange.ts';
import { resolveModel, type ResolvedModel } from './models.ts';

/** The maximum length of a reply, in tokens: enough for 300 tasks with their details. */
const MAX_REPLY_TOKENS = 64_000;

const MAX_WEB_SEARCHES = 8;

/** How often a reply is continued that the API paused during its searches. */
const MAX_CONTINUATIONS = 5;

/** How often a reply is continued that was cut at the maximum length. Each part of it costs money. */
const MAX_CUTS = 3;

/** Creates a manager that uses the Messages API. Looks its model up once, and fails if it cannot be used. */
export async function createSdkManager(
  connection: SdkConnection,
  modelName: string,
  signal: AbortSignal,
): Promise<Result<Manager, Failure>> {
  const deadline = { at: performance.now() + connection.timeoutMs, signal };
  const found = await resolveModel(connection, modelName, deadline);
  if (!found.ok) return found;
  const model = found.value;
  const replyTokens = Math.min(model.maxOutput, MAX_REPLY_TOKENS);
  const id = model.id === modelName ? '' : model.id;
  const notes = [id, model.note].filter((note) => note !== '').join(', ');
  return ok({
    description: `${modelName}${notes === '' ? '' : ` (${notes})`} via ${describeKey(connection.apiKey)}`,
    maxPromptBytes: Math.floor((model.maxInput - replyTokens) * BYTES_PER_TOKEN),
    ask: (question, abort) => ask(connection, model, replyTokens, question, abort),
  });
}

async function ask<T>(
  connection: SdkConnection,
  model: ResolvedModel,
  replyTokens: number,
  question: Question<T>,
  signal: AbortSignal,
): Promise<Result<Answer<T>, ManagerFailure>> {
  const startedAt = performance.now();
  const deadline = { at: startedAt + connection.timeoutMs, signal };
  const spent: ModelUsage[] = [];
  const reply = await converse(connection, toParams(model, replyTokens, question), deadline, spent);
  const cost = { usage: sumUsage(spent), durationMs: Math.round(performance.now() - startedAt) };
  if (!reply.ok) return err({ ...cost, failure: reply.error });

  const last = reply.value.at(-1);
  if (last?.stop_reason === 'refusal') return err({ ...cost, failure: refused(model.id) });
  if (last?.stop_reason !== 'end_turn' && last?.stop_reason !== 'stop_sequence') {
    return err({ ...cost, failure: truncated(model.id), fragment: textOf(reply.value) });
  }
  const text = textOf(reply.value);
  const read = readReply(question, { text });
  if (read.ok) {
    const cut = reply.value.some(isTruncated)
      ? ['The reply: it was cut at its greatest length and went on.']
      : [];
    const { value, notes } = read.value;
    return ok({ ...cost, value, text, notes: [...cut, ...notes], sources: sourcesOf(reply.value) });
  }
  const problems = read.error;
  return err({
    ...cost,
    failure: wrongForm(model.id, problems),
    invalid: { reply: text, problems },
  });
}

/** Asks, and lets the API continue if it paused or broke off. Returns the messages of one reply. */
async function converse(
  connection: SdkConnection,
  params: MessageStreamParams,
  deadline: Deadline,
  spent: ModelUsage[],
): Promise<Result<Message[], Failure>> {
  const replies: Message[] = [];
  const said: MessageParam[] = [];
  const { output_config: form, ...rest } = params;
  let isWhole = true;
  for (let turn = 0; turn <= MAX_CONTINUATIONS; turn++) {
    const request = {
      ...rest,
      messages: [...params.messages, ...said],
      ...(isWhole && form !== undefined ? { output_config: form } : {}),
    };
    const reply = await callWithRetries(connection, params.model, deadline, (client, watchdog) =>
      streamMessage(client, watchdog, request, spent),
    );
    if (!reply.ok) return reply;
    replies.push(reply.value);
    const { content, stop_reason: reason } = reply.value;
    if (reason !== 'pause_turn' && !isTruncated(reply.value)) break;
    if (content.length === 0 || replies.filter(isTruncated).length > MAX_CUTS) break;
    said.push({ role: 'assistant', content });
    if (reason === 'pause_turn') continue;
    said.push({ role: 'user', content: CONTINUATION });
    // The missing part of a reply does not have the form of a whole one.
    isWhole = false;
  }
  return ok(replies);
}

function toParams<T>(model: ResolvedModel, replyTokens: number, question: Question<T>): MessageStreamParams {
  const { system, prompt, schema, correction, research } = question;
  const messages: MessageParam[] = [{ role: 'user', content: prompt }];
  if (correction !== undefined) {
    // The API does not accept an empty message.
    const reply = correction.reply.trim() === '' ? '(no reply)' : correction.reply.trimEnd();
    messages.push({ role: 'assistant', content: reply });
    messages.push({ role: 'user', content: buildCorrection(correction.problems) });
  }
  const { type, schema: form } = zodOutputFormat(schema);
  return {
    model: model.id,
    max_tokens: replyTokens,
    system: [{ type: 'text', text: system, cache_control: { type: 'ephemeral' } }],
    messages,
    output_config: { format: { type, schema: form } },
    ...(research === true
      ? { tools: [{ type: 'web_search_20250305', name: 'web_search', max_uses: MAX_WEB_SEARCHES }] }
      : {}),
  };
}

function isTruncated({ stop_reason: reason }: Message): boolean {
  return reason === 'max_tokens';
}

/** The text of the last message, together with the cut messages that it continues. */
function textOf(replies: readonly Message[]): string {
  const whole = replies.findLastIndex(
    (message, index) => index < replies.length - 1 && !isTruncated(message),
  );
  return joinParts(replies.slice(whole + 1).map(finalText));
}

/** The text after the last search. What comes before it are remarks between searches. */
function finalText({ content }: Message): string {
  const lastTool = content.findLastIndex(({ type }) => type === 'web_search_tool_result');
  return content
    .slice(lastTool + 1)
    .map((block) => (block.type === 'text' ? block.text : ''))
    .join('');
}

/** What the reply cites or, if it cites nothing, everything that the searches found. */
function sourcesOf(replies: readonly Message[]): string[] {
  const blocks = replies.flatMap(({ content }) => content);
  const cited = blocks.flatMap((block) =>
    block.type === 'text'
      ? (block.citations ?? []).flatMap((citation) =>
          citation.type === 'web_search_result_location' ? [citation.url] : [],
        )
      : [],
  );
  const found = blocks.flatMap((block) =>
    block.type === 'web_search_tool_result' && Array.isArray(block.content)
      ? block.content.map(({ url }) => url)
      : [],
  );
  return [...new Set(cited.length > 0 ? cited : found)];
}
