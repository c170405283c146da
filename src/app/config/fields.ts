import { z } from 'zod';

/** One week: longer waits are mistakes, and timers of more than 24 days fire at once. */
export const LONGEST_SECONDS = 604_800;

/** A duration in seconds, at most a week. */
export const seconds = (initial: number, least: number, description: string) =>
  z.number().min(least).max(LONGEST_SECONDS).default(initial).describe(description);

/** A duration in milliseconds, from a second to a week. */
export const milliseconds = (initial: number, description: string) =>
  z
    .int()
    .min(1000)
    .max(LONGEST_SECONDS * 1000)
    .default(initial)
    .describe(description);

/** A switch. */
export const flag = (initial: boolean, description: string) =>
  z.boolean().default(initial).describe(description);

/** A list of texts that are not empty. */
export const texts = (initial: string[], description: string) =>
  z.array(z.string().trim().min(1)).default(initial).describe(description);

/** A model: an alias or an id. */
export const model = (initial: string, description: string) =>
  z.string().trim().regex(/^\S+$/).max(200).default(initial).describe(description);

/** A ceiling in US dollars; null: none. */
export const dollars = (description: string) =>
  z.number().positive().max(1_000_000).nullable().default(null).describe(description);

/** The address of a webhook; null: none. */
export const webhook = (description: string) =>
  z
    .url({ protocol: /^https?$/ })
    .nullable()
    .default(null)
    .describe(description);

/** Environment variables. */
export const variables = (description: string) =>
  z
    .record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/), z.string())
    .default({})
    .describe(description);

/** Keys that belong together. */
export const section = <S extends z.ZodRawShape>(shape: S, description: string) =>
  z
    .strictObject(shape)
    // Every key of every section has a default, but the type of a generic shape cannot express that.
    .prefault({} as never)
    .describe(description);

/** The keys of a section, or undefined if `schema` is that of a key. */
export function shapeOf(schema: z.ZodType): z.ZodRawShape | undefined {
  const inner = schema instanceof z.ZodPrefault ? schema.unwrap() : schema;
  return inner instanceof z.ZodObject ? inner.shape : undefined;
}
