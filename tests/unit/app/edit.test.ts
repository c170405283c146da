import { describe, expect, it } from 'vitest';
import { parseChanges } from '../../../src/app/edit.ts';

describe('parseChanges', () => {
  it('changes only what is given', () => {
    expect(parseChanges({})).toEqual({});
    expect(parseChanges({ title: ' New ', details: '', size: 'l', priority: 'High' })).toEqual({
      title: 'New',
      details: '',
      size: 'L',
      priority: 'high',
    });
  });

  it('clears with "none"', () => {
    expect(parseChanges({ size: 'none', estimate: 'none', touches: 'none', risk: 'NONE' })).toEqual({
      size: null,
      estimateMinutes: null,
      touches: [],
      risk: null,
    });
  });

  it.each([
    ['45', 45],
    ['45m', 45],
    ['2h', 120],
    ['1h30m', 90],
    ['1.5 h', 90],
    ['1h 5 min', 65],
  ])('reads the time %s', (estimate, estimateMinutes) => {
    expect(parseChanges({ estimate })).toEqual({ estimateMinutes });
  });

  it.each(['', '0', '-5', 'soon', '1d', 'Infinity', '1e9', '999999999', 'h', 'm'])(
    'refuses the time %j',
    (estimate) => {
      expect(() => parseChanges({ estimate })).toThrow(/--estimate: expected minutes such as 45/);
    },
  );

  it('takes globs apart and keeps each once', () => {
    expect(parseChanges({ touches: 'src/**, docs/a.md,,src/**' })).toEqual({
      touches: ['src/**', 'docs/a.md'],
    });
  });

  it.each([
    [{ title: '  ' }, /--title: the title must not be empty/],
    [{ priority: 'hihg' }, /--priority: expected one of critical, high, medium, low, got "hihg"/],
    [{ size: 'huge' }, /--size: expected one of S, M, L, XL/],
    [{ risk: 'x' }, /--risk: expected one of low, medium, high/],
  ])('refuses %j', (flags, message) => {
    expect(() => parseChanges(flags)).toThrow(message);
  });
});
