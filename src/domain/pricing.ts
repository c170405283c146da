/** The usage of one API request, as the API counts it. `cacheWrite1h` is the part of `cacheWrite` kept for an hour. */
export interface Charge {
  readonly input: number;
  readonly output: number;
  readonly cacheRead: number;
  readonly cacheWrite: number;
  readonly cacheWrite1h: number;
  readonly webSearches: number;
}

/** US dollars per million tokens. */
interface Price {
  readonly input: number;
  readonly output: number;
  readonly cacheRead: number;
}

const price = (input: number, output: number, cacheRead: number): Price => ({ input, output, cacheRead });

/** List prices as the Claude CLI 2.1.330 computes them. The first prefix that fits a model's id counts. */
const PRICES: readonly (readonly [prefix: string, price: Price, long?: Price])[] = [
  ['claude-opus-5-5', price(4, 20, 0.2)],
  ['claude-opus-', price(5, 25, 0.5)],
  ['claude-sonnet-5-5', price(2, 10, 0.1)],
  ['claude-sonnet-5', price(2, 10, 0.2)],
  ['claude-sonnet-', price(3, 15, 0.3)],
  ['claude-haiku-5-5', price(0.1, 0.5, 0.01), price(0.5, 2.5, 0.05)],
  ['claude-haiku-', price(1, 5, 0.1)],
  ['claude-fable-', price(8, 40, 0.2)],
  ['claude-mythos-', price(8, 40, 0.2)],
];

/** The CLI's price for a model that it does not know. */
const UNKNOWN_MODEL = price(4, 20, 0.2);

/** A longer prompt costs the second price, where a model has two. */
const LONG_PROMPT_TOKENS = 100_000;

const WEB_SEARCH_USD = 0.01;

/** Computes the list price of one API request, in US dollars. */
export function computeListPrice(model: string, charge: Charge): number {
  const [, normal, long] = PRICES.find(([prefix]) => model.startsWith(prefix)) ?? ['', UNKNOWN_MODEL];
  const promptTokens = charge.input + charge.cacheRead + charge.cacheWrite;
  const { input, output, cacheRead } = promptTokens > LONG_PROMPT_TOKENS ? (long ?? normal) : normal;
  const millionths =
    charge.input * input +
    charge.output * output +
    charge.cacheRead * cacheRead +
    (charge.cacheWrite - charge.cacheWrite1h) * input * 1.25 +
    charge.cacheWrite1h * input * 2;
  return millionths / 1e6 + charge.webSearches * WEB_SEARCH_USD;
}
