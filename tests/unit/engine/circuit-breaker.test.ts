import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CircuitBreaker } from '../../../src/engine/circuit-breaker.ts';
import { cases } from '../../rig/effort.ts';

const MINUTE = 60_000;

describe('CircuitBreaker', () => {
  it('lets everything through until something is refused', () => {
    const breaker = new CircuitBreaker(() => 0);
    expect(breaker.state(0)).toBe('closed');
    expect(breaker.mayStart(0)).toBe(true);
    breaker.recordAnswer('1', 0);
    expect(breaker.pause).toBeNull();
  });

  it('opens until the reset and a little longer, then lets one through at a time', () => {
    const breaker = new CircuitBreaker(() => 0.5);
    breaker.openForLimit('usage-limit', 10 * MINUTE, 'refused', 0);
    const until = breaker.pause?.until ?? 0;
    expect(until).toBeGreaterThan(10 * MINUTE);
    expect(until).toBeLessThan(11 * MINUTE);
    expect(breaker.mayStart(until - 1)).toBe(false);
    expect(breaker.mayStart(until)).toBe(true);
    breaker.recordStart('1', until);
    expect(breaker.mayStart(until)).toBe(false);
    breaker.recordEnd('1');
    expect(breaker.mayStart(until)).toBe(true);
    breaker.recordStart('2', until);
    breaker.recordAnswer('1', until + 1);
    expect(breaker.state(until + 1)).toBe('half-open');
    breaker.recordAnswer('2', until + 1);
    expect(breaker.state(until + 1)).toBe('closed');
  });

  it('ignores an answer before the end of the pause, which may be to an earlier request', () => {
    const breaker = new CircuitBreaker(() => 0);
    breaker.openForLimit('usage-limit', MINUTE, 'refused', 0);
    breaker.recordAnswer('1', MINUTE / 2);
    expect(breaker.state(MINUTE / 2)).toBe('open');
  });

  it('may stay open longer, never shorter', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.record({ reset: fc.integer({ min: 1, max: 1e9 }), after: fc.integer({ min: 0, max: 1e6 }) }),
          {
            minLength: 1,
            maxLength: 20,
          },
        ),
        (refusals) => {
          const breaker = new CircuitBreaker(() => 0.9);
          let now = 0;
          let latest = 0;
          for (const { reset, after } of refusals) {
            now += after;
            if (reset <= now) continue;
            const before = breaker.pause?.until ?? 0;
            breaker.openForLimit('usage-limit', reset, '', now);
            latest = Math.max(latest, reset);
            expect(breaker.pause?.until ?? 0).toBeGreaterThanOrEqual(Math.max(before, latest));
          }
        },
      ),
      { numRuns: cases(2000) },
    );
  });

  it('keeps the random delay of a reset that is reported again', () => {
    let random = 0.1;
    const breaker = new CircuitBreaker(() => (random += 0.2));
    breaker.openForLimit('usage-limit', 10 * MINUTE, '', 0);
    const pause = breaker.pause;
    breaker.openForLimit('usage-limit', 10 * MINUTE, '', 5);
    expect(breaker.pause).toBe(pause);
  });

  it('waits longer after each outage, up to ten minutes, and ignores outages during a pause', () => {
    const breaker = new CircuitBreaker(() => 1);
    const waits: number[] = [];
    let now = 0;
    for (let time = 0; time < 8; time++) {
      breaker.openForOutage('dead network', now);
      breaker.openForOutage('dead network', now + 1);
      waits.push((breaker.pause?.until ?? 0) - now);
      now = breaker.pause?.until ?? 0;
    }
    expect(waits).toEqual([30, 60, 120, 240, 480, 600, 600, 600].map((seconds) => seconds * 1000));
    expect(breaker.outages).toBe(8);
    expect(breaker.pause?.since).toBe(0);
    breaker.recordAnswer('1', now);
    expect(breaker).toMatchObject({ pause: null, outages: 0 });
  });

  it('prefers the reset of a limit to the guess for an outage', () => {
    const breaker = new CircuitBreaker(() => 0);
    breaker.openForOutage('dead network', 0);
    breaker.openForLimit('usage-limit', 5000, '', 1);
    expect(breaker.pause).toMatchObject({ reason: 'usage-limit', until: 5000 });
  });
});
