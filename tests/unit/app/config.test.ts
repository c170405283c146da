import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { configTemplate, ENV_TEMPLATE } from '../../../src/app/init/templates.ts';
import {
  configValue,
  loadConfig,
  type ConfigSources,
  type LoadedConfig,
} from '../../../src/app/config/load-config.ts';
import { variableOf } from '../../../src/app/config/environment.ts';
import { formatProblem } from '../../../src/app/config/problem.ts';
import { configJsonSchema, configKeys, configSchema } from '../../../src/app/config/schema.ts';
import { hideSecrets } from '../../../src/app/config/secrets.ts';
import { cases } from '../../rig/effort.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'config-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function load(file: string | object | undefined, more: Partial<ConfigSources> = {}) {
  const path = join(directory, 'orchestrator_config.json');
  if (file !== undefined) writeFileSync(path, typeof file === 'string' ? file : JSON.stringify(file));
  return loadConfig({ file: file === undefined ? undefined : path, envFile: undefined, env: {}, ...more });
}

function good(...args: Parameters<typeof load>): LoadedConfig {
  const loaded = load(...args);
  if (!loaded.ok) throw new Error(loaded.error.map(formatProblem).join('\n'));
  return loaded.value;
}

/** The problems without the name of the file, which differs in every test. */
function problems(...args: Parameters<typeof load>): string[] {
  const loaded = load(...args);
  if (loaded.ok) throw new Error('Expected problems, got a valid configuration.');
  return loaded.error.map((problem) => formatProblem(problem).replace(`${directory}/`, ''));
}

describe('defaults', () => {
  test('are those of the documentation, and every key has one', () => {
    const { config, origins, warnings } = good(undefined);
    expect(config.execution).toMatchObject({
      max_workers: 3,
      worker_timeout: 1800,
      manager_timeout: 300,
      max_retries: 3,
      retry_base_delay: 1,
      retry_max_delay: 60,
    });
    expect(config.models).toEqual({ manager: { model: 'opus', via: 'auto' }, worker: { model: 'sonnet' } });
    expect(config.monitoring.usage_warning_threshold).toBe(80);
    expect(config.git.auto_commit).toBe(false);
    expect(warnings).toEqual([]);
    for (const key of configKeys()) {
      expect(configValue(config, key), key).not.toBe(undefined);
      expect(origins.get(key), key).toEqual({ source: 'default', name: '' });
    }
  });

  test('a file that spells all defaults out is the same as none', () => {
    expect(good(configSchema.parse({})).config).toEqual(good(undefined).config);
  });

  test('the example file holds all of them, and nothing else', () => {
    const example = JSON.parse(readFileSync('orchestrator_config.json', 'utf8')) as object;
    expect(example).toEqual({ $schema: './.taskmaster/config.schema.json', ...configSchema.parse({}) });
    expect(good(example).warnings).toEqual([]);
  });

  test('the example of .env is what init writes, and sets nothing', () => {
    expect(readFileSync('.env.example', 'utf8')).toBe(ENV_TEMPLATE);
    const { secrets, origins } = good(undefined, { envFile: resolve('.env.example') });
    expect(secrets).toEqual({ apiKey: null, authToken: null, oauthToken: null });
    expect([...origins.values()].every(({ source }) => source === 'default')).toBe(true);
  });

  test('what init writes is valid and warns of nothing', () => {
    expect(good(configTemplate([])).warnings).toEqual([]);
  });
});

describe('precedence', () => {
  test('file, then .env, then environment, then flags, with the origin of each', () => {
    const envFile = join(directory, '.env');
    writeFileSync(
      envFile,
      'CLAUDE_ORCHESTRATOR__EXECUTION__MAX_RETRIES=7\r\nCLAUDE_ORCHESTRATOR__EXECUTION__MAX_WORKERS=8\r\n',
    );
    const { config, origins } = good(
      { execution: { max_workers: 2, max_retries: 2, worker_timeout: 2, manager_timeout: 2 } },
      {
        envFile,
        env: {
          CLAUDE_ORCHESTRATOR__EXECUTION__MAX_WORKERS: '5',
          CLAUDE_ORCHESTRATOR__EXECUTION__WORKER_TIMEOUT: '5',
        },
        flags: { 'execution.worker_timeout': 9, 'budget.max_cost_usd': undefined },
      },
    );
    expect(config.execution).toMatchObject({
      manager_timeout: 2,
      max_retries: 7,
      max_workers: 5,
      worker_timeout: 9,
    });
    expect(origins.get('execution.manager_timeout')?.source).toBe('file');
    expect(origins.get('execution.max_retries')).toEqual({
      source: '.env',
      name: 'CLAUDE_ORCHESTRATOR__EXECUTION__MAX_RETRIES',
    });
    expect(origins.get('execution.max_workers')?.source).toBe('environment');
    expect(origins.get('execution.worker_timeout')?.source).toBe('flag');
    expect(origins.get('budget.max_cost_usd')?.source).toBe('default');
  });

  test.each([
    ['models.manager.model', 'haiku', 'haiku'],
    ['models.manager.model', 'true', 'true'],
    ['execution.max_workers', ' 7 ', 7],
    ['execution.max_turns', 'null', null],
    ['execution.default_working_dir', 'null', null],
    ['execution.default_working_dir', '5', '5'],
    ['git.auto_commit', 'yes', true],
    ['git.auto_commit', '0', false],
    ['budget.max_cost_usd', '2.5', 2.5],
    ['verify.commands', 'npm run lint, really', ['npm run lint, really']],
    ['verify.commands', '["npm test","npm run lint"]', ['npm test', 'npm run lint']],
    ['claude_cli.setting_sources', 'user, local', ['user', 'local']],
    ['claude_cli.environment', '{"A":"1"}', { A: '1' }],
  ])('%s=%s in the environment', (key, text, value) => {
    expect(configValue(good(undefined, { env: { [variableOf(key)]: text } }).config, key)).toEqual(value);
  });

  test('an empty variable counts as not set', () => {
    const { origins } = good(undefined, { env: { CLAUDE_ORCHESTRATOR__EXECUTION__MAX_WORKERS: '' } });
    expect(origins.get('execution.max_workers')?.source).toBe('default');
  });

  test('every key can be set by its variable', () => {
    const { config } = good(undefined);
    const env = Object.fromEntries(
      configKeys().map((key) => {
        const value = configValue(config, key);
        return [variableOf(key), typeof value === 'string' ? value || '-' : JSON.stringify(value)];
      }),
    );
    const { origins } = good(undefined, { env });
    expect([...origins.values()].map(({ source }) => source)).toEqual(configKeys().map(() => 'environment'));
  });
});

describe('problems', () => {
  test('are all reported at once, with what was expected and what was got', () => {
    expect(
      problems(
        {
          execution: { max_workers: 'three', isolation: 'worktre', max_worker: 3, worker_timeout: 0 },
          git: true,
          verify: { commands: [''] },
          notifcations: {},
          max_retries: 5,
          budget: { max_cost_usd: 0 },
          notifications: { slack_webhook_url: 'hooks' },
        },
        { env: { CLAUDE_ORCHESTRATOR__EXECUTION__MAX_WORKER: '1', CLAUDE_ORCHESTRATOR__EXECUTION: '1' } },
      ),
    ).toMatchInlineSnapshot(`
      [
        "orchestrator_config.json: execution.max_worker: there is no such key — did you mean execution.max_workers?",
        "orchestrator_config.json: notifcations: there is no such key — did you mean notifications?",
        "orchestrator_config.json: max_retries: there is no such key — did you mean execution.max_retries?",
        "CLAUDE_ORCHESTRATOR__EXECUTION__MAX_WORKER: execution.max_worker: there is no such key — did you mean CLAUDE_ORCHESTRATOR__EXECUTION__MAX_WORKERS?",
        "CLAUDE_ORCHESTRATOR__EXECUTION: execution: this is a section, not a key",
        "orchestrator_config.json: execution.max_workers: expected a whole number from 1 to 64, got "three" (text)",
        "orchestrator_config.json: execution.worker_timeout: expected a number from 1 to 604800, got 0 (number)",
        "orchestrator_config.json: execution.isolation: expected "auto", "worktree" or "none", got "worktre" (text) — did you mean "worktree"?",
        "orchestrator_config.json: verify.commands.0: expected a text that is not empty, got "" (text)",
        "orchestrator_config.json: budget.max_cost_usd: expected a number, more than 0 and at most 1000000 or null, got 0 (number)",
        "orchestrator_config.json: git: expected an object, got true (boolean)",
        "orchestrator_config.json: notifications.slack_webhook_url: expected an http or https address or null, got another text",
      ]
    `);
  });

  test('a reserve of the whole limit would leave a run nothing, for ever', () => {
    expect(load({ usage: { reserve_percent: 99 } }).ok).toBe(true);
    expect(problems({ usage: { reserve_percent: 100 } })).toEqual([
      'orchestrator_config.json: usage.reserve_percent: expected a number from 0 to 99, got 100 (number)',
    ]);
  });

  test.each([
    ['{"execution":{"max_workers":3,}}', 'line 1, column 31: a comma before "}" is one too many'],
    ['{\n  // workers\n}', 'line 2, column 3: expected a key in double quotes, got a comment'],
    ["{\n  'a': 1}", 'line 2, column 3: expected a key in double quotes'],
    ['{"a": 1\n"b": 2}', 'line 2, column 1: expected "," or "}"'],
    ['{"git":{},"git":{}}', 'line 1, column 11: the key "git" occurs twice'],
    ['{"a": "b\n"}', 'line 1, column 7: a string without its closing double quote'],
    ['{"a": "C:\\work"}', 'line 1, column 10: unknown escape'],
    ['{"a": tru}', 'expected a value, got "tru"'],
    ['{"a": 1', 'got the end of the file'],
    ['', 'the file is empty'],
    ['[]', 'expected an object'],
    ['null', 'expected an object'],
    ['['.repeat(100_000), 'nested deeper than 64 levels'],
  ])('of the syntax name line and column: %j', (text, message) => {
    expect(problems(text).join('\n')).toContain(message);
  });

  test('a byte order mark is no problem', () => {
    expect(good('\uFEFF{"execution":{"max_workers":4}}').config.execution.max_workers).toBe(4);
  });

  test('a file that is not UTF-8, a directory and a huge file', () => {
    const file = join(directory, 'odd');
    writeFileSync(file, Buffer.from([0x7b, 0xff, 0xfe, 0x7d]));
    expect(problems(undefined, { file }).join()).toContain('not UTF-8');
    writeFileSync(file, ' '.repeat(1_000_001));
    expect(problems(undefined, { file }).join()).toContain('at most 1000000 are read');
    mkdirSync(join(directory, 'folder'));
    expect(problems(undefined, { file: join(directory, 'folder') }).join()).toContain('this is a directory');
    expect(problems(undefined, { envFile: join(directory, 'folder') }).join()).toContain(
      'this is a directory',
    );
  });

  test('values that contradict each other', () => {
    expect(problems({ execution: { retry_base_delay: 90 } }).join()).toContain(
      'execution.retry_base_delay: expected at most execution.retry_max_delay, which is 60, got 90',
    );
  });

  test('a retired model names the id, the key and the alias', () => {
    expect(problems({ models: { worker: { model: 'claude-3-5-sonnet-20241022' } } })).toEqual([
      'orchestrator_config.json: models.worker.model: the model claude-3-5-sonnet-20241022 is retired — use the alias "sonnet", which follows the current models',
    ]);
    good({
      models: { worker: { model: 'claude-sonnet-5-5' }, manager: { model: 'claude-opus-4-1-20250805' } },
    });
  });
});

describe('secrets', () => {
  const KEY = 'sk-ant-api03-AAAAAAAAAAAAAAAA';

  test.each([
    [{ api_key: 'x' }, 'api_key'],
    [{ models: { manager: { apiKey: 'x' } } }, 'models.manager.apiKey'],
    [{ claude_cli: { environment: { ANTHROPIC_API_KEY: 'x' } } }, 'claude_cli.environment.ANTHROPIC_API_KEY'],
    [{ claude_cli: { settings: { env: { FOO: KEY } } } }, 'claude_cli.settings.env.FOO'],
    [{ models: { manager: { model: KEY } } }, 'models.manager.model'],
    [{ verify: { commands: ['true', `curl -H ${KEY}`] } }, 'verify.commands.1'],
  ])('in the file are errors that say where they belong: %j', (file, path) => {
    const found = problems(file);
    expect(found).toEqual([expect.stringContaining(`${path}: a secret does not belong in this file`)]);
    expect(found.join()).not.toContain(KEY);
  });

  test('come from .env, the environment wins, and nothing else of .env is taken', () => {
    const envFile = join(directory, '.env');
    writeFileSync(
      envFile,
      `\uFEFFANTHROPIC_API_KEY="from-file"\r\nexport CLAUDE_CODE_OAUTH_TOKEN='o'\r\nDATABASE_URL=x\r\nANTHROPIC_AUTH_TOKEN=\r\n`,
    );
    expect(good(undefined, { envFile }).secrets).toEqual({
      apiKey: 'from-file',
      authToken: null,
      oauthToken: 'o',
    });
    const { secrets, environment } = good(undefined, {
      envFile,
      env: { ANTHROPIC_API_KEY: 'real\n', CLAUDE_CODE_OAUTH_TOKEN: '' },
    });
    expect(secrets).toEqual({ apiKey: 'real', authToken: null, oauthToken: 'o' });
    expect(environment).not.toHaveProperty('DATABASE_URL');
  });
});

describe('webhooks', () => {
  const keys = ['notifications.slack_webhook_url', 'notifications.webhook_url'];

  test('have short variables too, in .env and in the environment', () => {
    const envFile = join(directory, '.env');
    writeFileSync(envFile, 'SLACK_WEBHOOK_URL=https://a.example/1\nNOTIFY_WEBHOOK_URL=https://a.example/2\n');
    const { config, origins } = good(
      { notifications: { webhook_url: 'https://a.example/file' } },
      { envFile, env: { NOTIFY_WEBHOOK_URL: 'https://a.example/3' } },
    );
    expect(config.notifications.slack_webhook_url).toBe('https://a.example/1');
    expect(config.notifications.webhook_url).toBe('https://a.example/3');
    expect(keys.map((key) => origins.get(key)?.source)).toEqual(['.env', 'environment']);
  });

  test('are shown by their host alone, and never in a problem', () => {
    for (const key of keys) {
      expect(hideSecrets(key, 'https://me:word@hooks.example/services/T0/B0/SECRETSECRET?key=SECRET42')).toBe(
        'https://hooks.example/…ET42',
      );
      const said = problems({
        notifications: { [key.split('.')[1] ?? '']: 'htps://hooks.example/SECRET' },
      }).join();
      expect(said).toContain(`${key}: expected an http or https address`);
      expect(said).not.toContain('SECRET');
    }
  });
});

describe('keys of earlier versions', () => {
  test('without a meaning are named in one warning', () => {
    const { config, warnings } = good({
      models: { manager: { model: 'opus', description: 'plans' } },
      execution: { task_queue_timeout: 1 },
      monitoring: { progress_interval: 10 },
      claude_cli: {
        flags: {
          verbose: false,
          dangerously_skip_permissions: true,
          allowed_tools: ['Edit'],
          output_format: 'text',
          append_system_prompt: 'x',
        },
      },
      locale: { language: 'en' },
    });
    expect(warnings).toEqual([
      'These keys have no meaning here and are ignored: models.manager.description, execution.task_queue_timeout, monitoring.progress_interval, claude_cli.flags.verbose, claude_cli.flags.output_format, locale.',
    ]);
    expect(config.claude_cli).toMatchObject({
      flags: { 'append-system-prompt': 'x' },
      allowed_tools: ['Edit'],
      permission_mode: 'bypassPermissions',
    });
  });

  test('a list of tools moves to its own key, also as the CLI writes it', () => {
    for (const tools of ['Bash,Edit WebFetch', ['Bash', 'Edit', 'WebFetch']])
      expect(good({ claude_cli: { flags: { tools } } }).config.claude_cli).toMatchObject({
        flags: {},
        tools: ['Bash', 'Edit', 'WebFetch'],
      });
  });

  test('a key of its own wins over the same thing in flags, wherever it stands', () => {
    const flags = { flags: { allowed_tools: ['A'] } };
    expect(good({ claude_cli: { ...flags, allowed_tools: ['B'] } }).config.claude_cli.allowed_tools).toEqual([
      'B',
    ]);
    expect(good({ claude_cli: { allowed_tools: ['B'], ...flags } }).config.claude_cli.allowed_tools).toEqual([
      'B',
    ]);
  });
});

test.each<[string[], string[], string]>([
  [
    ['WebFetch(domain:a.b)', 'WebFetch', 'Bash(npm test)', 'mcp__x__look'],
    ['Bash'],
    'allows WebFetch, which',
  ],
  [['Agent', 'Edit'], ['Bash'], 'allows Agent, Edit, which'],
  [['Agent'], ['default'], ''],
  [['Agent'], ['Agent'], ''],
])('rules %j for the tools %j: %s', (allowed_tools, tools, warning) => {
  const { warnings } = good({ claude_cli: { allowed_tools, tools } });
  expect(warnings).toHaveLength(warning === '' ? 0 : 1);
  expect(warnings.join()).toContain(warning);
});

test('the JSON Schema knows every key, and describes it', () => {
  const schema = configJsonSchema() as {
    properties: Record<string, { properties?: Record<string, unknown> }>;
  };
  expect(Object.keys(schema.properties)).toContain('$schema');
  expect(JSON.stringify(schema)).not.toContain('"properties":{}');
  for (const key of configKeys()) {
    const found = key
      .split('.')
      .reduce<unknown>(
        (at, name) => (at as { properties: Record<string, unknown> }).properties[name],
        schema,
      ) as { description?: string };
    expect(found.description, key).toMatch(/\w/);
  }
});

describe('whatever is in the file, the environment and .env', () => {
  const odd = fc.oneof(fc.jsonValue({ maxDepth: 4 }), fc.constantFrom('', -1, 1e308, '__proto__', {}, []));
  const names = fc.constantFrom(
    '$schema',
    '__proto__',
    'constructor',
    ...configKeys().flatMap((key) => key.split('.')),
  );
  const tree = fc.letrec((tie) => ({
    node: fc.oneof({ depthSize: 'small' }, odd, fc.dictionary(fc.oneof(names, fc.string()), tie('node'))),
  })).node;

  const outcome = (sources: ConfigSources) => {
    const loaded = loadConfig(sources);
    if (loaded.ok) configSchema.parse(loaded.value.config);
    else for (const problem of loaded.error) expect(formatProblem(problem)).toMatch(/^.{1,700}$/s);
    return loaded.ok;
  };

  test('any text is a configuration or a list of problems', () => {
    const file = join(directory, 'f.json');
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.json(), fc.uint8Array()), (text) => {
        writeFileSync(file, text);
        outcome({ file, envFile: undefined, env: {} });
      }),
      { numRuns: cases(2000) },
    );
  });

  test('any JSON of known and unknown keys too, and no prototype is touched', () => {
    const file = join(directory, 'f.json');
    fc.assert(
      fc.property(tree, (value) => {
        writeFileSync(file, JSON.stringify(value));
        outcome({ file, envFile: undefined, env: {} });
        expect(Object.keys(Object.prototype)).toEqual([]);
      }),
      { numRuns: cases(3000) },
    );
  });

  test('any environment and any .env too', () => {
    const envFile = join(directory, '.env');
    const variable = fc.oneof(
      fc.constantFrom(...configKeys().map(variableOf), 'ANTHROPIC_API_KEY', 'SLACK_WEBHOOK_URL'),
      fc.string().map((text) => `CLAUDE_ORCHESTRATOR__${text}`),
    );
    fc.assert(
      fc.property(fc.dictionary(variable, fc.oneof(fc.string(), fc.json())), fc.string(), (env, text) => {
        writeFileSync(envFile, text);
        outcome({ file: undefined, envFile, env });
      }),
      { numRuns: cases(3000) },
    );
  });
});
