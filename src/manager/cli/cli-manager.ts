import { isAbsolute, relative } from 'node:path';
import { execa } from 'execa';
import { z } from 'zod';
import type { ModelUsage } from '../../domain/attempt.ts';
import type { Failure } from '../../domain/failure.ts';
import { escapePrompt } from '../../domain/prompt-escape.ts';
import { err, ok, type Result } from '../../domain/result.ts';
import { LineSplitter } from '../../domain/text/line-splitter.ts';
import type { LimitObservation } from '../../domain/usage-limit.ts';
import { LEAN_ENVIRONMENT } from '../../worker/claude/command.ts';
import { readLimitObservation } from '../../worker/claude/limit-observation.ts';
import type { StreamLine } from '../../worker/claude/stream-json.ts';
import { Transcript, type TranscriptFacts } from '../../worker/claude/transcript.ts';
import { BoundedOutput } from '../../worker/process/bounded-output.ts';
import type { Marker, ProcessTable } from '../../worker/process/process-table.ts';
import { interrupted, timedOut, wrongForm } from '../api-failure.ts';
import type { Answer, Manager, Question, ManagerFailure } from '../manager.ts';
import { buildCorrectedPrompt } from '../prompts.ts';
import { readReply } from '../reply/read-reply.ts';
import { startWatchdog } from '../watchdog.ts';
import { cliFailure, notStarted } from './cli-failure.ts';

/** How the Claude CLI is called as a manager. */
export interface CliManagerOptions {
  /** The program: a name on PATH or a path. */
  readonly command: string;
  /** Arguments before ours, for a command that is an interpreter. */
  readonly commandArguments?: readonly string[];
  /** An alias or an id. The CLI resolves it. */
  readonly model: string;
  /** Who pays, for people: `Claude subscription`, `API key …abcd`. */
  readonly payer: string;
  /** The whole environment of the CLI, with the marker and without credentials that must not pay. */
  readonly environment: Readonly<Record<string, string>>;
  /** Carried in the environment of everything that the CLI starts. */
  readonly marker: Marker;
  /** The repository, which the manager may read. */
  readonly directory: string;
  /** A settings file or its JSON. */
  readonly settings: string | null;
  readonly timeoutMs: number;
  /** Time between SIGTERM and SIGKILL, in milliseconds. */
  readonly graceMs: number;
  readonly processes: Pick<ProcessTable, 'identify' | 'endTree' | 'endMarked'>;
  /** Gets what the API says about the account's limits. */
  readonly onLimits?: (observation: LimitObservation) => void;
}

/** The CLI refuses prompts above a size between one and three megabytes. */
const MAX_PROMPT_BYTES = 1_000_000;

const READ_TOOLS = ['Read', 'Grep', 'Glob'];
const WEB_TOOLS = ['WebSearch', 'WebFetch'];

/** What the manager must not read, since a PRD could ask it to reveal secrets. */
const SECRETS = ['Read(**/.env)', 'Read(**/.env.*)', 'Read(**/*.pem)', 'Read(**/id_*)'];

/** Creates a manager that uses the Claude CLI with tools that only read: one process for each question, no session. */
export function createCliManager(options: CliManagerOptions): Manager {
  return {
    description: `${options.model} via the Claude CLI, ${options.payer}`,
    maxPromptBytes: MAX_PROMPT_BYTES,
    ask: (question, signal) => ask(options, question, signal),
  };
}

async function ask<T>(
  options: CliManagerOptions,
  question: Question<T>,
  signal: AbortSignal,
): Promise<Result<Answer<T>, ManagerFailure>> {
  const startedAt = performance.now();
  const { prompt, correction } = question;
  const whole =
    correction === undefined ? prompt : buildCorrectedPrompt(prompt, correction.reply, correction.problems);
  const call = await run(options, cliArguments(options, question), escapePrompt(whole), signal);
  const cost = { usage: call.usage, durationMs: Math.round(performance.now() - startedAt) };
  if (!call.outcome.ok) return err({ ...cost, failure: call.outcome.error });

  const { output, text } = call.outcome.value;
  // Without a structured reply there is only prose, which may contain the reply.
  const reply = readReply(question, output === undefined ? { text } : { json: output });
  if (reply.ok) {
    const sources = question.research === true ? call.sources : [];
    return ok({
      ...cost,
      ...reply.value,
      text: output === undefined ? text : JSON.stringify(output),
      sources,
    });
  }
  const problems =
    output === undefined
      ? ['The reply was not given by the StructuredOutput tool.', ...reply.error]
      : reply.error;
  return err({
    ...cost,
    failure: wrongForm(options.model, problems),
    invalid: { reply: output === undefined ? text : JSON.stringify(output), problems },
  });
}

interface Call {
  readonly outcome: Result<{ readonly output: unknown; readonly text: string }, Failure>;
  readonly usage: readonly ModelUsage[];
  readonly sources: readonly string[];
}

/** Runs the CLI to its end. Nothing that it started is left when this resolves. */
async function run(
  options: CliManagerOptions,
  args: readonly string[],
  input: string,
  signal: AbortSignal,
): Promise<Call> {
  const { command, directory, environment, model, timeoutMs, processes, marker, graceMs } = options;
  const nothing = { usage: [], sources: [] };
  if (signal.aborted) return { ...nothing, outcome: err(interrupted()) };
  const watchdog = startWatchdog(signal, timeoutMs, timeoutMs);
  const child = execa(command, args, {
    cwd: directory,
    env: { ...LEAN_ENVIRONMENT, ...environment },
    extendEnv: false,
    input,
    buffer: false,
    reject: false,
    // In a group of its own it does not get Ctrl-C from the terminal. We end it ourselves.
    detached: true,
  });
  const transcript = new Transcript(false);
  const sources = new CliSources(directory);
  const lines = new LineSplitter((line) => {
    const entry = transcript.add(line);
    sources.add(entry);
    const observation = readLimitObservation(entry);
    if (observation !== undefined) options.onLimits?.(observation);
  });
  child.stdout.on('data', (chunk: Buffer) => lines.push(chunk));
  const stderr = new BoundedOutput(2_000, 4_000);
  child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));

  let ending: Promise<unknown> | undefined;
  const end = (): void => {
    const identity = child.pid === undefined ? undefined : processes.identify(child.pid);
    const ended = identity === undefined ? Promise.resolve() : processes.endTree(identity, { graceMs });
    // What it left behind may still hold its output open.
    ending = ended.then(() => processes.endMarked(marker, { graceMs }));
  };
  watchdog.signal.addEventListener('abort', end, { once: true });
  const exit = await child;
  watchdog.stop();
  await ending;
  await processes.endMarked(marker, { graceMs });
  lines.end();

  const facts = transcript.facts();
  const outcome = (): Call['outcome'] => {
    const isPaid = facts.result?.is_error === false;
    if (watchdog.cause === 'interrupted' && !isPaid) return err(interrupted());
    if (watchdog.cause !== undefined && !isPaid) return err(timedOut(model, timeoutMs));
    if (child.pid === undefined) return err(notStarted(command, directory, exit.code));
    return read(facts, options, stderr.toString());
  };
  return { outcome: outcome(), usage: facts.usage, sources: sources.seen() };
}

function read(facts: TranscriptFacts, { model, payer }: CliManagerOptions, stderr: string): Call['outcome'] {
  const { result } = facts;
  if (result === null || result.is_error !== false) return err(cliFailure(facts, model, payer, stderr));
  return ok({ output: result.structured_output, text: result.result ?? '' });
}

function cliArguments<T>(options: CliManagerOptions, { system, schema, research }: Question<T>): string[] {
  const tools = research === true ? [...READ_TOOLS, ...WEB_TOOLS] : READ_TOOLS;
  return [
    ...(options.commandArguments ?? []),
    ...['-p', '--output-format', 'stream-json', '--verbose'],
    // Shows what an aborted call had used.
    '--include-partial-messages',
    ...['--model', options.model],
    ...['--system-prompt', system],
    `--tools=${tools.join(',')}`,
    ...(research === true ? WEB_TOOLS.map((tool) => `--allowedTools=${tool}`) : []),
    ...SECRETS.map((rule) => `--disallowedTools=${rule}`),
    // Everything that is not allowed is denied without asking.
    ...['--permission-mode', 'dontAsk'],
    ...['--setting-sources=user', '--strict-mcp-config', '--no-session-persistence'],
    ...(options.settings === null ? [] : ['--settings', options.settings]),
    ...['--json-schema', JSON.stringify(formOf(schema))],
  ];
}

const BOUNDS = ['minLength', 'maxLength', 'minItems', 'maxItems', 'minimum', 'maximum'] as const;

/**
 * The form as the CLI gets it. Its validator supports no later draft, and sends back every reply that exceeds a bound or
 * uses another word, which costs money. So bounds and words are only described, and a reply that differs is mended here.
 */
function formOf(schema: z.ZodType): object {
  return z.toJSONSchema(schema, {
    target: 'draft-7',
    override: ({ jsonSchema }) => {
      const told = BOUNDS.flatMap((bound) => {
        const value = jsonSchema[bound];
        Reflect.deleteProperty(jsonSchema, bound);
        return value === undefined || Math.abs(value) === Number.MAX_SAFE_INTEGER
          ? []
          : [`${bound} ${value}`];
      });
      if (jsonSchema.enum !== undefined) told.push(`one of: ${jsonSchema.enum.join(', ')}`);
      Reflect.deleteProperty(jsonSchema, 'enum');
      if (told.length > 0) jsonSchema.description = told.join(', ');
    },
  });
}

/** Collects the web pages that a Claude CLI fetched and the files that it read. */
class CliSources {
  readonly #directory: string;
  readonly #seen = new Set<string>();

  /** Files in `directory` are named relative to it. */
  constructor(directory: string) {
    this.#directory = directory;
  }

  add(entry: StreamLine): void {
    if (entry.kind !== 'assistant') return;
    for (const { type, name, input } of entry.line.message.content ?? []) {
      if (type !== 'tool_use') continue;
      const source =
        name === 'WebFetch' ? input?.['url'] : name === 'Read' ? input?.['file_path'] : undefined;
      if (typeof source === 'string') this.#seen.add(name === 'Read' ? this.#short(source) : source);
    }
  }

  seen(): string[] {
    return [...this.#seen];
  }

  #short(path: string): string {
    if (!isAbsolute(path)) return path;
    const inside = relative(this.#directory, path);
    return inside.startsWith('..') ? path : inside;
  }
}
