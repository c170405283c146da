import type { ModelUsage } from '../../domain/attempt.ts';
import type { SplitLine } from '../../domain/text/line-splitter.ts';
import { LoopDetector } from './loop-detector.ts';
import {
  parseStreamLine,
  type AssistantLine,
  type RateLimitInfo,
  type ResultLine,
  type StreamLine,
} from './stream-json.ts';
import { UsageMeter } from './usage-meter.ts';

/** What a transcript has told so far: everything that an ended process is judged by. */
export interface TranscriptFacts {
  /** The CLI got as far as starting its work. */
  readonly started: boolean;
  readonly result: ResultLine | null;
  /** The model worked on after the last result: another turn had begun. */
  readonly workedAfterResult: boolean;
  /** The last message that the CLI wrote itself in place of the model, to tell of an error. */
  readonly apiError: AssistantLine | null;
  readonly rateLimit: RateLimitInfo | null;
  readonly usage: readonly ModelUsage[];
  /** What the session held at the model's last reply, in tokens; null before the first. */
  readonly contextTokens: number | null;
  /** What the model did again and again with the same result, last; null if it did nothing of the kind. */
  readonly loop: string | null;
  /** Bytes of the longest line that was too long to be read, 0 if all were read. */
  readonly oversizedLine: number;
}

/** Gathers {@link TranscriptFacts} line by line, keeping no more than the lines that count. */
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

  /** `resumed`: the session had been worked in before this process. */
  constructor(resumed: boolean) {
    this.#meter = new UsageMeter(resumed);
  }

  /** Takes a line and returns what it was. */
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

  /** Whether there is a result, whether the model worked on after it, and whether it goes round in circles; cheap. */
  progress(): { readonly result: boolean; readonly workedAfterResult: boolean; readonly looping: boolean } {
    const looping = this.#loops.loop !== null;
    return { result: this.#result !== null, workedAfterResult: this.#workedAfterResult, looping };
  }

  /** What one model after the other has used so far. */
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

/** What the API was sent for a reply; a subagent's reply says nothing of the session, nor does the CLI's own. */
function contextOf({
  message: { model, usage },
  parent_tool_use_id: parent,
}: AssistantLine): number | undefined {
  if (usage === undefined || model === '<synthetic>' || (parent ?? null) !== null) return undefined;
  const {
    input_tokens: input = 0,
    cache_read_input_tokens: read = 0,
    cache_creation_input_tokens: written = 0,
  } = usage;
  return input + read + written;
}
