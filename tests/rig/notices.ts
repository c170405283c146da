import fc from 'fast-check';
import type { Notice } from '../../src/reporting/notify/notice.ts';

/** A notice with what the test is about. */
export function notice(id: number, overrides: Partial<Notice> = {}): Notice {
  return {
    id,
    kind: 'task-complete',
    urgent: false,
    at: '2026-11-22T18:00:00.000Z',
    taskId: `${id}`,
    title: `${id} A task`,
    detail: '',
    ...overrides,
  };
}

/** Any notice, whatever its texts are made of. */
export const anyNotice: fc.Arbitrary<Notice> = fc
  .record({
    kind: fc.constantFrom<Notice['kind']>(
      'task-complete',
      'task-failed',
      'paused',
      'needs-person',
      'run-ended',
    ),
    urgent: fc.boolean(),
    title: fc.oneof(
      fc.string({ maxLength: 250 }),
      fc.string({ unit: fc.constantFrom('&', '<', '*', '😀', 'é') }),
    ),
    detail: fc.oneof(
      fc.constant(''),
      fc.string({ maxLength: 900 }),
      fc.string({ unit: fc.constantFrom('&', '>', '<!channel>', '👩‍👩‍👧'), minLength: 100, maxLength: 900 }),
    ),
  })
  .map((overrides) => notice(0, overrides));
