import fc from 'fast-check';
import { TASK_STATUSES, type TaskStatus } from '../../src/domain/task.ts';

/** A draft before it is known which ids there are. */
export interface DraftShape {
  readonly at: number;
  readonly sub: number;
  readonly needs: readonly number[];
}

/** One step, made of numbers and words that are given a meaning by what is there when it is taken. */
export type Step =
  | {
      readonly kind: 'add';
      readonly drafts: readonly DraftShape[];
    }
  | { readonly kind: 'status'; readonly at: readonly number[]; readonly status: TaskStatus }
  | { readonly kind: 'edit'; readonly at: number; readonly title: string }
  | { readonly kind: 'delete'; readonly at: readonly number[]; readonly force: boolean }
  | { readonly kind: 'depend' | 'undepend'; readonly at: number; readonly on: number }
  | { readonly kind: 'claim'; readonly at: number }
  | { readonly kind: 'end'; readonly at: number; readonly status: TaskStatus };

const at = fc.nat(59);
const status = fc.constantFrom(...TASK_STATUSES);

/** Any step; adding is as likely as all that takes away. */
export const arbitraryStep: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    kind: fc.constant('add' as const),
    drafts: fc.array(fc.record({ at, sub: fc.nat(3), needs: fc.array(at, { maxLength: 1 }) }), {
      minLength: 1,
      maxLength: 4,
    }),
  }),
  fc.record({
    kind: fc.constant('status' as const),
    at: fc.array(at, { minLength: 1, maxLength: 3 }),
    status,
  }),
  fc.record({ kind: fc.constant('edit' as const), at, title: fc.constantFrom('', ' ', 'Same', 'Other') }),
  fc.record({
    kind: fc.constant('delete' as const),
    at: fc.array(at, { minLength: 1, maxLength: 2 }),
    force: fc.boolean(),
  }),
  fc.record({ kind: fc.constantFrom('depend' as const, 'undepend' as const), at, on: at }),
  fc.record({ kind: fc.constant('claim' as const), at }),
  fc.record({ kind: fc.constant('end' as const), at, status }),
);
