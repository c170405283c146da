import { describe, expect, test } from 'vitest';
import { checkClaude, checkKey, checkLogin } from '../../../src/app/check/claude.ts';
import { findingsOf } from '../../../src/app/check/finding.ts';
import { checkSlack, checkWebhook } from '../../../src/app/check/configuration.ts';
import type { ClaudeCli } from '../../../src/app/claude/claude-cli.ts';
import { configSchema, type Config } from '../../../src/app/config/schema.ts';

const KEY = 'sk-ant-api03-AAAAAAAAAAAAAAAAAAAAAAAAAAAAwxyz';
const findings = findingsOf('x');
const config = (given: object = {}): Config => configSchema.parse(given);
const secrets = (given: object = {}) => ({ apiKey: null, authToken: null, oauthToken: null, ...given });
const cli = (loggedIn: boolean | undefined, version: string | undefined = '2.1.330'): ClaudeCli => ({
  kind: 'found',
  version,
  login: loggedIn === undefined ? undefined : { loggedIn, subscription: undefined },
});

describe('the login', () => {
  const missing: ClaudeCli = { kind: 'missing', message: 'ENOENT' };
  test.each<['auto' | 'api_key' | 'subscription', object, ClaudeCli, string]>([
    ['auto', {}, cli(true), 'ok: workers: Claude subscription'],
    ['auto', { apiKey: KEY }, cli(true), 'ok: workers: Claude subscription'],
    ['auto', { apiKey: KEY }, cli(false), 'ok: workers: API key …wxyz'],
    ['auto', { apiKey: KEY }, cli(undefined), 'failure: It is unknown whether'],
    ['auto', {}, cli(false), 'failure: Nobody pays for the workers'],
    ['auto', {}, cli(undefined), 'failure: Nobody pays for the workers'],
    ['auto', {}, missing, 'skipped: not checked'],
    ['auto', { apiKey: KEY }, missing, 'skipped: not checked'],
    ['subscription', { apiKey: KEY }, cli(false), 'failure: Nobody pays for the workers'],
    ['subscription', { apiKey: KEY }, missing, 'skipped: not checked'],
    ['subscription', {}, cli(undefined), 'failure: Nobody pays for the workers'],
    ['subscription', {}, cli(true), 'ok: workers: Claude subscription'],
    ['api_key', { oauthToken: 'x' }, cli(true), 'failure: claude_cli.auth is "api_key"'],
    ['api_key', {}, missing, 'failure: claude_cli.auth is "api_key"'],
    ['api_key', { apiKey: KEY }, cli(true), 'ok: workers: API key …wxyz'],
  ])('%s %j %j', (auth, given, claude, expected) => {
    const [found] = checkLogin(config({ claude_cli: { auth } }), secrets(given), claude, findings);
    expect(`${found?.status}: ${found?.message}`).toContain(expected);
    expect(found?.fix !== undefined).toBe(found?.status === 'failure');
  });
});

test.each([
  [cli(true), 'ok'],
  [cli(true, '3.0.0'), 'ok'],
  [cli(true, '2.0.99'), 'warning'],
  [cli(true, '1.9.9'), 'warning'],
  [{ kind: 'found', version: undefined, login: undefined } as const, 'warning'],
  [{ kind: 'missing', message: '' } as const, 'failure'],
  [{ kind: 'broken', message: '' } as const, 'failure'],
])('the Claude CLI %j: %s', (claude, status) => {
  expect(checkClaude('claude', claude, findings)).toMatchObject([{ status }]);
});

test.each([
  [KEY, undefined, 'auto', 'ok'],
  ['your-api-key-goes-here', undefined, 'auto', 'warning'],
  ['sk-ant-...', undefined, 'auto', 'warning'],
  ['sk-ant-api03-AAAAAAAAAAAAAAAAA AAAAAAAAAA', undefined, 'auto', 'failure'],
  ['any-form-will-do', 'http://gateway.local:8080', 'auto', 'ok'],
  ['any-form-will-do', 'gateway', 'auto', 'failure'],
  [null, undefined, 'auto', 'skipped'],
  [null, undefined, 'cli', 'skipped'],
  [null, undefined, 'api', 'failure'],
])('the key %j for %s, by %s: %s', (apiKey, baseUrl, via, status) => {
  const found = checkKey(config({ models: { manager: { via } } }), secrets({ apiKey }), baseUrl, findings);
  expect(found).toMatchObject([{ status }]);
  if (apiKey !== null) expect(JSON.stringify(found)).not.toContain(apiKey);
});

test.each([
  [null, 'ok'],
  ['https://hooks.slack.com/services/T000/B000/abcdefgh', 'ok'],
  ['https://hooks.slack.com/services/YOUR/WEBHOOK/URL', 'warning'],
  ['http://hooks.slack.com/services/T000/B000/abcdefgh', 'warning'],
  ['https://hooks.slack.com.example.com/services/T/B/x', 'warning'],
])('the Slack webhook %s: %s', (slack_webhook_url, status) => {
  expect(checkSlack(config({ notifications: { slack_webhook_url } }), findings)).toMatchObject([{ status }]);
});

test.each([
  [null, 'ok'],
  ['https://example.com/hook/SECRET', 'ok'],
  ['http://127.0.0.1:8080/SECRET', 'ok'],
  ['http://localhost/SECRET', 'ok'],
  ['http://example.com/SECRET', 'warning'],
])('the webhook %s: %s', (webhook_url, status) => {
  const found = checkWebhook(config({ notifications: { webhook_url } }), findings);
  expect(found).toMatchObject([{ status }]);
  expect(JSON.stringify(found)).not.toContain('SECRET');
});
