import { createReadStream } from 'node:fs';
import { z } from 'zod';
import { LineSplitter } from '../../domain/text/line-splitter.ts';

/** A shell command that a worker ran. */
interface CommandRun {
  readonly command: string;
  /** True if it ended with an error, was denied, or its end was never seen. */
  readonly failed: boolean;
}

/** How many commands of the beginning and of the end are kept. */
const FIRST = 100;
const LAST = 400;
/** Of a longer command the beginning and the end are kept. In characters. */
const LONGEST = 2_000;

/**
 * Reads the shell commands in the stream-json transcripts of a session's attempts, in order. A missing transcript has
 * none. If there are very many, those in the middle are only counted, in an entry of their own.
 */
export async function readCommands(...transcripts: readonly string[]): Promise<CommandRun[]> {
  const log = new CommandLog();
  for (const transcript of transcripts) await readInto(log, transcript);
  return log.commands();
}

async function readInto(log: CommandLog, transcript: string): Promise<void> {
  const lines = new LineSplitter((line) => {
    if (line.kind === 'line') log.add(line.bytes);
  });
  try {
    for await (const chunk of createReadStream(transcript)) lines.push(chunk as Buffer);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
  lines.end();
}

interface Call {
  readonly id: string;
  readonly command: string;
  failed: boolean;
}

/** Matches calls with their results, line by line. */
class CommandLog {
  readonly #first: Call[] = [];
  readonly #last: Call[] = [];
  #leftOut = 0;
  readonly #open = new Map<string, Call>();

  add(line: Buffer): void {
    // Nearly all lines of a transcript are something else and are not parsed.
    const isCall = line.includes('"Bash"');
    const isResult = this.#open.size > 0 && line.includes('"tool_result"');
    if (!isCall && !isResult) return;
    for (const block of blocksOf(line)) {
      const call = callSchema.safeParse(block);
      if (call.success) this.#start(call.data.id, call.data.input);
      const result = resultSchema.safeParse(block);
      if (result.success) this.#end(result.data.tool_use_id, result.data.is_error === true);
    }
  }

  commands(): CommandRun[] {
    const gap =
      this.#leftOut === 0 ? [] : [{ command: `[… ${this.#leftOut} commands left out …]`, failed: false }];
    const kept = (calls: readonly Call[]): CommandRun[] =>
      calls.map(({ command, failed }) => ({ command, failed }));
    return [...kept(this.#first), ...gap, ...kept(this.#last)];
  }

  #start(id: string, { command, run_in_background: inBackground }: z.infer<typeof inputSchema>): void {
    if (this.#open.has(id)) return;
    // The result of a background command says only that it was started. The mark `&` says that it may still fail.
    const text = inBackground === true ? `${command} &` : command;
    const call = { id, command: shortened(text), failed: true };
    this.#open.set(id, call);
    if (this.#first.length < FIRST) this.#first.push(call);
    else this.#last.push(call);
    if (this.#last.length <= LAST) return;
    this.#open.delete(this.#last.shift()?.id ?? '');
    this.#leftOut++;
  }

  #end(id: string, failed: boolean): void {
    const call = this.#open.get(id);
    if (call === undefined) return;
    call.failed = failed;
    this.#open.delete(id);
  }
}

const lineSchema = z.object({
  type: z.enum(['assistant', 'user']),
  message: z.object({ content: z.array(z.unknown()) }),
});
const inputSchema = z.object({
  command: z.string(),
  run_in_background: z.boolean().optional().catch(undefined),
});
const callSchema = z.object({
  type: z.literal('tool_use'),
  name: z.literal('Bash'),
  id: z.string(),
  input: inputSchema,
});
const resultSchema = z.object({
  type: z.literal('tool_result'),
  tool_use_id: z.string(),
  is_error: z.boolean().optional().catch(undefined),
});

function blocksOf(line: Buffer): readonly unknown[] {
  try {
    const parsed = lineSchema.safeParse(JSON.parse(line.toString()));
    return parsed.success ? parsed.data.message.content : [];
  } catch {
    return [];
  }
}

function shortened(command: string): string {
  if (command.length <= LONGEST) return command;
  const half = LONGEST / 2;
  return `${command.slice(0, half)} […] ${command.slice(-half)}`;
}
