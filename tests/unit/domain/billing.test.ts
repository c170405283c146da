import { describe, expect, it } from 'vitest';
import { choosePayer } from '../../../src/domain/billing.ts';

describe('choosePayer', () => {
  it.each([
    { auth: 'auto', hasApiKey: true, loggedIn: true, payer: 'subscription' },
    { auth: 'auto', hasApiKey: true, loggedIn: false, payer: 'api_key' },
    { auth: 'auto', hasApiKey: true, loggedIn: undefined, payer: 'unauthenticated' },
    { auth: 'auto', hasApiKey: false, loggedIn: true, payer: 'subscription' },
    { auth: 'auto', hasApiKey: false, loggedIn: false, payer: 'unauthenticated' },
    { auth: 'auto', hasApiKey: false, loggedIn: undefined, payer: 'unauthenticated' },
    { auth: 'api_key', hasApiKey: true, loggedIn: undefined, payer: 'api_key' },
    { auth: 'api_key', hasApiKey: true, loggedIn: true, payer: 'api_key' },
    { auth: 'api_key', hasApiKey: false, loggedIn: true, payer: 'unauthenticated' },
    { auth: 'subscription', hasApiKey: true, loggedIn: true, payer: 'subscription' },
    { auth: 'subscription', hasApiKey: true, loggedIn: false, payer: 'unauthenticated' },
    { auth: 'subscription', hasApiKey: true, loggedIn: undefined, payer: 'unauthenticated' },
  ] as const)('lets $payer pay for auth $auth, key $hasApiKey, login $loggedIn', ({ payer, ...given }) => {
    const chosen = choosePayer(given);
    expect(chosen.ok ? chosen.value : chosen.error.reason).toBe(payer);
  });
});
