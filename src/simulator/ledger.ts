import { sumUsage, type ModelUsage } from '../domain/attempt.ts';
import { computeListPrice, type Charge } from '../domain/pricing.ts';
import type { Role } from './conversation.ts';

/** An answered request, and the cost that its caller was told. */
export interface LedgerEntry extends ModelUsage {
  readonly requestId: string;
  readonly role: Role;
  /** The name of the rule that answered. */
  readonly rule: string;
  readonly webSearches: number;
}

/** All charges, in the order of the requests. */
export class Ledger {
  readonly #entries = new Map<string, LedgerEntry>();

  /** Books a request. A stream books its request again as it goes on; the newer charge replaces the older one. */
  book(request: Pick<LedgerEntry, 'requestId' | 'role' | 'rule' | 'model'>, charge: Charge): void {
    this.#entries.set(request.requestId, {
      requestId: request.requestId,
      role: request.role,
      rule: request.rule,
      model: request.model,
      input: charge.input,
      output: charge.output,
      cacheRead: charge.cacheRead,
      cacheWrite: charge.cacheWrite,
      webSearches: charge.webSearches,
      costUsd: computeListPrice(request.model, charge),
    });
  }

  get entries(): readonly LedgerEntry[] {
    return [...this.#entries.values()];
  }

  /** A sum for each model, of all requests or of those of one role. */
  usage(role?: Role): ModelUsage[] {
    return sumUsage(this.entries.filter((entry) => role === undefined || entry.role === role));
  }
}
