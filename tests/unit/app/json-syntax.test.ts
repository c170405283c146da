import fc from 'fast-check';
import { expect, test } from 'vitest';
import { findSyntaxProblem } from '../../../src/app/config/config-file.ts';
import { cases } from '../../rig/effort.ts';

function parses(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** JSON with one character put in, left out or replaced. */
const damaged = fc
  .tuple(
    fc.json({ maxDepth: 3 }),
    fc.nat(),
    fc.constantFrom('', ',', '"', '}', ']', ':', '\\', '0', '-', ' ', '\n', '{', 'e', '.'),
    fc.nat({ max: 1 }),
  )
  .map(([text, at, character, removed]) => {
    const offset = at % (text.length + 1);
    return text.slice(0, offset) + character + text.slice(offset + removed);
  });

test('finds a mistake exactly where JSON.parse fails', () => {
  fc.assert(
    fc.property(fc.oneof(damaged, fc.string(), fc.json()), (text) => {
      const problem = findSyntaxProblem(text);
      // Keys that are there twice are a mistake here only.
      if (problem?.message.endsWith('occurs twice') === true) return;
      expect(problem === undefined, `${text}: ${problem?.message ?? ''}`).toBe(parses(text));
      if (problem === undefined) return;
      const lines = text.split('\n');
      expect(problem.line).toBeLessThanOrEqual(lines.length);
      expect(problem.column).toBeLessThanOrEqual((lines[problem.line - 1]?.length ?? 0) + 1);
    }),
    { numRuns: cases(10_000) },
  );
});

test('a long string and a long list are no problem', () => {
  expect(findSyntaxProblem(`["${'a'.repeat(900_000)}"]`)).toBeUndefined();
  expect(findSyntaxProblem(`[${'0,'.repeat(400_000)}0]`)).toBeUndefined();
});
