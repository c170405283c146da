import type { Attempt } from '../../domain/attempt.ts';
import type { Marker } from '../process/process-table.ts';
import { REPORT_JSON_SCHEMA } from './report.ts';

/** How the Claude CLI is called; the same for every attempt of a run. */
export interface ClaudeSettings {
  /** The program: a name on PATH or a path. */
  readonly command: string;
  /** Arguments that come before ours, for a command that is an interpreter. */
  readonly commandArguments?: readonly string[];
  /** The whole environment of the child, before what we add and remove. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Who pays: for a subscription the API key is kept from the child, since the CLI prefers it. */
  readonly billing: 'api_key' | 'subscription';
  /** The tools that a worker has; what is not in its requests costs nothing in any turn, and cannot be called. */
  readonly tools: readonly string[];
  readonly permissionMode: string;
  readonly allowedTools: readonly string[];
  readonly disallowedTools: readonly string[];
  /** `user`, `project` and `local`, separated by commas; empty for none. */
  readonly settingSources: string;
  /** A settings file or its JSON. */
  readonly settings: string | null;
  readonly maxTurns: number | null;
  /** How often the CLI itself repeats a failed request, each time waiting longer. */
  readonly maxApiRetries: number;
  readonly bashDefaultTimeoutMs: number | null;
  readonly bashMaxTimeoutMs: number | null;
  readonly bashMaxOutputLength: number | null;
  /** Text of the user's own for the system prompt, after our rules; empty for none. */
  readonly systemPrompt: string;
  /** Taken as they are, after ours, so that they win. */
  readonly extraFlags: readonly string[];
}

/** The arguments for one attempt; the prompt comes by stdin. `rules` are the same for all workers of a run. */
export function claudeArguments(
  settings: ClaudeSettings,
  attempt: Pick<Attempt, 'sessionId' | 'forkedFrom' | 'model'>,
  how: { readonly resume: boolean; readonly maxCostUsd: number | null; readonly rules: string },
): string[] {
  const { tools, allowedTools, disallowedTools, maxTurns, systemPrompt } = settings;
  return [
    ...(settings.commandArguments ?? []),
    ...['-p', '--output-format', 'stream-json', '--verbose'],
    // Tells that a long reply is alive, and what a killed process had used.
    '--include-partial-messages',
    ...sessionArguments(attempt, how.resume),
    ...['--model', attempt.model],
    `--tools=${tools.join(',')}`,
    // A request is served from the API's cache up to the first byte that differs: what differs has to come last.
    '--exclude-dynamic-system-prompt-sections',
    ...['--append-system-prompt', [how.rules, systemPrompt].filter((text) => text !== '').join('\n\n')],
    ...['--permission-mode', settings.permissionMode],
    // One argument each, joined to its flag: the flag would swallow whatever follows it.
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

/** The CLI repeats the number in what it says, so what binary fractions leave over is taken off. */
function dollars(usd: number): string {
  return String(Number(usd.toPrecision(6)));
}

/** Set by a Claude CLI for what it starts; a worker is not part of the session that may have started us. */
const OF_AN_OUTER_SESSION = ['CLAUDECODE', 'CLAUDE_CODE_ENTRYPOINT', 'CLAUDE_CODE_SESSION_ID', 'CLAUDE_PID'];

/** Where people are told of the run, which is not for workers to use. */
const OF_THE_RUN = ['SLACK_WEBHOOK_URL', 'NOTIFY_WEBHOOK_URL'];

/**
 * Keeps out of every request what differs from one directory to the next and serves no process of ours: the git status,
 * how to write commits, and notes for later sessions in the same directory.
 */
export const LEAN_ENVIRONMENT = {
  CLAUDE_CODE_DISABLE_GIT_INSTRUCTIONS: '1',
  CLAUDE_CODE_DISABLE_AUTO_MEMORY: '1',
};

/** The whole environment for one attempt. */
export function claudeEnvironment(settings: ClaudeSettings, marker: Marker): Record<string, string> {
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
