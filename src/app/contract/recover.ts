import { z } from 'zod';
import { attemptOutcome } from './attempt.ts';
import { patch, patchForm } from './patch.ts';
import { list, moment, shape, useCase } from './shape.ts';
import { taskId } from './task.ts';

/** What `recover list` is asked. */
export const recoverListRequest = z.object({
  all: z.boolean().exactOptional().describe('older snapshots of the same try too'),
});
export type RecoverListRequest = z.infer<typeof recoverListRequest>;

const snapshot = shape('Snapshot', 'work that is kept', {
  ref: z.string().describe('the git ref that keeps it'),
  runId: z.string(),
  taskId,
  number: z.int().describe('counts the snapshots of one task in one run'),
  commit: z.string(),
  date: moment,
  why: z.string().describe('when in the attempt it was kept'),
});
export type KeptWork = z.infer<typeof snapshot>;

/** What `recover list` answers. */
export const recoverListReport = z.object({
  work: list(
    z.object({
      ...snapshot.shape,
      base: z.string().describe('the commit that it is compared with'),
      files: list(z.string()).describe('names of the files that differ from it'),
      older: z.int().describe('how many earlier snapshots of the same try there are'),
      title: z.string().nullable().describe('null where the task store does not know it, as is `attempt`'),
      attempt: z
        .object({
          number: z.int(),
          outcome: attemptOutcome.nullable().describe('null before its end'),
          message: z.string(),
        })
        .nullable(),
    }),
  ).describe('the newest first'),
});
export type RecoverListReport = z.infer<typeof recoverListReport>;

/** What `recover show` is asked. */
export const recoverShowRequest = z.object({
  name: z.string().describe('a task, or a snapshot by its ref'),
  ...patchForm.shape,
});
export type RecoverShowRequest = z.infer<typeof recoverShowRequest>;

/** What `recover show` answers. */
export const recoverShowReport = z.object({ ...snapshot.shape, ...patch.shape });
export type RecoverShowReport = z.infer<typeof recoverShowReport>;

/** What `recover restore` is asked: one of `branch` and `to`. */
export const recoverRestoreRequest = z.object({
  name: z.string().describe('a task, or a snapshot by its ref'),
  branch: z.string().exactOptional().describe('the new branch that is to hold it'),
  to: z.string().exactOptional().describe('the new directory that is to hold its files'),
});
export type RecoverRestoreRequest = z.infer<typeof recoverRestoreRequest>;

/** What `recover restore` answers. */
export const recoverRestoreReport = z.object({
  ref: snapshot.shape.ref,
  commit: snapshot.shape.commit,
  branch: z.string().nullable().describe('the new branch; null where the files are in a directory'),
  directory: z.string().nullable(),
});
export type RecoverRestoreReport = z.infer<typeof recoverRestoreReport>;

/** What `recover store` is asked. */
export const recoverStoreRequest = z.object({
  copy: z
    .string()
    .exactOptional()
    .describe('its number in `copies`, counted from 1; the newest where it is left out'),
  dryRun: z.boolean().exactOptional().describe('only tell what would be brought back'),
  replace: z.boolean().exactOptional().describe('put aside a store that is there'),
});
export type RecoverStoreRequest = z.infer<typeof recoverStoreRequest>;

const storeCopy = z.object({
  file: z.string(),
  takenAt: moment,
  tasks: z.int().nullable().describe('how many it has; null where the copy cannot be read'),
  done: z.int().nullable(),
  attempts: z.int().nullable(),
});
export type StoreCopyReport = z.infer<typeof storeCopy>;

/** What `recover store` answers. */
export const recoverStoreReport = z.object({
  copies: list(storeCopy).describe('the newest first'),
  chosen: z.string().describe('the file of the copy that is brought back'),
  restored: z.boolean().describe('false with `--dry-run`'),
  store: z.string().describe('where the copy is put'),
  isThere: z.boolean().describe('whether a store was in its place'),
  aside: z.string().nullable().describe('where what was there is kept now'),
  landed: list(z.object({ taskId, title: z.string(), commit: z.string() })).describe(
    'tasks that have landed in git since the copy was made, and are open in it; none with `--dry-run`',
  ),
});
export type RecoverStoreReport = z.infer<typeof recoverStoreReport>;

export const recoverListUseCase = useCase({
  request: recoverListRequest,
  report: recoverListReport,
  commands: ['recover list'],
});

export const recoverShowUseCase = useCase({
  request: recoverShowRequest,
  report: recoverShowReport,
  commands: ['recover show'],
});

export const recoverRestoreUseCase = useCase({
  request: recoverRestoreRequest,
  report: recoverRestoreReport,
  commands: ['recover restore'],
});

export const recoverStoreUseCase = useCase({
  request: recoverStoreRequest,
  report: recoverStoreReport,
  commands: ['recover store'],
});
