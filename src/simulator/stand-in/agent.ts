import { randomUUID } from 'node:crypto';
import { askRepeatedly } from './failures.ts';
import { denialLine, failureLines, initLine, replyLines, retryLine, toolResultLine } from './lines.ts';
import type { ApiClient, ApiFailure, ApiReply } from './messages-api.ts';
import type { Options } from './options.ts';
import type { Block, Session } from './session.ts';
import {
  checkPermission,
  checkSchema,
  TOOLS,
  type ToolCall,
  type Toolbox,
  type ToolResult,
} from './tools.ts';
import { UsageMeter } from './usage-meter.ts';

/** Everything that an agent works with. */
export interface AgentContext {
  readonly options: Options;
  readonly session: Session;
  readonly client: ApiClient;
  /** Whether a subscription pays, and not an API key. */
  readonly subscription: boolean;
  readonly maxRetries: number;
  readonly cwd: string;
  readonly toolbox: Toolbox;
  /** Prints one line of stream-json. */
  readonly print: (line: object) => void;
}

const NUDGE = '[structured-output-enforce] You MUST call the StructuredOutput tool to complete this request.';
const MAX_INVALID_REPORTS = 5;

/** The loop of a coding agent: it asks the model and does what the model says until the work is done. */
export class Agent {
  readonly #context: AgentContext;
  readonly #meter = new UsageMeter();
  readonly #denials: object[] = [];
  readonly #started = Date.now();
  #toolCalls = 0;
  #report: Readonly<Record<string, unknown>> | undefined;
  #invalidReports = 0;

  constructor(context: AgentContext) {
    this.#context = context;
  }

  /** Works on a prompt to the end; resolves to the exit code. */
  async work(prompt: string): Promise<number> {
    const { options, session, cwd, subscription } = this.#context;
    this.#print(initLine(options, cwd, subscription));
    session.add({ role: 'user', content: [{ type: 'text', text: prompt }] });
    let nudged = false;
    for (let turn = 1; ; turn++) {
      const reply = await this.#ask();
      if (!reply.ok) return this.#endWithFailure(reply);
      this.#take(reply);
      const stop = this.#stopAfter(reply);
      if (stop !== undefined) return this.#endWithError(stop);
      const calls = reply.content.filter((block) => block.type === 'tool_use').map(toolCall);
      if (calls.length === 0) {
        if (options.jsonSchema === undefined || nudged)
          return this.#endWell(textOf(reply.content), reply.stopReason);
        nudged = true;
        session.add({ role: 'user', content: [{ type: 'text', text: NUDGE }] });
        continue;
      }
      await this.#runTools(calls);
      if (this.#report !== undefined) return this.#endWell(JSON.stringify(this.#report), reply.stopReason);
      const limit = this.#limitAfter(turn);
      if (limit !== undefined) return this.#endWithError(limit);
    }
  }

  /** Reports that a person interrupted the agent. */
  interrupt(): void {
    const errors = ['[ede_diagnostic] interrupted'];
    this.#endWithError({ subtype: 'error_during_execution', terminal_reason: 'aborted_tools', errors });
  }

  /** Saves what was spent, for the process that resumes the session. */
  saveCost(): void {
    this.#context.session.saveCost(this.#costUsd());
  }

  #costUsd(): number {
    return this.#context.session.earlierCostUsd + this.#meter.costUsd;
  }

  #ask(): Promise<ApiReply | ApiFailure> {
    const { options, session, client, subscription, maxRetries, cwd } = this.#context;
    const text = `You are a coding agent.\nPrimary working directory: ${cwd}`;
    const report = {
      name: 'StructuredOutput',
      description: 'Returns the final report.',
      input_schema: options.jsonSchema,
    };
    const body = {
      model: options.model,
      max_tokens: 128_000,
      system: [{ type: 'text', text, cache_control: { type: 'ephemeral' } }],
      tools: options.jsonSchema === undefined ? TOOLS : [...TOOLS, report],
      messages: session.messages,
    };
    const partial = options.partialMessages;
    if (partial) this.#print({ type: 'system', subtype: 'status', status: 'requesting' });
    return askRepeatedly(client, body, {
      maxRetries,
      subscription,
      onEvent: (event) => {
        if (partial) this.#print({ type: 'stream_event', event, parent_tool_use_id: null });
      },
      onBroken: ({ usage, characters }) => {
        this.#meter.add(options.model, usage, Math.max(1, Math.round(characters / 3)));
      },
      onRetry: (failure, attempt, delayMs) => {
        this.#print(retryLine(failure, subscription, attempt, maxRetries, delayMs));
      },
    });
  }

  #take(reply: ApiReply): void {
    const { options, session, subscription } = this.#context;
    this.#meter.add(options.model, reply.usage);
    if (reply.content.length > 0) session.add({ role: 'assistant', content: reply.content });
    for (const line of replyLines(reply, subscription)) this.#print(line);
  }

  #stopAfter({ stopReason }: ApiReply): object | undefined {
    const { maxBudgetUsd } = this.#context.options;
    if (stopReason === 'refusal') {
      this.#print({ type: 'system', subtype: 'model_refusal_no_fallback' });
      const result = 'API Error: the model refused to answer.';
      return { terminal_reason: 'api_error', stop_reason: stopReason, result };
    }
    if (stopReason === 'max_tokens') {
      const result = "API Error: Claude's response exceeded the output token maximum.";
      return { terminal_reason: 'api_error', api_error: 'max_output_tokens', result };
    }
    if (this.#meter.costUsd <= maxBudgetUsd) return undefined;
    const errors = [`Reached maximum budget ($${maxBudgetUsd})`];
    return { subtype: 'error_max_budget_usd', terminal_reason: 'budget_exhausted', errors };
  }

  #limitAfter(turn: number): object | undefined {
    const { maxTurns } = this.#context.options;
    if (this.#invalidReports >= MAX_INVALID_REPORTS) {
      return {
        subtype: 'error_max_structured_output_retries',
        terminal_reason: 'structured_output_retry_exhausted',
        errors: ['Failed to provide valid structured output'],
      };
    }
    if (turn < maxTurns) return undefined;
    const errors = [`Reached maximum number of turns (${maxTurns})`];
    return { subtype: 'error_max_turns', terminal_reason: 'max_turns', errors };
  }

  async #runTools(calls: readonly ToolCall[]): Promise<void> {
    const content: Block[] = [];
    for (const call of calls) {
      const { text, failed } = await this.#runTool(call);
      const failure = failed ? { is_error: true } : {};
      const block = { type: 'tool_result', tool_use_id: call.id, content: text, ...failure };
      content.push(block);
      this.#toolCalls++;
      this.#print(toolResultLine(block));
    }
    this.#context.session.add({ role: 'user', content });
  }

  async #runTool(call: ToolCall): Promise<ToolResult> {
    const { options, cwd, toolbox } = this.#context;
    if (call.name === 'StructuredOutput' && options.jsonSchema !== undefined) {
      const problem = checkSchema(options.jsonSchema, call.input);
      if (problem === undefined) this.#report = call.input;
      else this.#invalidReports++;
      return { text: problem ?? 'Structured output provided successfully', failed: problem !== undefined };
    }
    const denied = checkPermission(call, cwd, options.permissionMode, options.allowedTools);
    if (denied === undefined) return toolbox.run(call);
    this.#denials.push({ tool_name: call.name, tool_use_id: call.id, tool_input: call.input });
    this.#print(denialLine(call, denied));
    return { text: denied, failed: true };
  }

  #endWell(result: string, stopReason: string): number {
    const report = this.#report === undefined ? {} : { structured_output: this.#report };
    const well = { is_error: false, terminal_reason: 'completed', stop_reason: stopReason };
    this.#printResult({ ...well, result, ...report });
    return 0;
  }

  #endWithFailure(failure: ApiFailure): number {
    const { lines, result } = failureLines(failure, this.#context.subscription);
    for (const line of lines) this.#print(line);
    return this.#endWithError(result);
  }

  #endWithError(fields: object): number {
    this.#printResult({ is_error: true, ...fields });
    return 1;
  }

  #printResult(fields: object): void {
    this.saveCost();
    this.#print({
      type: 'result',
      subtype: 'success',
      duration_ms: Date.now() - this.#started,
      num_turns: this.#toolCalls + 1,
      total_cost_usd: this.#costUsd(),
      usage: this.#meter.total(),
      modelUsage: this.#meter.byModel(),
      permission_denials: this.#denials,
      api_error_status: null,
      result_index: 0,
      ...fields,
    });
  }

  #print(line: object): void {
    this.#context.print({ ...line, session_id: this.#context.session.id, uuid: randomUUID() });
  }
}

function toolCall(block: Block): ToolCall {
  return { id: block.id ?? '', name: block.name ?? '', input: block.input ?? {} };
}

function textOf(content: readonly Block[]): string {
  return content.map((block) => (block.type === 'text' ? (block.text ?? '') : '')).join('');
}
