import { z } from 'zod';
import type { Failure, FailureReason } from '../../domain/failure.ts';

const REASONS = {
  'wrong-usage': 'an unknown option, a missing argument, a value that cannot be',
  'config-invalid': 'the configuration is wrong',
  'no-project': 'there is no project here',
  'file-unreadable': 'a file cannot be read',
  'file-unwritable': 'a file cannot be written',
  'store-unusable': 'the task store is damaged, locked or of another version',
  'repository-unusable': 'git, or the repository, cannot be worked with',
  'task-not-found': 'there is no such task',
  'task-needed': 'other tasks need it',
  'dependency-cycle': 'tasks would wait for each other',
  'plan-invalid': 'the manager made no plan that holds together',
  'prd-too-large': 'the document is too long for the model',
  'run-in-progress': 'another run is at work',
  'cli-missing': 'the Claude CLI is not there, or is no Claude CLI',
  unauthenticated: 'nobody is logged in, or a key is refused',
  billing: 'the account cannot pay',
  'model-unavailable': 'the account may not use the model, or there is none of that name',
  'usage-limited': 'a usage limit is reached',
  'over-budget': 'a budget is spent',
  'manager-unavailable': 'the manager did not answer',
  interrupted: 'it was interrupted',
  'system-error': 'the system refused something',
} as const satisfies Record<FailureReason, string>;

const failureReason = z.enum(Object.keys(REASONS) as FailureReason[]).meta({
  id: 'FailureReason',
  description: 'why a command did not do what it was asked',
  meanings: REASONS,
});

/** Why a command did not do what it was asked. */
const failure = z.object({
  reason: failureReason,
  message: z.string().describe('what happened, and where'),
  fix: z.string().exactOptional().describe('what to do next; missing where there is nothing to say'),
  resetsAt: z
    .number()
    .exactOptional()
    .describe('Unix milliseconds at which the limit resets that refused the call, where that is known'),
}) satisfies z.ZodType<Failure>;

/** What a command prints that fails in a way that can be expected. */
export const failureReport = z.object({ error: failure });
