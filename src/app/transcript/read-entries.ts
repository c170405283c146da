import { z } from 'zod';
import type { WorkerReport } from '../../domain/attempt.ts';
import type { SplitLine } from '../../domain/text/line-splitter.ts';
import { parseJson } from '../../domain/text/parse-json.ts';
import { describeAction } from '../../worker/claude/progress.ts';
import { parseReport } from '../../worker/claude/report.ts';
import {
  type AssistantLine,
  parseStreamLine,
  type RateLimitLine,
  type ResultLine,
} from '../../worker/claude/stream-json.ts';
import type { TranscriptEntry } from '../contract/logs.ts';

/** The tool through which the CLI receives the worker's report. */
const REPORT_TOOL = 'StructuredOutput';

/** Turns the lines of one transcript into entries. It only remembers the names of calls that have no result yet. */
export class EntryReader {
  readonly #calls = new Map<string, string>();
  /** A report that the worker gave and the CLI has not accepted yet. The CLI may refuse it, or be killed before. */
  #report: WorkerReport | undefined;

  /** The entries of a line, most often one. */
  read(line: SplitLine): TranscriptEntry[] {
    if (line.kind === 'oversized')
      return [{ type: 'note', text: `A line of ${line.byteLength} bytes is too long to be shown.` }];
    const answer = parseUserLine(line.bytes);
    if (answer !== undefined) return answer.flatMap((entry) => this.#named(entry));
    const entry = parseStreamLine(line.bytes);
    switch (entry.kind) {
      case 'assistant':
        return this.#assistant(entry.line);
      case 'api-retry':
        return [{ type: 'retry', text: describeAction(entry, '') ?? '' }];
      case 'rate-limit':
        return limitReached(entry.line);
      case 'result':
        return this.#result(entry.line);
      case 'garbage': {
        const text = line.bytes.toString('utf8');
        return text.trim() === '' ? [] : [{ type: 'note', text }];
      }
      case 'init':
      case 'stream-event':
      case 'tool-progress':
      case 'other':
        return [];
    }
  }

  /** The entries that remain after the last line. */
  end(): TranscriptEntry[] {
    return this.#reported(this.#report);
  }

  #assistant({ message, parent_tool_use_id, is_api_error_message }: AssistantLine): TranscriptEntry[] {
    const agent = parent_tool_use_id ?? null;
    return (message.content ?? []).flatMap(({ type, text, id, name, input }): TranscriptEntry[] => {
      if (type === 'text' && text !== undefined && text.trim() !== '')
        return [is_api_error_message === true ? { type: 'error', text } : { type: 'text', agent, text }];
      if (type !== 'tool_use' || name === undefined) return [];
      if (id !== undefined) this.#calls.set(id, name);
      const report = name === REPORT_TOOL ? parseReport(input) : undefined;
      if (report === undefined) return [{ type: 'tool', agent, id: id ?? null, name, input: input ?? {} }];
      this.#report = report;
      return [];
    });
  }

  /** Adds the tool's name to its result. An accepted report is an entry of its own, so its result is left out. */
  #named(entry: TranscriptEntry): TranscriptEntry[] {
    if (entry.type !== 'result') return [entry];
    const name = (entry.id === null ? undefined : this.#calls.get(entry.id)) ?? null;
    if (entry.id !== null) this.#calls.delete(entry.id);
    return name === REPORT_TOOL && !entry.failed ? [] : [{ ...entry, name }];
  }

  #result({ is_error, subtype, result, errors, structured_output }: ResultLine): TranscriptEntry[] {
    const report = parseReport(structured_output);
    if (is_error !== true) return this.#reported(report ?? this.#report);
    const text = errors?.join('\n') ?? result ?? subtype ?? '';
    return [...this.#reported(report), ...(text === '' ? [] : [{ type: 'error', text } as const])];
  }

  #reported(report: WorkerReport | undefined): TranscriptEntry[] {
    this.#report = undefined;
    return report === undefined ? [] : [{ type: 'report', report }];
  }
}

function limitReached({ rate_limit_info: info }: RateLimitLine): TranscriptEntry[] {
  if (info.status !== 'rejected') return [];
  const which = info.rateLimitType === undefined ? '' : ` (${info.rateLimitType.replaceAll('_', ' ')})`;
  const reset = new Date((info.resetsAt ?? NaN) * 1000);
  const until = Number.isNaN(reset.getTime()) ? '' : `, resets at ${reset.toISOString()}`;
  return [{ type: 'error', text: `Usage limit reached${which}${until}.` }];
}

const block = z.object({
  type: z.string(),
  text: z.string().optional().catch(undefined),
});
const content = z.union([z.string(), z.array(block)]).catch('');

const userLine = z.object({
  type: z.literal('user'),
  parent_tool_use_id: z.string().nullish().catch(null),
  message: z.object({
    content: z.union([
      z.string(),
      z.array(
        z.object({
          type: z.string(),
          text: z.string().optional().catch(undefined),
          tool_use_id: z.string().optional().catch(undefined),
          is_error: z.boolean().optional().catch(undefined),
          content: content.optional(),
        }),
      ),
    ]),
  }),
});

const BEGINNING = '{"type":"user"';

/** What the CLI told the model: results of tools, and its own notes. Undefined if the line is of another kind. */
function parseUserLine(bytes: Buffer): TranscriptEntry[] | undefined {
  if (bytes.toString('latin1', 0, BEGINNING.length) !== BEGINNING) return undefined;
  const parsed = userLine.safeParse(parseJson(bytes.toString('utf8')));
  if (!parsed.success) return undefined;
  const { message, parent_tool_use_id } = parsed.data;
  if (typeof message.content === 'string') return note(message.content);
  return message.content.flatMap((part): TranscriptEntry[] => {
    if (part.type === 'text') return note(part.text ?? '');
    if (part.type !== 'tool_result') return [];
    return [
      {
        type: 'result',
        agent: parent_tool_use_id ?? null,
        id: part.tool_use_id ?? null,
        name: null,
        failed: part.is_error === true,
        text: textOf(part.content ?? ''),
      },
    ];
  });
}

function note(text: string): TranscriptEntry[] {
  return text.trim() === '' ? [] : [{ type: 'note', text }];
}

/** Parts that are not text, such as pictures, are only named. */
function textOf(content: string | readonly z.infer<typeof block>[]): string {
  if (typeof content === 'string') return content;
  return content.map(({ type, text }) => (type === 'text' ? (text ?? '') : `[${type}]`)).join('\n');
}
