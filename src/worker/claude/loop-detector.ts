import { createHash } from 'node:crypto';
import { singleLine } from '../../domain/text/printable.ts';
import { findSubject } from '../../domain/text/tool-subject.ts';
import { readToolResults, type AssistantLine } from './stream-json.ts';

/** A call that is made this often in a row, each time with the same result, is a loop. */
const SAME_CALL = 12;
/** A round of a few calls that is repeated this often is a loop. */
const SAME_ROUND = 8;
/** The most calls in one round. */
const LONGEST_ROUND = 4;
/** A line with longer results is not read. Its results count as new. */
const MAX_RESULT_BYTES = 2 ** 20;
/** The most agents that are watched at the same time, each separately. */
const MAX_AGENTS = 64;
/** The most calls of one agent that wait for their results. */
const MAX_OPEN = 64;

/**
 * Detects that a model works in a loop: it makes the same tool calls in the same order and gets the same results, byte
 * by byte. Results are read only if the same call was made shortly before, so a transcript in which every step differs
 * costs nothing to watch.
 */
export class LoopDetector {
  readonly #agents = new Map<string, Agent>();
  #loop: string | null = null;

  /** A sentence about the first loop that was found. Null if there was none. */
  get loop(): string | null {
    return this.#loop;
  }

  /** Adds the tool calls in a message of the model. */
  addCalls({ message, parent_tool_use_id: parent }: AssistantLine): void {
    for (const { type, id, name, input } of message.content ?? [])
      if (type === 'tool_use' && id !== undefined && name !== undefined)
        this.#agent(parent ?? '').call(id, describe(name, input ?? {}), digest([name, input]));
  }

  /** Adds a line with results of tools. */
  addResults(line: Buffer): void {
    for (const agent of this.#agents.values()) {
      if (!agent.waitsFor(line)) continue;
      for (const { id, content, isError } of line.length > MAX_RESULT_BYTES ? [] : readToolResults(line))
        this.#loop ??= agent.result(id, digest([content, isError])) ?? null;
    }
  }

  #agent(name: string): Agent {
    const agent = this.#agents.get(name) ?? new Agent();
    this.#agents.delete(name);
    this.#agents.set(name, agent);
    if (this.#agents.size > MAX_AGENTS) this.#agents.delete(this.#agents.keys().next().value ?? '');
    return agent;
  }
}

/** A call with its result. The key of a result that was not read equals no other key. */
interface Step {
  readonly call: string;
  readonly key: string;
}

class Agent {
  /** The keys of the last calls. */
  #calls: string[] = [];
  /** The last finished steps. */
  #steps: Step[] = [];
  readonly #open = new Map<string, Step>();
  /** By the length of a round: how many steps in a row equal the step one round earlier. */
  readonly #repeated = Array.from({ length: LONGEST_ROUND + 1 }, () => 0);
  #unread = 0;

  call(id: string, call: string, key: string): void {
    const isRepeated = this.#calls.includes(key);
    this.#calls = [...this.#calls, key].slice(-LONGEST_ROUND);
    if (!isRepeated) {
      this.#finish({ call, key: `unread ${this.#unread++}` });
      return;
    }
    this.#open.set(id, { call, key });
    if (this.#open.size > MAX_OPEN) this.#open.delete(this.#open.keys().next().value ?? '');
  }

  waitsFor(line: Buffer): boolean {
    for (const id of this.#open.keys()) if (line.includes(id)) return true;
    return false;
  }

  /** Returns a sentence about the loop that this result completes. Undefined if it completes none. */
  result(id: string, key: string): string | undefined {
    const open = this.#open.get(id);
    if (open === undefined) return undefined;
    this.#open.delete(id);
    this.#finish({ call: open.call, key: `${open.key} ${key}` });
    return this.#found();
  }

  #finish(step: Step): void {
    for (let round = 1; round <= LONGEST_ROUND; round++) {
      const isSame = this.#steps.at(-round)?.key === step.key;
      this.#repeated[round] = isSame ? (this.#repeated[round] ?? 0) + 1 : 0;
    }
    this.#steps = [...this.#steps, step].slice(-LONGEST_ROUND);
  }

  #found(): string | undefined {
    for (let round = 1; round <= LONGEST_ROUND; round++) {
      const times = round === 1 ? SAME_CALL : SAME_ROUND;
      if ((this.#repeated[round] ?? 0) < round * (times - 1)) continue;
      const calls = this.#steps.slice(-round).map(({ call }) => `\`${call}\``);
      return round === 1
        ? `It called ${calls.join('')} ${times} times in a row with the same result.`
        : `It called ${calls.join(', ')} in turn, ${times} times with the same results.`;
    }
    return undefined;
  }
}

const MAX_NAME = 80;

function describe(name: string, input: Readonly<Record<string, unknown>>): string {
  return singleLine(`${name} ${findSubject(input)?.value ?? ''}`, MAX_NAME).trim();
}

function digest(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('base64');
}
