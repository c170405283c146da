import { mergeEnvFile, secretsOf, settingsOf, type Environment, type Secrets } from './environment.ts';
import { readConfigFile } from './config-file.ts';
import { isLegacyKey, sortFlags } from './legacy.ts';
import { problemsOf, unknownKey, type ConfigProblem } from './problem.ts';
import { shapeOf } from './fields.ts';
import { configKeys, configSchema, schemaAt, type Config } from './schema.ts';
import { findSecrets } from './secrets.ts';
import { err, ok, type Result } from '../../domain/result.ts';

export type { Config, ConfigProblem, Secrets };

/** Where a configuration comes from. Later sources win: defaults, file, `.env`, environment, flags. */
export interface ConfigSources {
  readonly file: string | undefined;
  readonly envFile: string | undefined;
  readonly env: Environment;
  /** Values by dotted path; undefined ones are left out. */
  readonly flags?: Readonly<Record<string, unknown>>;
}

/** Where one value comes from. */
interface Origin {
  readonly source: 'default' | 'file' | '.env' | 'environment' | 'flag';
  /** The file or the variable; empty for defaults and flags. */
  readonly name: string;
}

/** A configuration that has been checked. */
export interface LoadedConfig {
  readonly config: Config;
  /** By dotted path, for every key. */
  readonly origins: ReadonlyMap<string, Origin>;
  /** Sentences for people. */
  readonly warnings: readonly string[];
  readonly secrets: Secrets;
  /** The environment for child processes: the process's own, and what `.env` adds to it. */
  readonly environment: Readonly<Record<string, string>>;
}

/** Reads, merges and checks the configuration. The error holds every problem, not only the first one. */
export function loadConfig(sources: ConfigSources): Result<LoadedConfig, ConfigProblem[]> {
  const draft = new Draft();
  if (sources.file !== undefined) {
    const file = readConfigFile(sources.file);
    if (file.ok) draft.addFile(file.value, sources.file);
    else draft.problems.push(file.error);
  }
  const { environment, fromFile, problems } = mergeEnvFile(sources.env, sources.envFile);
  const given = settingsOf(environment);
  draft.problems.push(...problems, ...given.problems);
  for (const { path, value, variable } of given.settings)
    draft.set(path, value, { source: fromFile.has(variable) ? '.env' : 'environment', name: variable });
  for (const [path, value] of Object.entries(sources.flags ?? {}))
    if (value !== undefined) draft.set(path.split('.'), value, { source: 'flag', name: '' });
  const parsed = draft.parse();
  if (!parsed.ok) return parsed;
  const origins = new Map<string, Origin>(
    configKeys().map((key) => [key, draft.origins.get(key) ?? { source: 'default', name: '' }]),
  );
  return ok({
    config: parsed.value,
    origins,
    warnings: [...warningsFor(draft.legacy), ...missingTools(parsed.value)],
    secrets: secretsOf(environment),
    environment,
  });
}

/** The value of a key. */
export function configValue(config: Config, key: string): unknown {
  return key.split('.').reduce<unknown>((value, name) => (value as Record<string, unknown>)[name], config);
}

/** What the sources say together, before all of it is checked. */
class Draft {
  readonly problems: ConfigProblem[] = [];
  readonly origins = new Map<string, Origin>();
  readonly legacy: string[] = [];
  readonly #tree: Record<string, unknown> = {};

  addFile(value: Record<string, unknown>, file: string): void {
    const secrets = findSecrets(value);
    for (const path of secrets) {
      this.problems.push({
        path,
        source: file,
        message: 'a secret does not belong in this file',
        fix: 'put it into .env or the environment (ANTHROPIC_API_KEY=…), remove it here, and replace it if it was ever committed',
      });
    }
    this.#addSection(value, [], file, new Set(secrets));
  }

  #addSection(value: object, parent: readonly string[], file: string, secrets: ReadonlySet<string>): void {
    for (const [key, inner] of Object.entries(value) as [string, unknown][]) {
      const path = [...parent, key];
      const dotted = path.join('.');
      const schema = schemaAt(path);
      if (isLegacyKey(dotted)) this.legacy.push(dotted);
      else if (schema === undefined) {
        if (!secrets.has(dotted)) this.problems.push(unknownKey(path, file));
      } else if (shapeOf(schema) !== undefined && isObject(inner))
        this.#addSection(inner, path, file, secrets);
      else if (dotted === 'claude_cli.flags' && isObject(inner)) this.#addFlags(inner, file);
      else this.set(path, inner, { source: 'file', name: file });
    }
  }

  #addFlags(given: Readonly<Record<string, unknown>>, file: string): void {
    const { flags, moved, legacy } = sortFlags(given);
    this.legacy.push(...legacy.map((name) => `claude_cli.flags.${name}`));
    this.set(['claude_cli', 'flags'], flags, { source: 'file', name: file });
    for (const [key, value] of Object.entries(moved)) {
      if (!this.origins.has(key)) this.set(key.split('.'), value, { source: 'file', name: file });
    }
  }

  set(path: readonly string[], value: unknown, origin: Origin): void {
    let section: Record<string, unknown> = this.#tree;
    for (const key of path.slice(0, -1)) {
      const inner = section[key] ?? {};
      // A section that is not an object is already a problem, so its keys are left out.
      if (!isObject(inner)) return;
      section[key] = inner;
      section = inner;
    }
    section[path.at(-1) ?? ''] = value;
    this.origins.set(path.join('.'), origin);
  }

  parse(): Result<Config, ConfigProblem[]> {
    const parsed = configSchema.safeParse(this.#tree);
    const sourceOf = (path: string) => this.#sourceOf(path);
    if (!parsed.success) this.problems.push(...problemsOf(parsed.error, this.#tree, sourceOf));
    else this.problems.push(...contradictions(parsed.data, sourceOf));
    return parsed.success && this.problems.length === 0 ? ok(parsed.data) : err(this.problems);
  }

  #sourceOf(path: string): string {
    for (let key = path; key !== ''; key = key.slice(0, Math.max(0, key.lastIndexOf('.')))) {
      const origin = this.origins.get(key);
      if (origin !== undefined) return origin.source === 'flag' ? 'command line' : origin.name;
    }
    return '';
  }
}

const RETIRED_MODEL = /^claude-(?:instant|v?[0-3])(?:[-.]|$)/;

function contradictions(config: Config, sourceOf: (path: string) => string): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const { execution, models } = config;
  for (const role of ['manager', 'worker'] as const) {
    const id = models[role].model;
    const path = `models.${role}.model`;
    if (RETIRED_MODEL.test(id))
      problems.push({
        path,
        source: sourceOf(path),
        message: `the model ${id} is retired`,
        fix: `use the alias "${role === 'manager' ? 'opus' : 'sonnet'}", which follows the current models`,
      });
  }
  for (const [low, high] of [
    ['retry_base_delay', 'retry_max_delay'],
    ['bash_default_timeout_ms', 'bash_max_timeout_ms'],
  ] as const) {
    const path = `execution.${low}`;
    if (execution[low] > execution[high])
      problems.push({
        path,
        source: sourceOf(path) || sourceOf(`execution.${high}`),
        message: `expected at most execution.${high}, which is ${execution[high]}, got ${execution[low]}`,
      });
  }
  return problems;
}

function warningsFor(legacy: readonly string[]): string[] {
  if (legacy.length === 0) return [];
  return [`These keys have no meaning here and are ignored: ${legacy.join(', ')}.`];
}

/** A rule that allows a tool has no effect where workers do not have the tool. */
function missingTools({ claude_cli: { tools, allowed_tools: rules } }: Config): string[] {
  if (tools.includes('default')) return [];
  const allowed = rules.map((rule) => rule.replace(/\(.*/s, '').trim());
  const missing = [...new Set(allowed)].filter((name) => !name.startsWith('mcp__') && !tools.includes(name));
  if (missing.length === 0) return [];
  return [
    `claude_cli.allowed_tools allows ${missing.join(', ')}, which workers do not have: add it to claude_cli.tools, or take the rule out.`,
  ];
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
