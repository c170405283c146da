import { z } from 'zod';
import { list, useCase } from './shape.ts';
import { taskId } from './task.ts';

/** What `clean` is asked. */
export const cleanRequest = z.object({
  dryRun: z.boolean().exactOptional().describe('only tell what would go'),
  keepDays: z
    .int()
    .min(0)
    .exactOptional()
    .describe(
      'keep transcripts that are not older; `logs.keep_days` where it is left out, else none is kept',
    ),
});
export type CleanRequest = z.infer<typeof cleanRequest>;

const folder = z.object({ directory: z.string(), bytes: z.int() });

/** What `clean` answers. */
export const cleanReport = z.object({
  removed: z.boolean().describe('false with `--dry-run`: then the rest is what would go'),
  transcripts: list(folder).describe('folders of attempts at tasks that are done or cancelled'),
  worktrees: list(folder),
  snapshots: list(z.object({ ref: z.string(), taskId })).describe('all that is in them has landed'),
  kept: list(z.object({ path: z.string(), why: z.string() })).describe('worktrees that stay'),
  bytes: z.int().describe('what that frees, snapshots aside: git gives their space back in its own time'),
});
export type CleanReport = z.infer<typeof cleanReport>;
/** A folder that nobody needs any more. */
export type OldFiles = z.infer<typeof folder>;

export const cleanUseCase = useCase({ request: cleanRequest, report: cleanReport });
