import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { chooseManager, describeKey } from '../../../src/manager/choose-manager.ts';

const KEY = 'sk-ant-api03-secret-abcd';
const LOGGED_IN = { loggedIn: true, subscription: 'max' };
const LOGGED_OUT = { loggedIn: false, subscription: undefined };

describe('chooseManager', () => {
  test.each([
    ['auto', KEY, LOGGED_IN, 'api'],
    ['auto', KEY, undefined, 'api'],
    ['auto', undefined, LOGGED_IN, 'cli'],
    ['auto', '', LOGGED_IN, 'cli'],
    ['api', KEY, LOGGED_IN, 'api'],
    ['cli', KEY, LOGGED_IN, 'cli'],
    ['api', undefined, LOGGED_IN, 'unauthenticated'],
    ['auto', undefined, LOGGED_OUT, 'unauthenticated'],
    ['auto', undefined, undefined, 'cli-missing'],
    ['cli', KEY, undefined, 'cli-missing'],
    ['cli', KEY, LOGGED_OUT, 'unauthenticated'],
  ] as const)('via %s, key %s, cli %o: %s', (via, apiKey, cli, expected) => {
    const choice = chooseManager({ via, model: 'opus', apiKey, cli });
    expect(choice.ok ? choice.value.route : choice.error.reason).toBe(expected);
    if (choice.ok) expect(choice.value.sentence).toMatch(/^The manager is opus, paid by .+\.$/);
    else expect(choice.error.fix).not.toBe('');
    expect(JSON.stringify(choice)).not.toContain(KEY);
  });
});

test('no more than four characters of a key are ever told', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1 }), (key) => {
      const described = describeKey(key);
      expect(described).toBe(
        key.length < 12 ? `API key of ${key.length} characters` : `API key …${key.slice(-4)}`,
      );
    }),
  );
});
