import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { failureSignature } from '../../../src/domain/failure-signature.ts';
import { attemptEnd } from '../../rig/attempt-end.ts';
import { cases } from '../../rig/effort.ts';

const of = (message: string): string => failureSignature(attemptEnd('crashed', { message }));

describe('the signature of a failure', () => {
  test.each([
    ['numbers', 'expected 3 to be 4.5', 'expected 17 to be 1,000.25'],
    ['durations', 'failed after 1.2 s (340ms)', 'failed after 31 s (2ms)'],
    ['times', 'at 2026-01-02T03:04:05.678Z: no', 'at 2027-11-12 13:14:15: no'],
    ['times of day', 'since 3:04 pm', 'since 11:59:01 am'],
    ['ids', 'session 0d9f5f0e-6c1f-4b55-9f0e-3d7a3f6b2a11', 'session ffffffff-6c1f-4b55-9f0e-000000000000'],
    ['requests', 'req_011CabcXYZ failed', 'req_9ZyX failed'],
    ['hashes', 'commit 3f2a9c1 is gone', 'commit 00ffe3a98b12 is gone'],
    ['addresses', 'at 0x7ffd01', 'at 0xab'],
    ['temporary paths', 'ENOENT /tmp/x-a1/src: no', 'ENOENT /var/folders/zz/T/other/b: no'],
    [
      'worktrees',
      'in /home/me/p/.taskmaster/worktrees/w1/a.ts)',
      'in /home/me/p/.taskmaster/worktrees/w2/b.ts)',
    ],
    ['colours', '\u001b[31mred\u001b[0m', 'red'],
    ['white space', 'a\n  b\t', 'a b'],
  ])('leaves out %s', (_, one, other) => {
    expect(of(one)).toBe(of(other));
  });

  test.each([
    ['outcomes', attemptEnd('crashed', { message: 'x' }), attemptEnd('stalled', { message: 'x' })],
    [
      'words',
      attemptEnd('crashed', { message: 'a is gone' }),
      attemptEnd('crashed', { message: 'b is gone' }),
    ],
    [
      'files of the project',
      attemptEnd('verify-failed', { message: 'src/a.ts fails' }),
      attemptEnd('verify-failed', { message: 'src/b.ts fails' }),
    ],
  ])('tells %s apart', (_, one, other) => {
    expect(failureSignature(one)).not.toBe(failureSignature(other));
  });

  test('is the same for any numbers between the same words', () => {
    const words = fc.array(fc.stringMatching(/^[g-z]{3,9}$/), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(words, fc.array(fc.nat(), { minLength: 16, maxLength: 16 }), (parts, numbers) => {
        const text = (offset: number): string =>
          parts.map((word, index) => `${word} ${numbers[index + offset] ?? 0}`).join(', ');
        expect(of(text(0))).toBe(of(text(8)));
      }),
      { numRuns: cases(3000) },
    );
  });

  test('takes linear time for any text', () => {
    const hostile = fc.constantFrom('/tmp', '/', 'a', '0', '-', ':', '.', ' ', 'worktrees/', '\u001b[', '😀');
    fc.assert(
      fc.property(fc.array(hostile, { maxLength: 40 }), fc.integer({ min: 1, max: 4000 }), (parts, times) => {
        const text = parts.join('').repeat(times).slice(0, 50_000);
        expect(of(text).length).toBeLessThan(60_000);
      }),
      { numRuns: cases(1000) },
    );
  });
});
