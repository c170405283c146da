import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { fail } from '../domain/failure.ts';

const text = z.string().min(1);
const count = z.int().min(0);
const milliseconds = z.number().min(0).max(3_600_000);

/** Which requests a rule answers. Every given condition must hold. */
const conditionSchema = z.strictObject({
  /**
   * `worker` may change files and `manager` may not; `housekeeping` is what the Claude CLI asks besides its main
   * loop.
   */
  role: z.enum(['manager', 'worker', 'housekeeping']).optional(),
  /** Part of the model's id. */
  model: text.optional(),
  /** Text that a user message (without tool results) contains, or several texts that must all be there. */
  contains: z.union([text, z.array(text).min(1)]).optional(),
  /** Text that no user message contains. */
  lacks: z.union([text, z.array(text).min(1)]).optional(),
  /** Text that the system prompt contains. */
  system: text.optional(),
  /** Text that one of the newest tool results contains. */
  result: text.optional(),
  /** The name of a tool that the request offers. */
  tool: text.optional(),
  /**
   * The number of assistant messages since the newest user message with one of `contains`; of all, without
   * `contains`.
   */
  turn: count.optional(),
  /** Only this one, counted from 1, of the requests that all other conditions fit. */
  nth: z.int().min(1).optional(),
});

const usageSchema = z.strictObject({
  input: count.default(0),
  output: count.default(0),
  cacheRead: count.default(0),
  cacheWrite: count.default(0),
  cacheWrite1h: count.default(0),
});

/**
 * When a limit resets: in seconds from the reply, or at this Unix time in seconds, whatever that is. For a rule that
 * applies for a limited time it counts from the first reply, since a window's reset does not move.
 */
const reset = { resetIn: z.number().optional(), resetAt: z.number().optional() };

const limitStatus = z.enum(['allowed', 'allowed_warning', 'rejected']);

/** One usage window of a subscription. */
const windowSchema = z.strictObject({
  utilization: z.number().min(0),
  ...reset,
  status: limitStatus.default('allowed'),
  surpassedThreshold: z.number().optional(),
});

/** Becomes the `anthropic-ratelimit-unified-*` headers. */
const rateLimitSchema = z.strictObject({
  status: limitStatus,
  /** The window that decides. Nothing else tells the windows of single models. */
  claim: z
    .enum([
      'five_hour',
      'seven_day',
      'seven_day_opus',
      'seven_day_sonnet',
      'seven_day_overage_included',
      'overage',
    ])
    .optional(),
  ...reset,
  fiveHour: windowSchema.optional(),
  sevenDay: windowSchema.optional(),
  sevenDayOverageIncluded: windowSchema.optional(),
  overage: z
    .strictObject({
      status: limitStatus,
      inUse: z.boolean().default(false),
      ...reset,
    })
    .optional(),
});

/** Becomes the `anthropic-ratelimit-*` headers that an API key gets: what is left for this minute. */
const keyLimitsSchema = z.partialRecord(
  z.enum(['requests', 'tokens', 'input-tokens', 'output-tokens']),
  z.strictObject({ limit: count, remaining: count, resetIn: z.number() }),
);

/** What goes wrong with a reply. A fault after the headers comes when half of the reply's events are sent. */
const faultSchema = z.discriminatedUnion('kind', [
  /** An HTTP error; `body` replaces the JSON error body, as a proxy's HTML page would. */
  z.strictObject({
    kind: z.literal('http'),
    status: z.int().min(400).max(599),
    type: text.optional(),
    message: text.optional(),
    body: z.string().optional(),
    retryAfter: z.number().min(0).optional(),
  }),
  /** The connection is reset, and new ones are refused for a time. */
  z.strictObject({ kind: z.literal('outage'), ms: milliseconds }),
  z.strictObject({ kind: z.literal('reset'), at: z.enum(['before-headers', 'mid-stream']) }),
  /** The stream ends cleanly, without `message_stop`. */
  z.strictObject({ kind: z.literal('truncated') }),
  /** One event is not JSON. */
  z.strictObject({ kind: z.literal('malformed') }),
  /** An `error` event in the stream. */
  z.strictObject({
    kind: z.literal('error-event'),
    type: text.default('overloaded_error'),
    message: text.default('Overloaded'),
  }),
  /** No more data comes, and the connection stays open. */
  z.strictObject({ kind: z.literal('silence') }),
  /** Only pings come. */
  z.strictObject({ kind: z.literal('pings'), everyMs: milliseconds.default(1000) }),
  /** Not even headers come. */
  z.strictObject({ kind: z.literal('no-headers') }),
]);

const toolCallSchema = z.strictObject({ name: text, input: z.record(z.string(), z.unknown()) });

const searchSchema = z.strictObject({
  query: text,
  results: z.array(z.strictObject({ title: text, url: z.url() })),
});

/** A reply: any mix of content, and how it is sent. `{{cwd}}` in strings is the caller's working directory. */
const replySchema = z.strictObject({
  text: z.string().optional(),
  /** A structured reply: a StructuredOutput call if the request offers that tool, else the text of the reply. */
  json: z.unknown().optional(),
  tools: z.array(toolCallSchema).optional(),
  /** Web searches that the API does itself before it replies. */
  searches: z.array(searchSchema).optional(),
  stopReason: z.enum(['end_turn', 'max_tokens', 'refusal', 'pause_turn', 'tool_use']).optional(),
  /** By default estimated from the sizes of request and reply. */
  usage: usageSchema.optional(),
  /** Before the headers. */
  waitMs: milliseconds.default(0),
  /** Before each event of a stream. */
  delayMs: milliseconds.default(0),
  headers: z.record(text, z.string()).optional(),
  rateLimit: rateLimitSchema.optional(),
  keyLimits: keyLimitsSchema.optional(),
  fault: faultSchema.optional(),
});

const ruleSchema = z
  .strictObject({
    name: text.optional(),
    when: conditionSchema.default({}),
    /** How many requests the rule answers before it stops applying. */
    times: z.int().min(1).optional(),
    /** How long the rule applies, counted from its first answer: a limit or an outage that ends by itself. */
    forMs: milliseconds.optional(),
    /** Answers every request. */
    reply: replySchema.optional(),
    /** Answers by turn (see `when.turn`). The rule does not apply to later turns. */
    turns: z.array(replySchema).min(1).optional(),
  })
  .refine((rule) => (rule.reply === undefined) !== (rule.turns === undefined), {
    message: 'expected exactly one of "reply" and "turns"',
  });

const scenarioSchema = z.strictObject({
  /** For people. */
  description: z.string().optional(),
  /** The first rule that applies answers. */
  rules: z.array(ruleSchema),
});

/** What the simulated API answers, as written in a scenario file. */
export type ScenarioInput = z.input<typeof scenarioSchema>;
export type Scenario = z.output<typeof scenarioSchema>;
export type Rule = Scenario['rules'][number];
export type Reply = z.output<typeof replySchema>;
export type Fault = z.output<typeof faultSchema>;
export type RateLimit = z.output<typeof rateLimitSchema>;
export type KeyLimits = z.output<typeof keyLimitsSchema>;

/** Checks a scenario; throws `Failed` ("config-invalid") that names the place of every problem. */
export function parseScenario(value: unknown, source = 'scenario'): Scenario {
  const parsed = scenarioSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((issue) => `${place(issue.path)}: ${issue.message}`);
  fail('config-invalid', `${source} is not a valid scenario: ${problems.join('; ')}`);
}

/** Reads a scenario from a JSON file; throws `Failed` like {@link parseScenario}, or when the file cannot be read. */
export async function loadScenario(path: string): Promise<Scenario> {
  const content = await readFile(path, 'utf8').catch((error: unknown) =>
    fail('file-unreadable', `Cannot read the scenario ${path}: ${String(error)}`),
  );
  let value: unknown;
  try {
    value = JSON.parse(content);
  } catch (error) {
    fail('config-invalid', `${path} is not JSON: ${String(error)}`);
  }
  return parseScenario(value, path);
}

function place(path: readonly PropertyKey[]): string {
  if (path.length === 0) return 'the whole';
  return path.reduce<string>((whole, part) => {
    if (typeof part === 'number') return `${whole}[${part}]`;
    return whole === '' ? String(part) : `${whole}.${String(part)}`;
  }, '');
}
