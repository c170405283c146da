import { configJsonSchema } from '../config/schema.ts';
import type { Stack } from '../contract/init.ts';

/** The schema of the configuration, relative to the project; it lies there so that editors need no network. */
export const SCHEMA_FILE = '.taskmaster/config.schema.json';

/** The content of `.env.example`, and of the `.env` that `init` makes. */
export const ENV_TEMPLATE = `# Secrets of claude-orchestrator. This file stays on your machine: git ignores .env.
# A variable that is set in your environment wins over the one here.

# The manager's API key, from https://platform.claude.com. Leave it empty to use a Claude
# subscription: then log in once by starting \`claude\`.
ANTHROPIC_API_KEY=

# A subscription's token for machines without a browser, made by \`claude setup-token\`.
# CLAUDE_CODE_OAUTH_TOKEN=

# Where the API is, if not at Anthropic's own address.
# ANTHROPIC_BASE_URL=

# A Slack incoming webhook for notifications.
# SLACK_WEBHOOK_URL=

# An address of your own that gets notices as JSON.
# NOTIFY_WEBHOOK_URL=

# Every key of orchestrator_config.json can be set by a variable too, for example:
# CLAUDE_ORCHESTRATOR__EXECUTION__MAX_WORKERS=5
`;

/** A first configuration: the keys that people change most, and what was detected. */
export function configTemplate(stacks: readonly Stack[], schema = `./${SCHEMA_FILE}`): string {
  return toJson({
    ...(schema === '' ? {} : { $schema: schema }),
    models: { manager: { model: 'opus' }, worker: { model: 'sonnet' } },
    execution: { max_workers: 3, worker_timeout: 1800 },
    verify: { commands: unique(stacks.flatMap(({ verify }) => verify)) },
    claude_cli: { allowed_tools: unique(stacks.flatMap(({ allowedTools }) => allowedTools)) },
  });
}

/** The JSON Schema of the configuration, as a file. */
export function schemaTemplate(): string {
  return toJson(configJsonSchema());
}

function unique(texts: readonly string[]): string[] {
  return [...new Set(texts)];
}

function toJson(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

/** What git must never see: credentials, and the state of this machine's runs. */
export const IGNORED_LINES: readonly string[] = [
  '.env',
  '.taskmaster/tasks.db*',
  '.taskmaster/attempts/',
  '.taskmaster/logs/',
];

/**
 * Adds the lines that a `.gitignore` lacks; undefined if it lacks none. Its bytes stay as they are, and new lines end
 * as its lines do.
 */
export function completeGitignore(
  current: Buffer,
  lines: readonly string[] = IGNORED_LINES,
): Buffer | undefined {
  // Read with one character for each byte, so that bytes that are not UTF-8 survive.
  const text = current.toString('latin1');
  const present = new Set(text.split(/\r?\n/).map(normal));
  const missing = lines.filter((line) => !present.has(normal(line)));
  if (missing.length === 0) return undefined;
  const end = /\r\n/.test(text) ? '\r\n' : '\n';
  const before = text === '' || text.endsWith('\n') ? '' : end;
  const gap = text === '' ? '' : end;
  const added = `${before}${gap}# claude-orchestrator${end}${missing.map((line) => line + end).join('')}`;
  return Buffer.concat([current, Buffer.from(added, 'latin1')]);
}

function normal(line: string): string {
  return line.trim().replace(/^\//, '').replace(/\/$/, '');
}
