/** List prices in US dollars per million tokens. */
interface Price {
  readonly input: number;
  readonly output: number;
  readonly cacheRead: number;
  /** What takes its place where a call's prompt is longer than {@link LONG_PROMPT_TOKENS}. */
  readonly long?: Omit<Price, 'long'>;
}

const LONG_PROMPT_TOKENS = 100_000;

/**
 * By the start of the model's id, the longest match first; taken from what the Claude CLI 2.1.330 charges for a
 * million tokens of each kind. A cache write costs 1.25 × the input for five minutes and 2 × for an hour.
 */
const PRICES: readonly (readonly [prefix: string, price: Price])[] = [
  ['claude-opus-5-5', { input: 4, output: 20, cacheRead: 0.2 }],
  ['claude-opus-', { input: 5, output: 25, cacheRead: 0.5 }],
  ['claude-sonnet-5-5', { input: 2, output: 10, cacheRead: 0.1 }],
  ['claude-sonnet-5', { input: 2, output: 10, cacheRead: 0.2 }],
  ['claude-sonnet-', { input: 3, output: 15, cacheRead: 0.3 }],
  [
    'claude-haiku-5-5',
    { input: 0.1, output: 0.5, cacheRead: 0.01, long: { input: 0.5, output: 2.5, cacheRead: 0.05 } },
  ],
  ['claude-haiku-', { input: 1, output: 5, cacheRead: 0.1 }],
  ['claude-fable-', { input: 8, output: 40, cacheRead: 0.2 }],
  ['claude-mythos-', { input: 8, output: 40, cacheRead: 0.2 }],
];

/** What the CLI takes for a model that it does not know. */
const UNKNOWN: Price = { input: 4, output: 20, cacheRead: 0.2 };

const DOLLARS_PER_WEB_SEARCH = 0.01;

/** What one or more API calls used, in the API's own distinctions. */
export interface BilledUsage {
  readonly input: number;
  readonly output: number;
  readonly cacheRead: number;
  readonly cacheWrite5m: number;
  readonly cacheWrite1h: number;
  readonly webSearches: number;
}

/** The cost at list price, in US dollars. A model whose price depends on the prompt's length is priced call by call. */
export function listCost(model: string, usage: BilledUsage): number {
  const listed = PRICES.find(([prefix]) => model.startsWith(prefix))?.[1] ?? UNKNOWN;
  const promptTokens = usage.input + usage.cacheRead + usage.cacheWrite5m + usage.cacheWrite1h;
  const price = promptTokens > LONG_PROMPT_TOKENS ? (listed.long ?? listed) : listed;
  const perMillion =
    usage.input * price.input +
    usage.output * price.output +
    usage.cacheRead * price.cacheRead +
    usage.cacheWrite5m * price.input * 1.25 +
    usage.cacheWrite1h * price.input * 2;
  return perMillion / 1_000_000 + usage.webSearches * DOLLARS_PER_WEB_SEARCH;
}
