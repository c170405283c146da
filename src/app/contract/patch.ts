import { z } from 'zod';
import { list, shape } from './shape.ts';

/** A file that a change touches. */
const changedFile = shape('ChangedFile', 'a file that a change touches', {
  path: z.string(),
  added: z.int().nullable().describe('lines; null where it is binary, as is `removed`'),
  removed: z.int().nullable(),
});
export type ChangedFile = z.infer<typeof changedFile>;

/** How a change is told: fields of a request. */
export const patchForm = z.object({
  stat: z.boolean().exactOptional().describe('only how many lines of which files'),
  nameOnly: z.boolean().exactOptional().describe('only the names of the files'),
});
export type PatchForm = z.infer<typeof patchForm>;

/** What changed between two commits or trees: fields of a report. */
export const patch = z.object({
  from: z.string().describe('what is compared: a commit or tree'),
  to: z.string(),
  files: list(changedFile),
  patch: z.string().nullable().describe('null with `--stat` and `--name-only`'),
});
export type Patch = z.infer<typeof patch>;
