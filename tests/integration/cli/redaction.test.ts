import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { redactorFor } from '../../../src/app/project/redaction.ts';
import { run } from '../../rig/hand-made-cli.ts';

function inFolder(
  files: Readonly<Record<string, string>>,
  use: (folder: string) => Promise<void> | void,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'redaction-'));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return Promise.resolve(use(folder)).finally(() => rmSync(folder, { recursive: true, force: true }));
}

it('knows what variables, .env and the configuration call secret, and nothing else of theirs', async () => {
  const config = {
    notifications: {
      slack_webhook_url: 'https://hooks.example.com/slack-path-1',
      webhook_url: 'https://h.example/other-path-2',
    },
    claude_cli: { environment: { GATEWAY_TOKEN: 'gateway-value-3' } },
    models: { worker: { model: 'claude-sonnet-5' } },
  };
  await inFolder(
    {
      'orchestrator_config.json': JSON.stringify(config),
      '.env': 'STRIPE_SECRET=stripe-value-4\nPUBLIC_NAME=public-value\n',
    },
    (folder) => {
      const redact = redactorFor(
        {
          env: {
            DB_PASSWORD: 'password-value-5',
            MY_API_KEY: 'key-value-6',
            HOME: '/home/somebody',
            MY_HOOK_WEBHOOK_URL: 'https://h.example/hook-path-7',
          },
        },
        { envFile: join(folder, '.env'), configFile: join(folder, 'orchestrator_config.json') },
      );
      const shown = redact(
        'slack-path-1 other-path-2 gateway-value-3 stripe-value-4 password-value-5 key-value-6 hook-path-7',
      );
      expect(shown).toMatch(/^(?:…(?:ue-5)?(?: |$)){7}$/);
      const harmless = '/home/somebody public-value claude-sonnet-5 hooks.example.com';
      expect(redact(harmless)).toBe(harmless);
    },
  );
});

it('knows the rest where files are missing or broken', async () => {
  await inFolder({ 'orchestrator_config.json': '{"broken', '.env': '\u0000\u0001' }, (folder) => {
    for (const configFile of [undefined, join(folder, 'orchestrator_config.json')]) {
      const redact = redactorFor(
        { env: { A_TOKEN: 'token-value' } },
        { envFile: join(folder, '.env'), configFile },
      );
      expect(redact('a token-value')).toBe('a …');
    }
  });
});

it('takes secrets out of what a failure says', async () => {
  await inFolder({}, async (folder) => {
    const secret = 'secret-directory-name';
    const end = await run({ directory: folder }, ['list', '--working-dir', secret], {
      env: { A_SECRET: secret },
    });
    expect(end.exitCode).toBe(2);
    expect(end.stderr).toContain('There is no directory');
    expect(end.stderr).not.toContain(secret);
    const json = await run({ directory: folder }, ['list', '-d', secret, '--json'], {
      env: { A_SECRET: secret },
    });
    expect(JSON.parse(json.stdout)).toMatchObject({ error: { reason: 'wrong-usage' } });
    expect(json.stdout).not.toContain(secret);
  });
});
