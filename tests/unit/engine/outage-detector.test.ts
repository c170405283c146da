import { describe, expect, it } from 'vitest';
import { LoneFailures } from '../../../src/engine/lone-failures.ts';

describe('LoneFailures', () => {
  it('blames no task for an outage that has passed for nobody, however often it is met', () => {
    const failures = new LoneFailures();
    for (let time = 0; time < 100; time++) expect(failures.met(String(time % 3))).toBe(false);
  });

  it('blames a task for which no outage passes that passes for others', () => {
    const failures = new LoneFailures();
    const met: boolean[] = [];
    for (let time = 0; time < 3; time++) {
      met.push(failures.met('1'));
      failures.outagePassed();
    }
    expect(met).toEqual([false, false, true]);
    expect(failures.met('2')).toBe(false);
  });

  it('needs more of them once nobody is left for whom they could pass', () => {
    const failures = new LoneFailures();
    failures.met('1');
    failures.outagePassed();
    expect([2, 3, 4, 5, 6].map(() => failures.met('1'))).toEqual([false, false, false, false, true]);
  });

  it('begins anew when the task was answered', () => {
    const failures = new LoneFailures();
    for (let time = 0; time < 20; time++) {
      expect(failures.met('1')).toBe(false);
      failures.outagePassed();
      failures.answered('1');
    }
  });
});
