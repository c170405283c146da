import { isAbsolute, relative } from 'node:path';
import type { StreamLine } from '../../worker/claude/stream-json.ts';

/** Gathers the web pages that a Claude CLI fetched and the files that it read. */
export class CliSources {
  readonly #directory: string;
  readonly #seen = new Set<string>();

  /** Files inside of `directory` are named relative to it. */
  constructor(directory: string) {
    this.#directory = directory;
  }

  add(entry: StreamLine): void {
    if (entry.kind !== 'assistant') return;
    for (const { type, name, input } of entry.line.message.content ?? []) {
      if (type !== 'tool_use') continue;
      const source =
        name === 'WebFetch' ? input?.['url'] : name === 'Read' ? input?.['file_path'] : undefined;
      if (typeof source === 'string') this.#seen.add(name === 'Read' ? this.#short(source) : source);
    }
  }

  seen(): string[] {
    return [...this.#seen];
  }

  #short(path: string): string {
    if (!isAbsolute(path)) return path;
    const inside = relative(this.#directory, path);
    return inside.startsWith('..') ? path : inside;
  }
}
