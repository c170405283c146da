import { z } from 'zod';

const blockSchema = z.looseObject({ type: z.string(), text: z.string().optional() });
const contentSchema = z.union([z.string(), z.array(blockSchema)]);

/** The parts of a request to `/v1/messages` that a reply can depend on. Everything else is not checked. */
const requestSchema = z.looseObject({
  model: z.string().min(1),
  messages: z.array(z.looseObject({ role: z.string(), content: contentSchema })).min(1),
  system: contentSchema.optional(),
  tools: z.array(z.looseObject({ name: z.string().optional(), type: z.string().optional() })).optional(),
  stream: z.boolean().optional(),
  output_config: z.looseObject({ format: z.looseObject({ type: z.string() }).nullish() }).nullish(),
});

type Content = z.output<typeof contentSchema>;
type Message = z.output<typeof requestSchema>['messages'][number];

/** The kind of caller. */
export type Role = 'manager' | 'worker' | 'housekeeping';

/** A request, as rules see it. */
export interface Conversation {
  readonly model: string;
  readonly role: Role;
  readonly streaming: boolean;
  readonly tools: readonly string[];
  readonly system: string;
  /** The text of each user message, in order, without tool results. */
  readonly userTexts: readonly string[];
  /** The texts of the tool results in the newest message. */
  readonly newestResults: readonly string[];
  /** The caller's working directory, if the request states it; else `.`. */
  readonly cwd: string;
  /** Whether the caller wants its prompt cached. */
  readonly caches: boolean;
  /** Size of the request, in bytes. */
  readonly bytes: number;
  /** Counts the assistant messages since the newest user message with one of `texts`; all of them without `texts`. */
  turn(texts: readonly string[]): number;
}

/** Reads the body of a request. An error is a sentence like one of the API. */
export function readConversation(
  body: string,
  userAgent: string,
): { ok: true; value: Conversation } | { ok: false; error: string } {
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch {
    return { ok: false, error: 'The request body is not valid JSON.' };
  }
  const parsed = requestSchema.safeParse(json);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    return { ok: false, error: `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'invalid'}` };
  }
  const { model, messages, system, tools = [], stream } = parsed.data;
  const names = tools.map((tool) => tool.name ?? tool.type ?? '');
  const systemText = [
    texts(system ?? ''),
    ...messages.filter(isSystem).map((message) => texts(message.content)),
  ]
    .flat()
    .join('\n');
  return {
    ok: true,
    value: {
      model,
      role: roleOf(names, userAgent),
      streaming: stream === true,
      tools: names,
      system: systemText,
      userTexts: messages.filter(isUser).map((message) => texts(message.content).join('\n')),
      newestResults: results(messages.findLast(isUser)?.content ?? ''),
      cwd: workingDirectory(systemText),
      caches: body.includes('"cache_control"'),
      bytes: Buffer.byteLength(body),
      turn: (wanted) => turnSince(messages, wanted),
    },
  };
}

const isUser = (message: Message): boolean => message.role === 'user';
const isSystem = (message: Message): boolean => message.role === 'system';

function texts(content: Content): string[] {
  if (typeof content === 'string') return [content];
  return content.flatMap((block) => (block.type === 'text' && block.text !== undefined ? [block.text] : []));
}

function results(content: Content): string[] {
  if (typeof content === 'string') return [];
  return content
    .filter((block) => block.type === 'tool_result')
    .map((block) => {
      const inner = contentSchema.safeParse(block['content']);
      return inner.success ? texts(inner.data).join('\n') : '';
    });
}

const CHANGES_FILES = ['Bash', 'Edit', 'Write', 'NotebookEdit'];

function roleOf(tools: readonly string[], userAgent: string): Role {
  if (tools.some((name) => CHANGES_FILES.includes(name))) return 'worker';
  const hasNoTools = tools.every((name) => name === 'web_search');
  return userAgent.startsWith('claude-cli') && hasNoTools ? 'housekeeping' : 'manager';
}

/** The CLI states its directory at the start, and again whenever a resumed session runs in another directory. */
function workingDirectory(system: string): string {
  const told = [...system.matchAll(/(?:Primary working directory|CWD): (.+?)(?: \(was .*\))?$/gm)].at(-1);
  return told?.[1] ?? '.';
}

function turnSince(messages: readonly Message[], wanted: readonly string[]): number {
  const start = messages.findLastIndex(
    (message) =>
      isUser(message) && wanted.some((text) => texts(message.content).some((own) => own.includes(text))),
  );
  return messages.slice(start + 1).filter((message) => message.role === 'assistant').length;
}
