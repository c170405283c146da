import type { ModelUsage } from '../../domain/attempt.ts';
import type { SplitLine } from '../../domain/text/line-splitter.ts';
import { LoopDetector } from './loop-detector.ts';
import {
  parseStreamLine,
  toCharge,
  type AssistantLine,
  type RateLimitInfo,
  type ResultLine,
  type StreamLine,
} from './stream-json.ts';
import { UsageMeter } from './usage-meter.ts';

/** What a transcript has said so far: everything by which the end of a process is judged. */
export interface TranscriptFacts {
  /** The CLI has started its work. */
  readonly started: boolean;
  readonly result: ResultLine | null;
  /** The model kept working after the last result: another turn had begun. */
  readonly workedAfterResult: boolean;
  /** The last message that the CLI itself wrote in place of the model, to report an error. */
  readonly apiError: AssistantLine | null;
  readonly rateLimit: RateLimitInfo | null;
  readonly usage: readonly ModelUsage[];
  /** The size of the session at the model's last reply, in tokens. Null before the first reply. */
  readonly contextTokens: number | null;
  /** A sentence about the loop in which the model worked. Null if there was none. */
  readonly loop: string | null;
  /** The length of the longest line that was too long to be read, in bytes. 0 if all were read. */
  readonly oversizedLine: number;
}

/** Collects {@link TranscriptFacts} line by line and keeps only the lines that matter. */
export class Transcript {
  #started = false;
  #result: ResultLine | null = null;
  #workedAfterResult = false;
  #apiError: AssistantLine | null = null;
  #rateLimit: RateLimitInfo | null = null;
  #oversizedLine = 0;
  #contextTokens: number | null = null;
  readonly #meter: UsageMeter;
  readonly #loops = new LoopDetector();

  /** `resumed`: the session had earlier processes. */
  constructor(resumed: boolean) {
    this.#meter = new UsageMeter(resumed);
  }

  /** Adds a line and returns what it is. */
  add(line: SplitLine): StreamLine {
    if (line.kind === 'oversized') {
      this.#oversizedLine = Math.max(this.#oversizedLine, line.byteLength);
      return { kind: 'garbage' };
    }
    const entry = parseStreamLine(line.bytes);
    this.#meter.add(entry);
    this.#note(entry);
    if (entry.kind === 'other' && entry.type === 'user') this.#loops.addResults(line.bytes);
    return entry;
  }

  /** Whether there is a result, whether the model kept working after it, and whether it works in a loop. Cheap. */
  state(): { readonly result: boolean; readonly workedAfterResult: boolean; readonly looping: boolean } {
    const looping = this.#loops.loop !== null;
    return { result: this.#result !== null, workedAfterResult: this.#workedAfterResult, looping };
  }

  /** What each model has used so far. */
  usage(): readonly ModelUsage[] {
    return this.#meter.usage();
  }

  facts(): TranscriptFacts {
    return {
      started: this.#started,
      result: this.#result,
      workedAfterResult: this.#workedAfterResult,
      apiError: this.#apiError,
      rateLimit: this.#rateLimit,
      usage: this.#meter.usage(),
      contextTokens: this.#contextTokens,
      loop: this.#loops.loop,
      oversizedLine: this.#oversizedLine,
    };
  }

  #note(entry: StreamLine): void {
    switch (entry.kind) {
      case 'init':
        this.#started = true;
        break;
      case 'assistant':
        this.#workedAfterResult = this.#result !== null;
        this.#apiError = entry.line.is_api_error_message === true ? entry.line : null;
        this.#contextTokens = contextOf(entry.line) ?? this.#contextTokens;
        this.#loops.addCalls(entry.line);
        break;
      case 'rate-limit':
        this.#rateLimit = entry.line.rate_limit_info;
        break;
      case 'result':
        this.#result = entry.line;
        this.#workedAfterResult = false;
        break;
      case 'stream-event':
        this.#workedAfterResult = this.#result !== null;
        break;
      case 'api-retry':
      case 'tool-progress':
      case 'other':
      case 'garbage':
        break;
    }
  }
}

/** The tokens that the API received for a reply. Replies of subagents and of the CLI itself say nothing about it. */
function contextOf({
  message: { model, usage },
  parent_tool_use_id: parent,
}: AssistantLine): number | undefined {
  if (usage === undefined || model === '<synthetic>' || (parent ?? null) !== null) return undefined;
  const { input, cacheRead, cacheWrite } = toCharge(usage);
  return input + cacheRead + cacheWrite;
}
