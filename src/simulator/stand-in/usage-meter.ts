import { computeListPrice, type Charge } from '../../domain/pricing.ts';
import type { ApiUsage } from './messages-api.ts';

/** Adds up what the requests of a process have used, in the format of the CLI's `result` line. */
export class UsageMeter {
  readonly #byModel = new Map<string, { charge: Charge; costUsd: number }>();

  add(model: string, usage: ApiUsage, outputTokens?: number): void {
    const creation = usage['cache_creation'] as ApiUsage | undefined;
    const searches = usage['server_tool_use'] as ApiUsage | null | undefined;
    const charge: Charge = {
      input: count(usage['input_tokens']),
      output: outputTokens ?? count(usage['output_tokens']),
      cacheRead: count(usage['cache_read_input_tokens']),
      cacheWrite: count(usage['cache_creation_input_tokens']),
      cacheWrite1h: count(creation?.['ephemeral_1h_input_tokens']),
      webSearches: count(searches?.['web_search_requests']),
    };
    const before = this.#byModel.get(model);
    this.#byModel.set(model, {
      charge: before === undefined ? charge : sum(before.charge, charge),
      costUsd: (before?.costUsd ?? 0) + computeListPrice(model, charge),
    });
  }

  get costUsd(): number {
    return [...this.#byModel.values()].reduce((total, { costUsd }) => total + costUsd, 0);
  }

  /** The `usage` of a result. */
  total(): object {
    const charges = [...this.#byModel.values()].map(({ charge }) => charge);
    const all = charges.reduce(sum, NOTHING);
    return {
      input_tokens: all.input,
      cache_creation_input_tokens: all.cacheWrite,
      cache_read_input_tokens: all.cacheRead,
      output_tokens: all.output,
      server_tool_use: { web_search_requests: all.webSearches, web_fetch_requests: 0 },
    };
  }

  /** The `modelUsage` of a result. */
  byModel(): object {
    return Object.fromEntries(
      [...this.#byModel].map(([model, { charge, costUsd }]) => [
        model,
        {
          inputTokens: charge.input,
          outputTokens: charge.output,
          cacheReadInputTokens: charge.cacheRead,
          cacheCreationInputTokens: charge.cacheWrite,
          webSearchRequests: charge.webSearches,
          costUSD: costUsd,
          cacheCreationEphemeral5mInputTokens: charge.cacheWrite - charge.cacheWrite1h,
          cacheCreationEphemeral1hInputTokens: charge.cacheWrite1h,
          canonicalModel: model,
          provider: 'firstParty',
          costBasis: 'list',
        },
      ]),
    );
  }
}

const NOTHING: Charge = { input: 0, output: 0, cacheRead: 0, cacheWrite: 0, cacheWrite1h: 0, webSearches: 0 };

function count(value: unknown): number {
  return typeof value === 'number' ? value : 0;
}

function sum(a: Charge, b: Charge): Charge {
  return {
    input: a.input + b.input,
    output: a.output + b.output,
    cacheRead: a.cacheRead + b.cacheRead,
    cacheWrite: a.cacheWrite + b.cacheWrite,
    cacheWrite1h: a.cacheWrite1h + b.cacheWrite1h,
    webSearches: a.webSearches + b.webSearches,
  };
}
