import { createReadStream } from 'node:fs';
import { LineSplitter } from '../../domain/text/line-splitter.ts';
import { parseStreamLine, readToolResults } from './stream-json.ts';

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
    const entry = line.includes('"Bash"') ? parseStreamLine(line) : undefined;
    if (entry?.kind === 'assistant') {
      for (const { type, name, id, input } of entry.line.message.content ?? [])
        if (type === 'tool_use' && name === 'Bash' && id !== undefined) this.#start(id, input ?? {});
    } else if (this.#open.size > 0 && line.includes('"tool_result"')) {
      for (const { id, isError } of readToolResults(line)) this.#end(id, isError === true);
    }
  }

  commands(): CommandRun[] {
    const gap =
      this.#leftOut === 0 ? [] : [{ command: `[… ${this.#leftOut} commands left out …]`, failed: false }];
    const kept = (calls: readonly Call[]): CommandRun[] =>
      calls.map(({ command, failed }) => ({ command, failed }));
    return [...kept(this.#first), ...gap, ...kept(this.#last)];
  }

  #start(id: string, { command, run_in_background: inBackground }: Record<string, unknown>): void {
    if (typeof command !== 'string' || this.#open.has(id)) return;
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

function shortened(command: string): string {
  if (command.length <= LONGEST) return command;
  const half = LONGEST / 2;
  return `${command.slice(0, half)} […] ${command.slice(-half)}`;
}
