import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  componentOf,
  integrationRef,
  ownerOfWork,
  shortRef,
  workName,
} from '../../../../src/workspace/git/ref-names.ts';

test.each([
  ['main', 'main'],
  ['feat/x', 'feat+x'],
  ['release-1.2_b', 'release-1.2_b'],
  ['käse', 'k=c3=a4se'],
  ['a+b', 'a=2bb'],
  [null, '+detached'],
])('%s is called %s', (branch, name) => {
  expect(componentOf(branch)).toBe(name);
});

test('a name with capitals stays readable, and is another one where case does not count', () => {
  expect(componentOf('PROJ-12/Fix')).toMatch(/^PROJ-12\+Fix=h[0-9a-f]{12}$/);
  expect(componentOf('feat').toLowerCase()).not.toBe(componentOf('Feat').toLowerCase());
});

test('every name is one short component of its own that git takes', () => {
  const names = fc.oneof(
    fc.string({
      minLength: 1,
      maxLength: 8,
      unit: fc.constantFrom('a', 'A', 'b', '/', '+', '=', '-', 'h', '0'),
    }),
    fc.string({ minLength: 1, maxLength: 400, unit: 'grapheme' }),
    fc.string({ minLength: 170, maxLength: 200, unit: fc.constantFrom('a', 'b') }),
  );
  fc.assert(
    fc.property(names, names, (one, other) => {
      const component = componentOf(one);
      expect(component).toMatch(/^[\w.+=-]+$/);
      expect(component.length).toBeLessThan(240);
      if (one !== other) expect(component.toLowerCase()).not.toBe(componentOf(other).toLowerCase());
    }),
  );
});

test('a ref is told as short as git understands it', () => {
  expect(shortRef(integrationRef('main'))).toBe('orchestrator/integration/main');
  expect(shortRef('refs/heads/main')).toBe('main');
});

test('the name of work tells whose it is', () => {
  expect(ownerOfWork(workName('20260101-1', '3.2'))).toEqual({ runId: '20260101-1', taskId: '3.2' });
  expect(ownerOfWork('orchestrator/integration/main')).toBeUndefined();
});
