import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseId, parseIds } from '../../../src/app/tasks/ids.ts';
import { Failed } from '../../../src/domain/failure.ts';
import { cases } from '../../rig/effort.ts';

const number = fc.integer({ min: 1, max: 999_999_999 });
const id = fc.oneof(
  number.map(String),
  fc.tuple(number, number).map(([task, sub]) => `${task}.${sub}`),
);
const spelled = fc
  .tuple(id, fc.constantFrom('', '#'), fc.constantFrom('', ' '))
  .map(([text, sign, space]) => ({ text, written: `${space}${sign}${text}${space}` }));

describe('parseIds', () => {
  it('reads any list of ids back in the order in which it was written', () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(spelled, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 4 }),
        (lists) => {
          const read = parseIds(lists.map((list) => list.map(({ written }) => written).join(',')));
          const written = lists.flat().map(({ text }) => ({ first: text, last: text }));
          expect(read).toEqual(written);
        },
      ),
      { numRuns: cases(2000) },
    );
  });

  it.each([
    ['1-4', [{ first: '1', last: '4' }]],
    ['#2-#3', [{ first: '2', last: '3' }]],
    [
      '3.1-3.4,7',
      [
        { first: '3.1', last: '3.4' },
        { first: '7', last: '7' },
      ],
    ],
  ])('reads the range %s', (text, ranges) => {
    expect(parseIds([text])).toEqual(ranges);
  });

  it.each(['4-1', '3.1-4', '3.1-4.2', '1-', '-1', '1-2-3', '0', '01', '3.0', '1.2.3', '', 'x', '１', '1e3'])(
    'names %j as no id and says what was expected',
    (text) => {
      const failure = failureOf(() => parseIds(['5', text]));
      expect(failure.reason).toBe('wrong-usage');
      expect(failure.message).toContain(JSON.stringify(text));
      expect(failure.message).toContain('expected a task id such as 3 or 3.2');
    },
  );

  it('names every bad piece, and only those', () => {
    expect(failureOf(() => parseIds(['1,x', '2,y-3'])).message).toMatch(/^"x", "y-3": expected/);
  });

  it('takes any text without another failure than its own', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        for (const read of [() => parseIds([text]), () => parseId(text)]) {
          try {
            read();
          } catch (error) {
            expect(error).toBeInstanceOf(Failed);
          }
        }
      }),
      { numRuns: cases(3000) },
    );
  });
});

function failureOf(act: () => unknown): Failed['failure'] {
  try {
    act();
  } catch (error) {
    if (error instanceof Failed) return error.failure;
    throw error;
  }
  throw new Error('It did not fail.');
}
