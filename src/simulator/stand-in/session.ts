import { appendFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A message as the Messages API takes it. */
export interface Message {
  readonly role: 'user' | 'assistant';
  readonly content: readonly Block[];
}

/** A content block, with the fields that the stand-in uses. */
export interface Block {
  readonly type: string;
  readonly text?: string;
  readonly id?: string;
  readonly name?: string;
  readonly input?: Readonly<Record<string, unknown>>;
  readonly tool_use_id?: string;
}

type Entry = { readonly message: Message } | { readonly costUsd: number };

const INTERRUPTED =
  "[Tool call interrupted: the session ended before this call's result was recorded, so its outcome is unknown.]";

/** A conversation, written to disk as it happens, so that the session of a killed process can be resumed. */
export class Session {
  readonly id: string;
  readonly messages: Message[] = [];
  /** What earlier processes of this session have spent. */
  readonly earlierCostUsd: number;
  readonly #file: string;

  private constructor(id: string, file: string, entries: readonly Entry[]) {
    this.id = id;
    this.#file = file;
    let costUsd = 0;
    for (const entry of entries) {
      if ('message' in entry) this.messages.push(entry.message);
      else costUsd = entry.costUsd;
    }
    this.earlierCostUsd = costUsd;
  }

  /** Creates a session; undefined if the id is taken. */
  static create(id: string, folder: string): Session | undefined {
    const file = fileOf(id, folder);
    if (existsSync(file)) return undefined;
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    appendFileSync(file, '', { mode: 0o600 });
    return new Session(id, file, []);
  }

  /** Opens an existing session; undefined if there is none with this id. */
  static resume(id: string, folder: string): Session | undefined {
    const file = fileOf(id, folder);
    if (!existsSync(file)) return undefined;
    const session = new Session(id, file, entries(readFileSync(file, 'utf8')));
    session.#settleOpenCalls();
    return session;
  }

  add(message: Message): void {
    this.messages.push(message);
    this.#write({ message });
  }

  /** Saves the total, for the process that resumes this session. */
  saveCost(costUsd: number): void {
    this.#write({ costUsd });
  }

  #settleOpenCalls(): void {
    const newest = this.messages.at(-1);
    const open =
      newest?.role === 'assistant' ? newest.content.filter((block) => block.type === 'tool_use') : [];
    if (open.length === 0) return;
    const content = open.map((call) => ({
      type: 'tool_result',
      tool_use_id: call.id ?? '',
      is_error: true,
      content: INTERRUPTED,
    }));
    this.add({ role: 'user', content });
  }

  #write(entry: Entry): void {
    appendFileSync(this.#file, `${JSON.stringify(entry)}\n`);
  }
}

function fileOf(id: string, folder: string): string {
  return join(folder, `${id}.jsonl`);
}

/** Parses the lines. A process that was killed while it wrote leaves half a line, which is skipped. */
function entries(content: string): Entry[] {
  return content.split('\n').flatMap((line) => {
    try {
      return line === '' ? [] : [JSON.parse(line) as Entry];
    } catch {
      return [];
    }
  });
}
