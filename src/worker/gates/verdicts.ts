import { KeyedQueue } from './keyed-queue.ts';
import type { CommandFailure } from './run-command.ts';

/** Keeps the verdicts of commands on trees, as texts, for the length of a run. */
export interface VerdictCache {
  get(tree: string, command: string): string | undefined;
  put(tree: string, command: string, verdict: string): void;
}

/** What a command says about a tree: it passes, it passes only sometimes, or it fails. */
export type CommandVerdict = { readonly kind: 'passed' | 'flaky' } | CommandFailure;

/** Why there is no verdict. */
export type NoVerdict =
  { readonly kind: 'infrastructure'; readonly message: string } | { readonly kind: 'aborted' };

/** Finds each verdict of a command on a tree at most once, for everybody who asks at the same time or later. */
export class Verdicts {
  readonly #cache: VerdictCache;
  readonly #queue = new KeyedQueue();

  constructor(cache: VerdictCache) {
    this.#cache = cache;
  }

  /** Returns the verdict in the cache, else the one that `find` returns, which is put there. */
  async getOrFind(
    tree: string,
    command: string,
    find: () => Promise<CommandVerdict | NoVerdict>,
    signal: AbortSignal,
  ): Promise<CommandVerdict | NoVerdict> {
    const verdict = await this.#queue.run(
      `${tree} ${command}`,
      async () => {
        const known = parse(this.#cache.get(tree, command));
        if (known !== undefined) return known;
        const found = await find();
        if (found.kind !== 'infrastructure' && found.kind !== 'aborted')
          this.#cache.put(tree, command, JSON.stringify(found));
        return found;
      },
      signal,
    );
    return verdict ?? { kind: 'aborted' };
  }
}

function parse(text: string | undefined): CommandVerdict | undefined {
  // Only this class writes these texts.
  return text === undefined ? undefined : (JSON.parse(text) as CommandVerdict);
}
