import { z } from 'zod';
import { list, useCase } from './shape.ts';

/** What `check` is asked. */
export const checkRequest = z.object({});

/** What `check` answers. */
export const checkReport = z
  .object({
    canRun: z.boolean().describe('false where a check has failed'),
    root: z.string().describe('the directory of the project'),
    checks: list(
      z.object({
        name: z.string(),
        status: z
          .enum(['ok', 'warning', 'failure', 'skipped'])
          .describe(
            '`ok`; `warning`: it could be better; `failure`: a run cannot start; `skipped`: nobody looked at it',
          ),
        message: z.string(),
        fix: z
          .string()
          .exactOptional()
          .describe('what to do about it; missing where there is nothing to fix'),
      }),
    ),
  })
  .describe('Exit code 1 where `canRun` is false.');
export type CheckReport = z.infer<typeof checkReport>;
/** What one check found. */
export type Finding = CheckReport['checks'][number];

export const checkUseCase = useCase({ request: checkRequest, report: checkReport });
