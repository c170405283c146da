import { z } from 'zod';
import type { TranscriptEntry } from '../contract/logs.ts';

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

/** What the CLI told the model: results of tools, and notes of its own. Undefined if the line is of another kind. */
export function parseUserLine(bytes: Buffer): TranscriptEntry[] | undefined {
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

/** Pictures and the like are only named. */
function textOf(content: string | readonly z.infer<typeof block>[]): string {
  if (typeof content === 'string') return content;
  return content.map(({ type, text }) => (type === 'text' ? (text ?? '') : `[${type}]`)).join('\n');
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
