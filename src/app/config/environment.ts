import { existsSync } from 'node:fs';
import { parse } from 'dotenv';
import { readTextFile } from './config-file.ts';
import { nearest } from '../../domain/text/nearest.ts';
import { unknownKey, type ConfigProblem } from './problem.ts';
import { shapeOf } from './fields.ts';
import { configKeys, schemaAt } from './schema.ts';

const PREFIX = 'CLAUDE_ORCHESTRATOR__';

/** Variables with names of their own that set a key. */
const WEBHOOKS = [
  { variable: 'SLACK_WEBHOOK_URL', path: ['notifications', 'slack_webhook_url'] },
  { variable: 'NOTIFY_WEBHOOK_URL', path: ['notifications', 'webhook_url'] },
] as const;

/** Names in `.env` that are ours to read; everything else there belongs to the user's own program. */
const OURS = /^(?:ANTHROPIC_|CLAUDE_)|^(?:SLACK|NOTIFY)_WEBHOOK_URL$/;

/** The environment of a process. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Credentials, which come from the environment or from `.env` only. */
export interface Secrets {
  /** `ANTHROPIC_API_KEY`. */
  readonly apiKey: string | null;
  /** `ANTHROPIC_AUTH_TOKEN`, for gateways. */
  readonly authToken: string | null;
  /** `CLAUDE_CODE_OAUTH_TOKEN`, a subscription's token. */
  readonly oauthToken: string | null;
}

/** A value for a key, as the environment gives it. */
export interface Setting {
  readonly path: readonly string[];
  readonly value: unknown;
  readonly variable: string;
}

/** The environment with what `.env` adds to it; a variable that is set wins over one in `.env`. */
export function mergeEnvFile(
  env: Environment,
  envFile: string | undefined,
): { environment: Record<string, string>; fromFile: ReadonlySet<string>; problems: ConfigProblem[] } {
  const environment: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) if (value !== undefined) environment[name] = value;
  const fromFile = new Set<string>();
  if (envFile === undefined || !existsSync(envFile)) return { environment, fromFile, problems: [] };
  const text = readTextFile(envFile);
  if (!text.ok)
    return { environment, fromFile, problems: [{ path: '', source: envFile, message: text.error }] };
  for (const [name, value] of Object.entries(parse(text.value))) {
    // An empty variable counts as not set: CI systems set a missing secret to an empty text.
    if (!OURS.test(name) || value.trim() === '' || (environment[name] ?? '').trim() !== '') continue;
    environment[name] = value.trim();
    fromFile.add(name);
  }
  return { environment, fromFile, problems: [] };
}

/** The credentials in an environment. */
export function secretsOf(environment: Environment): Secrets {
  const secret = (name: string) => {
    const value = environment[name]?.trim() ?? '';
    return value === '' ? null : value;
  };
  return {
    apiKey: secret('ANTHROPIC_API_KEY'),
    authToken: secret('ANTHROPIC_AUTH_TOKEN'),
    oauthToken: secret('CLAUDE_CODE_OAUTH_TOKEN'),
  };
}

/**
 * The settings that an environment makes: `CLAUDE_ORCHESTRATOR__EXECUTION__MAX_WORKERS=5` is
 * `execution.max_workers: 5`, and every other key works alike. Lists and objects are JSON. An empty variable counts as
 * not set.
 */
export function settingsOf(environment: Environment): { settings: Setting[]; problems: ConfigProblem[] } {
  const settings: Setting[] = [];
  const problems: ConfigProblem[] = [];
  for (const { variable, path } of WEBHOOKS) {
    const value = environment[variable]?.trim() ?? '';
    if (value !== '') settings.push({ path, value, variable });
  }
  for (const [variable, text] of Object.entries(environment)) {
    if (!variable.startsWith(PREFIX) || text === undefined || text.trim() === '') continue;
    const path = variable.slice(PREFIX.length).toLowerCase().split('__');
    const schema = schemaAt(path);
    if (schema !== undefined && shapeOf(schema) !== undefined) {
      problems.push({ path: path.join('.'), source: variable, message: 'this is a section, not a key' });
      continue;
    }
    if (schema === undefined) {
      const meant = nearest(variable, configKeys().map(variableOf));
      problems.push({
        ...unknownKey(path, variable),
        ...(meant === undefined ? {} : { fix: `did you mean ${meant}?` }),
      });
      continue;
    }
    const value = readings(text.trim()).find((reading) => schema.safeParse(reading).success);
    settings.push({ path, value: value === undefined ? text.trim() : value, variable });
  }
  return { settings, problems };
}

/** The environment variable that sets a key. */
export function variableOf(key: string): string {
  return `${PREFIX}${key.replaceAll('.', '__').toUpperCase()}`;
}

/** Every value that a text can stand for, in the order in which they are tried against the key's schema. */
function readings(text: string): unknown[] {
  const word = /^(?:(1|true|yes|on)|0|false|no|off)$/i.exec(text);
  return [
    ...(text === 'null' ? [null] : []),
    text,
    ...parsedJson(text),
    ...(word === null ? [] : [word[1] !== undefined]),
    [text],
    text.split(',').map((item) => item.trim()),
  ];
}

function parsedJson(text: string): unknown[] {
  try {
    return [JSON.parse(text)];
  } catch {
    return [];
  }
}
