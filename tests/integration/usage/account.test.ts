import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { apiKeyAccount, subscriptionAccount } from '../../../src/usage/account.ts';

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'account-'));
});
afterEach(() => {
  rmSync(home, { recursive: true, force: true });
});

const idOf = (environment: Record<string, string> = {}, of = home): string =>
  subscriptionAccount({ environment, home: of }, 'Claude subscription').id;
const login = (folder: string, oauthAccount: unknown): void => {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, '.claude.json'), JSON.stringify({ numStartups: 3, oauthAccount }));
};

test('an API key is an account of its own at each address, and is not told', () => {
  const key = 'sk-ant-api03-0123456789-secret';
  const id = (apiKey: string, environment = {}) => apiKeyAccount(apiKey, environment, 'API key').id;
  expect(id(key)).toBe(id(key));
  const gateway = { ANTHROPIC_BASE_URL: 'http://127.0.0.1:9' };
  expect(new Set([id(key), id(`${key}x`), id(key, gateway)]).size).toBe(3);
  expect(id(key)).not.toContain('secret');
});

test('a login is the same account from every directory it is stored in, and another for another organization', () => {
  const account = { accountUuid: 'a-1', organizationUuid: 'o-1', emailAddress: 'me@example.com' };
  login(home, account);
  const elsewhere = join(home, 'elsewhere');
  login(elsewhere, { ...account, emailAddress: 'new@example.com' });
  const other = join(home, 'other');
  login(other, { ...account, organizationUuid: 'o-2' });
  expect(idOf()).toBe(idOf({ CLAUDE_CONFIG_DIR: elsewhere }));
  expect(idOf()).not.toBe(idOf({ CLAUDE_CONFIG_DIR: other }));
  expect(idOf()).not.toContain('a-1');
});

test('a token in the environment wins over the stored login, and is not told', () => {
  login(home, { accountUuid: 'a-1', organizationUuid: 'o-1' });
  const token = { CLAUDE_CODE_OAUTH_TOKEN: 'sk-ant-oat01-secret' };
  expect(idOf(token)).not.toBe(idOf());
  expect(idOf(token)).toBe(idOf(token, join(home, 'nowhere')));
  expect(idOf({ CLAUDE_CODE_OAUTH_TOKEN: '' })).toBe(idOf());
  expect(idOf(token)).not.toContain('secret');
});

test.each([['nothing'], ['{'], ['null'], ['{"oauthAccount":null}'], ['{"oauthAccount":{"accountUuid":7}}']])(
  'where the stored login is %s, the directory stands for the account',
  (content) => {
    const folder = join(home, 'config');
    mkdirSync(folder);
    if (content !== 'nothing') writeFileSync(join(folder, '.claude.json'), content);
    const id = idOf({ CLAUDE_CONFIG_DIR: folder });
    expect(id).toMatch(/^directory-/);
    expect(id).not.toBe(idOf());
  },
);
