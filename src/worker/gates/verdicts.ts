import { KeyedQueue } from './keyed-queue.ts';
import type { CommandFailure } from './run-command.ts';

/** Keeps what commands said of trees, as texts, for as long as a run. */
export interface VerdictCache {
  get(tree: string, command: string): string | undefined;
  put(tree: string, command: string, verdict: string): void;
}

/** How a tree stands with a command, whoever asks: it passes, both happens, or it fails. */
export type CommandVerdict = { readonly kind: 'passed' | 'flaky' } | CommandFailure;

/** Why nothing is known. */
export type NoVerdict =
  { readonly kind: 'infrastructure'; readonly message: string } | { readonly kind: 'aborted' };

/** Finds out at most once how a tree stands with a command, for all who ask at the same moment or later. */
export class Verdicts {
  readonly #book: VerdictCache;
  readonly #queue = new KeyedQueue();

  constructor(book: VerdictCache) {
    this.#book = book;
  }

  /** What is booked, else what `find` comes to, which is booked. */
  async settle(
    tree: string,
    command: string,
    find: () => Promise<CommandVerdict | NoVerdict>,
    signal: AbortSignal,
  ): Promise<CommandVerdict | NoVerdict> {
    const settled = await this.#queue.run(
      `${tree} ${command}`,
      async () => {
        const known = parse(this.#book.get(tree, command));
        if (known !== undefined) return known;
        const found = await find();
        if (found.kind !== 'infrastructure' && found.kind !== 'aborted')
          this.#book.put(tree, command, JSON.stringify(found));
        return found;
      },
      signal,
    );
    return settled ?? { kind: 'aborted' };
  }
}

function parse(text: string | undefined): CommandVerdict | undefined {
  // Nobody but this class writes it.
  return text === undefined ? undefined : (JSON.parse(text) as CommandVerdict);
}
