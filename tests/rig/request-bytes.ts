import { z } from 'zod';

const bodySchema = z.object({
  tools: z.array(z.unknown()).default([]),
  system: z.array(z.object({ text: z.string() })),
  messages: z.array(z.object({ content: z.union([z.string(), z.array(z.unknown())]) })),
});

/** How much of the requests of several sessions is the same, in bytes. */
export interface Likeness {
  /** What each has before the first byte that differs, in the order in which the API's cache reads them. */
  readonly prefix: number;
  /** What could stand there: every line that all of them have, wherever it is. */
  readonly possible: number;
}

/** A request's tools, system prompt and messages, in the order in which the API's cache reads them. */
export function cacheOrder(body: string): string[] {
  const { tools, system, messages } = bodySchema.parse(JSON.parse(body));
  const contents = messages.flatMap(({ content }) => (typeof content === 'string' ? [content] : content));
  const said = contents.map((block) => z.object({ text: z.string() }).safeParse(block).data?.text ?? block);
  return [...tools, ...system.map(({ text }) => text), ...said].flatMap((piece) =>
    typeof piece === 'string' ? piece.split('\n') : [JSON.stringify(piece)],
  );
}

/** Compares the requests of several sessions. */
export function likeness(bodies: readonly string[]): Likeness {
  const [first = [], ...others] = bodies.map(cacheOrder);
  const differs = first.findIndex((line, index) => others.some((other) => other[index] !== line));
  const sets = others.map((lines) => new Set(lines));
  const shared = first.filter((line) => sets.every((lines) => lines.has(line)));
  return { prefix: bytes(first.slice(0, differs === -1 ? first.length : differs)), possible: bytes(shared) };
}

function bytes(lines: readonly string[]): number {
  return lines.reduce((sum, line) => sum + Buffer.byteLength(line) + 1, 0);
}
