import type { z } from 'zod';
import { nextReport, nextRequest } from './next.ts';

/** What can be asked for, and what is answered: the shapes of one use case. */
export interface UseCase {
  readonly request: z.ZodObject;
  readonly report: z.ZodType;
}

/** Every use case by the name of its file in `app/`. */
export const USE_CASES = {
  next: { request: nextRequest, report: nextReport },
} as const satisfies Record<string, UseCase>;
