import { expect, it } from 'vitest';
import { openStore } from '../../../src/store/sqlite-store.ts';
import { describeEachDriver } from '../../rig/each-driver.ts';

describeEachDriver('the plan cache', ({ driver, file }) => {
  it('keeps the newest plans', () => {
    let now = 0;
    const store = openStore({ file: file(), tag: 'master', create: true, driver, clock: () => now });
    expect(store.cachedPlan('a')).toBeUndefined();
    store.cachePlan('a', 'reply');
    expect(store.cachedPlan('a')).toBe('reply');
    store.cachePlan('a', 'other');
    for (let n = 0; n < 60; n++) {
      store.cachePlan(`plan-${n}`, String(n));
      expect(store.cachedPlan(`plan-${n}`)).toBe(String(n));
      now += 1;
    }
    expect(store.cachedPlan('a')).toBeUndefined();
    expect(store.cachedPlan('plan-11')).toBe('11');
    store.close();
  });
});
