/** The options that the stand-in supports. */
export interface Options {
  readonly sessionId: string | undefined;
  readonly resume: string | undefined;
  readonly model: string;
  readonly permissionMode: string;
  readonly allowedTools: readonly string[];
  readonly jsonSchema: Readonly<Record<string, unknown>> | undefined;
  readonly maxTurns: number;
  readonly maxBudgetUsd: number;
  readonly partialMessages: boolean;
  /** A prompt given as an argument. */
  readonly prompt: string | undefined;
}

const ALIASES: Readonly<Record<string, string>> = {
  sonnet: 'claude-sonnet-5-5',
  opus: 'claude-opus-5-5',
  haiku: 'claude-haiku-5-5',
  fable: 'claude-fable-5-2',
};

const SWITCHES = [
  '-p',
  '--print',
  '--verbose',
  '--strict-mcp-config',
  '--include-partial-messages',
  '--exclude-dynamic-system-prompt-sections',
];
const VALUES = [
  '--output-format',
  '--session-id',
  '--resume',
  '--model',
  '--permission-mode',
  '--json-schema',
  '--max-turns',
  '--max-budget-usd',
  '--setting-sources',
  '--settings',
  '--append-system-prompt',
  '--effort',
  '--fallback-model',
];
const LISTS = ['--allowedTools', '--disallowedTools', '--tools', '--add-dir', '--mcp-config'];

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** Parses the arguments. A string is the error that the Claude CLI would print before it does anything. */
export function parseOptions(argv: readonly string[]): Options | string {
  const given = new Map<string, string[]>();
  const rest: string[] = [];
  for (let index = 0; index < argv.length; index++) {
    const [flag, attached] = split(argv[index] ?? '');
    if (!flag.startsWith('-')) {
      rest.push(flag);
      continue;
    }
    const values = given.get(flag) ?? [];
    given.set(flag, values);
    const next = (): string | undefined => {
      const value = argv[index + 1];
      if (value === undefined) return undefined;
      index++;
      return value;
    };
    if (SWITCHES.includes(flag)) continue;
    if (VALUES.includes(flag)) {
      const value = attached ?? next();
      if (value === undefined) return `error: option '${flag} <value>' argument missing`;
      values.push(value);
    } else if (LISTS.includes(flag)) {
      if (attached !== undefined) values.push(attached);
      else while (argv[index + 1]?.startsWith('-') === false) values.push(next() ?? '');
    } else return `error: unknown option '${flag}'`;
  }
  return checked(given, rest);
}

function checked(given: ReadonlyMap<string, readonly string[]>, rest: readonly string[]): Options | string {
  const last = (flag: string): string | undefined => given.get(flag)?.at(-1);
  if (last('--output-format') !== 'stream-json' || !given.has('--verbose')) {
    return 'Error: the stand-in speaks only --output-format stream-json, which requires --verbose';
  }
  const [sessionId, resume] = [last('--session-id'), last('--resume')];
  if (sessionId !== undefined && !UUID.test(sessionId))
    return 'Error: Invalid session ID. Must be a valid UUID.';
  if (sessionId !== undefined && resume !== undefined) {
    return 'Error: --session-id cannot be used with --resume without --fork-session.';
  }
  const model = last('--model') ?? 'opus';
  let jsonSchema: Options['jsonSchema'];
  try {
    const schema = last('--json-schema');
    if (schema !== undefined) jsonSchema = JSON.parse(schema) as Record<string, unknown>;
  } catch {
    return 'Error: --json-schema is not valid JSON';
  }
  return {
    sessionId,
    resume,
    model: ALIASES[model] ?? model,
    permissionMode: last('--permission-mode') ?? 'default',
    allowedTools: (given.get('--allowedTools') ?? []).flatMap(rules),
    jsonSchema,
    maxTurns: Number(last('--max-turns') ?? Infinity),
    maxBudgetUsd: Number(last('--max-budget-usd') ?? Infinity),
    partialMessages: given.has('--include-partial-messages'),
    prompt: rest[0],
  };
}

function split(argument: string): [flag: string, attached?: string] {
  const at = argument.indexOf('=');
  return argument.startsWith('--') && at > 0 ? [argument.slice(0, at), argument.slice(at + 1)] : [argument];
}

/** Rules are separated by commas or spaces, but not inside their parentheses. */
function rules(list: string): string[] {
  return list.match(/[^\s,(]+(?:\([^)]*\))?/g) ?? [];
}
