import { z } from 'zod';
import { useCase } from './shape.ts';
import { attemptOutcome } from './attempt.ts';
import { patch, patchForm } from './patch.ts';
import { taskId } from './task.ts';

/** What `diff` is asked. */
export const diffRequest = z.object({ id: z.string().describe('a task: `3`, `3.2`'), ...patchForm.shape });
export type DiffRequest = z.infer<typeof diffRequest>;

/** The change that a task has come to so far. */
const change = z.object({
  id: taskId,
  kind: z
    .enum(['landed', 'kept', 'worktree', 'none'])
    .describe('`kept`: it has not landed; `worktree`: a worker is at work on it; `none`: there is no change'),
  attempt: z.int().nullable().describe('its number, null for `none`'),
  outcome: attemptOutcome
    .nullable()
    .describe('how that attempt ended, null for `none` and where it has not ended'),
  place: z.string().nullable().describe('the commit, ref or directory that holds it, null for `none`'),
  why: z.string().nullable().describe('why there is no change; null unless `kind` is `none`'),
});
export type Change = z.infer<typeof change>;

/** What `diff` answers. */
export const diffReport = change.extend({
  from: patch.shape.from.nullable().describe('what is compared: a commit or tree, null for `none`'),
  to: patch.shape.to.nullable(),
  files: patch.shape.files,
  patch: patch.shape.patch,
});
export type DiffReport = z.infer<typeof diffReport>;

export const diffUseCase = useCase({ request: diffRequest, report: diffReport });
