import type { ModelUsage } from '../attempt.ts';
import type { SplitLine } from './line-splitter.ts';
import {
  parseStreamLine,
  type AssistantLine,
  type RateLimitLine,
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
  readonly rateLimit: RateLimitLine['rate_limit_info'] | null;
  readonly usage: readonly ModelUsage[];
  /** Bytes of the longest line that was too long to be read, 0 if all were read. */
  readonly oversizedLine: number;
}

/** Gathers {@link TranscriptFacts} line by line, keeping no more than the lines that count. */
export class Transcript {
  #started = false;
  #result: ResultLine | null = null;
  #workedAfterResult = false;
  #apiError: AssistantLine | null = null;
  #rateLimit: RateLimitLine['rate_limit_info'] | null = null;
  #oversizedLine = 0;
  readonly #meter: UsageMeter;

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
    return entry;
  }

  /** Whether there is a result, and whether the model worked on after it; cheap. */
  progress(): { readonly result: boolean; readonly workedAfterResult: boolean } {
    return { result: this.#result !== null, workedAfterResult: this.#workedAfterResult };
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
