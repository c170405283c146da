import type { Attempt } from '../../domain/attempt.ts';
import type { Payer } from '../../domain/billing.ts';
import type { Marker } from '../process/process-table.ts';
import { REPORT_JSON_SCHEMA } from './report.ts';

/** How the Claude CLI is called. It is the same for every attempt of a run. */
export interface ClaudeSettings {
  /** The program: a name on PATH or a path. */
  readonly command: string;
  /** Arguments before ours, for a command that is an interpreter. */
  readonly commandArguments?: readonly string[];
  /** The whole environment of the child, before we add and remove variables. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Who pays. For a subscription the child does not get the API key, since the CLI would prefer it. */
  readonly billing: Payer;
  /** The tools that a worker has. Other tools are not in its requests, so they cost nothing and cannot be called. */
  readonly tools: readonly string[];
  readonly permissionMode: string;
  readonly allowedTools: readonly string[];
  readonly disallowedTools: readonly string[];
  /** Any of `user`, `project` and `local`, separated by commas. Empty for none. */
  readonly settingSources: string;
  /** A settings file or its JSON. */
  readonly settings: string | null;
  readonly maxTurns: number | null;
  /** How often the CLI itself repeats a failed request. It waits longer each time. */
  readonly maxApiRetries: number;
  readonly bashDefaultTimeoutMs: number | null;
  readonly bashMaxTimeoutMs: number | null;
  readonly bashMaxOutputLength: number | null;
  /** The user's own text for the system prompt, placed after our rules. Empty for none. */
  readonly systemPrompt: string;
  /** The user's flags, unchanged. They come after ours, so that they win. */
  readonly extraFlags: readonly string[];
}

/** The arguments for one attempt. The prompt goes to stdin. `rules` are the same for all workers of a run. */
export function buildArguments(
  settings: ClaudeSettings,
  attempt: Pick<Attempt, 'sessionId' | 'forkedFrom' | 'model'>,
  how: { readonly resume: boolean; readonly maxCostUsd: number | null; readonly rules: string },
): string[] {
  const { tools, allowedTools, disallowedTools, maxTurns, systemPrompt } = settings;
  return [
    ...(settings.commandArguments ?? []),
    ...['-p', '--output-format', 'stream-json', '--verbose'],
    // Shows that a long reply is still being written, and what a killed process had used.
    '--include-partial-messages',
    ...sessionArguments(attempt, how.resume),
    ...['--model', attempt.model],
    `--tools=${tools.join(',')}`,
    // The API's cache serves a request up to the first byte that differs, so what differs comes last.
    '--exclude-dynamic-system-prompt-sections',
    ...['--append-system-prompt', [how.rules, systemPrompt].filter((text) => text !== '').join('\n\n')],
    ...['--permission-mode', settings.permissionMode],
    // Each rule is joined to its flag, since the flag would take every argument after it.
    ...allowedTools.map((rule) => `--allowedTools=${rule}`),
    ...disallowedTools.map((rule) => `--disallowedTools=${rule}`),
    `--setting-sources=${settings.settingSources}`,
    '--strict-mcp-config',
    ...(maxTurns === null ? [] : ['--max-turns', String(maxTurns)]),
    ...(how.maxCostUsd === null ? [] : ['--max-budget-usd', dollars(how.maxCostUsd)]),
    ...(settings.settings === null ? [] : ['--settings', settings.settings]),
    ...['--json-schema', REPORT_JSON_SCHEMA],
    ...settings.extraFlags,
  ];
}

function sessionArguments(
  { sessionId, forkedFrom }: Pick<Attempt, 'sessionId' | 'forkedFrom'>,
  resume: boolean,
): string[] {
  if (!resume) return ['--session-id', sessionId];
  if (forkedFrom === null) return ['--resume', sessionId];
  return ['--resume', forkedFrom, '--fork-session', '--session-id', sessionId];
}

/** Removes the inexact last digits of binary fractions, since the CLI repeats the number in its messages. */
function dollars(usd: number): string {
  return String(Number(usd.toPrecision(6)));
}

/** Variables that a Claude CLI sets for what it starts. A worker is not part of a session that may have started us. */
const OF_AN_OUTER_SESSION = ['CLAUDECODE', 'CLAUDE_CODE_ENTRYPOINT', 'CLAUDE_CODE_SESSION_ID', 'CLAUDE_PID'];

/** Addresses for notices about the run. Workers must not use them. */
const OF_THE_RUN = ['SLACK_WEBHOOK_URL', 'NOTIFY_WEBHOOK_URL'];

/**
 * Keeps out of every request what differs between directories and is of no use to our processes: the git status, how to
 * write commits, and notes for later sessions in the same directory.
 */
export const LEAN_ENVIRONMENT = {
  CLAUDE_CODE_DISABLE_GIT_INSTRUCTIONS: '1',
  CLAUDE_CODE_DISABLE_AUTO_MEMORY: '1',
};

/** The whole environment for one attempt. */
export function buildEnvironment(settings: ClaudeSettings, marker: Marker): Record<string, string> {
  const removed = new Set([...OF_AN_OUTER_SESSION, ...OF_THE_RUN]);
  if (settings.billing === 'subscription') removed.add('ANTHROPIC_API_KEY');
  const environment: Record<string, string> = {
    ...LEAN_ENVIRONMENT,
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
    DISABLE_AUTOUPDATER: '1',
    CLAUDE_CODE_DISABLE_BACKGROUND_TASKS: '1',
    CLAUDE_CODE_MAX_RETRIES: String(settings.maxApiRetries),
    ...numberVariable('BASH_DEFAULT_TIMEOUT_MS', settings.bashDefaultTimeoutMs),
    ...numberVariable('BASH_MAX_TIMEOUT_MS', settings.bashMaxTimeoutMs),
    ...numberVariable('BASH_MAX_OUTPUT_LENGTH', settings.bashMaxOutputLength),
  };
  for (const [name, value] of Object.entries(settings.environment))
    if (value !== undefined && !removed.has(name)) environment[name] = value;
  environment[marker.variable] = marker.value;
  return environment;
}

function numberVariable(name: string, value: number | null): Record<string, string> {
  return value === null ? {} : { [name]: String(value) };
}
