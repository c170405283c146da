import { z } from 'zod';
import type { ModelUsage, Tokens } from '../../domain/attempt.ts';
import { list, shape, usd } from './shape.ts';

/** Tokens by how they are billed. */
export const tokens = shape('Tokens', 'tokens by how they are billed', {
  input: z.int().describe('without what was read from or written to the prompt cache'),
  output: z.int(),
  cacheRead: z.int(),
  cacheWrite: z.int(),
}) satisfies z.ZodType<Tokens>;

/** What one model used. */
export const modelUsage = shape('ModelUsage', 'what one model used, in tokens and money', {
  model: z.string(),
  ...tokens.shape,
  costUsd: usd,
}) satisfies z.ZodType<ModelUsage>;

/** What the manager's calls of one command cost: fields of its report. */
export const callCost = shape('CallCost', 'what calls of the manager cost', {
  usage: list(modelUsage).describe('one entry a model'),
  costUsd: usd.describe('their sum'),
  durationMs: z.number().describe('the time of all calls'),
});
export type CallCost = z.infer<typeof callCost>;
