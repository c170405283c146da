import { z } from 'zod';
import type { NoticeKind } from '../../reporting/notify/notice.ts';
import { list, moment } from './shape.ts';
import { taskId } from './task.ts';

/** What the address in `notifications.webhook_url` gets. */
export const webhookMessage = z
  .object({
    event: z.literal('notices'),
    run: z.string(),
    project: z.string(),
    at: moment.nullable().describe('of the newest notice'),
    dropped: z.int().describe('how many could not be sent before'),
    notices: list(
      z.object({
        id: z.int().describe('`run` and `id` together tell a notice that came twice'),
        kind: z.enum([
          'task-complete',
          'task-failed',
          'run-ended',
          'paused',
          'resumed',
          'budget-reached',
          'usage-warning',
          'needs-person',
        ]) satisfies z.ZodType<NoticeKind>,
        urgent: z.boolean().describe('it did not wait for others'),
        at: moment,
        task: taskId.nullable().describe('null where it is about the run'),
        title: z.string(),
        detail: z.string().describe('may be empty'),
      }),
    ),
  })
  .meta({
    description:
      'The address gets this. A message whose answer was lost is sent again, so a notice may come twice.',
    examples: [
      {
        event: 'notices',
        run: '20261122-231500-3f9a',
        project: 'shop',
        at: '2026-11-23T01:10:00.000Z',
        dropped: 0,
        notices: [
          {
            id: 7,
            kind: 'paused',
            urgent: true,
            at: '2026-11-23T01:10:00.000Z',
            task: null,
            title: 'Paused at a usage limit',
            detail: 'The 5-hour usage limit is reached. It goes on by itself at 04:00 CET, in 1 h 50 min.',
          },
        ],
      },
    ],
  });
