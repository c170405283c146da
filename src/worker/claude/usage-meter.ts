import { sumUsage, type ModelUsage } from '../../domain/attempt.ts';
import { computeListPrice, type Charge } from '../../domain/pricing.ts';
import {
  toCharge,
  type AssistantLine,
  type CliModelUsage,
  type ResultLine,
  type StreamLine,
} from './stream-json.ts';

/** What is known about an API reply that is not yet counted in a result line. */
interface OpenMessage extends Charge {
  readonly model: string;
}

/**
 * Counts what one process of the Claude CLI uses: exactly, from its result lines, and as well as the stream shows until
 * the next one arrives. So money is counted even if the process was killed.
 */
export class UsageMeter {
  readonly #resumed: boolean;
  #reported: ModelUsage[] = [];
  readonly #open = new Map<string, OpenMessage>();
  /** The sum of messages that are too old to change. */
  #settled: ModelUsage[] = [];
  #currentId = '';

  /** `resumed`: the totals of the session include the costs of earlier processes. */
  constructor(resumed: boolean) {
    this.#resumed = resumed;
  }

  add(entry: StreamLine): void {
    if (entry.kind === 'result') {
      this.#addResult(entry.line);
    } else if (entry.kind === 'assistant') {
      this.#start(entry.line.message);
    } else if (entry.kind === 'stream-event') {
      const { event } = entry.line;
      if (event.type === 'message_start') {
        this.#currentId = event.message.id;
        this.#start(event.message);
      } else {
        this.#finish(entry.line.api_message_id ?? this.#currentId, event.usage?.output_tokens ?? 0);
      }
    }
  }

  /** One sum for each model. */
  usage(): ModelUsage[] {
    return sumUsage([...this.#reported, ...this.#settled, ...[...this.#open.values()].map(priced)]);
  }

  #addResult(line: ResultLine): void {
    // Since CLI 2.1.3xx a result says what was used since the one before it. The totals count the whole session.
    const since = line.model_usage_since_last_result ?? (this.#resumed ? undefined : line.modelUsage);
    if (since === undefined) return;
    const reported = fromCli(since);
    this.#reported =
      line.model_usage_since_last_result === undefined
        ? reported
        : sumUsage([...this.#reported, ...reported]);
    this.#open.clear();
    this.#settled = [];
  }

  #start({ id, model, usage }: AssistantLine['message']): void {
    // The synthetic model is the CLI itself, which reports an error.
    if (id === undefined || model === undefined || model === '<synthetic>') return;
    if (this.#open.has(id) || usage === undefined) return;
    this.#open.set(id, { model, ...toCharge(usage) });
    this.#settleOldest();
  }

  #finish(id: string, output: number): void {
    const message = this.#open.get(id);
    if (message !== undefined) this.#open.set(id, { ...message, output: Math.max(output, message.output) });
  }

  /** Limits memory. Only messages of parallel subagents are open at the same time. */
  #settleOldest(): void {
    if (this.#open.size <= MAX_OPEN) return;
    const [oldest] = this.#open;
    if (oldest === undefined) return;
    this.#open.delete(oldest[0]);
    this.#settled = sumUsage([...this.#settled, priced(oldest[1])]);
  }
}

const MAX_OPEN = 256;

/** What a message of a model cost by list prices. */
export function priced({ model, ...charge }: OpenMessage): ModelUsage {
  const { input, output, cacheRead, cacheWrite } = charge;
  return { model, input, output, cacheRead, cacheWrite, costUsd: computeListPrice(model, charge) };
}

function fromCli(usage: CliModelUsage): ModelUsage[] {
  return Object.entries(usage).map(([model, used]) => ({
    model,
    input: used.inputTokens ?? 0,
    output: used.outputTokens ?? 0,
    cacheRead: used.cacheReadInputTokens ?? 0,
    cacheWrite: used.cacheCreationInputTokens ?? 0,
    costUsd: used.costUSD ?? 0,
  }));
}
