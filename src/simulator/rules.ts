import type { Conversation } from './conversation.ts';
import type { Reply, Rule, Scenario } from './scenario.ts';

/** A rule that answers, and its reply for this turn. */
export interface Match {
  readonly rule: string;
  readonly reply: Reply;
  /** What the resets in the reply count from: now, or the first answer of a rule that applies for a limited time. */
  readonly resetsFrom: number;
}

/** The answer to what the Claude CLI asks besides its main loop (to sum up a web page, say), whatever the scenario. */
const HOUSEKEEPING: Omit<Match, 'resetsFrom'> = {
  rule: 'housekeeping',
  reply: { text: 'Nothing to add.', waitMs: 0, delayMs: 0 },
};

/** Chooses replies by a scenario's rules, and counts how often each rule has applied. */
export class RuleBook {
  readonly #rules: readonly Rule[];
  readonly #fitted = new Map<Rule, number>();
  readonly #answered = new Map<Rule, { readonly times: number; readonly firstAt: number }>();
  /** Unix milliseconds. */
  readonly #now: () => number;

  constructor(scenario: Scenario, now: () => number) {
    this.#rules = scenario.rules;
    this.#now = now;
  }

  /** The first rule that applies; undefined if none does. */
  match(conversation: Conversation): Match | undefined {
    const now = this.#now();
    for (const [index, rule] of this.#rules.entries()) {
      const reply = fits(rule, conversation) ? replyOf(rule, conversation) : undefined;
      if (reply === undefined || !this.#inTurn(rule, now)) continue;
      const { times = 0, firstAt = now } = this.#answered.get(rule) ?? {};
      this.#answered.set(rule, { times: times + 1, firstAt });
      const resetsFrom = rule.forMs === undefined ? now : firstAt;
      return { rule: rule.name ?? `rules[${index}]`, reply, resetsFrom };
    }
    return conversation.role === 'housekeeping' ? { ...HOUSEKEEPING, resetsFrom: now } : undefined;
  }

  #inTurn(rule: Rule, now: number): boolean {
    const fitted = (this.#fitted.get(rule) ?? 0) + 1;
    this.#fitted.set(rule, fitted);
    if (rule.when.nth !== undefined && rule.when.nth !== fitted) return false;
    const { times = 0, firstAt = now } = this.#answered.get(rule) ?? {};
    return times < (rule.times ?? Infinity) && now - firstAt < (rule.forMs ?? Infinity);
  }
}

function fits({ when }: Rule, conversation: Conversation): boolean {
  const said = (text: string): boolean => conversation.userTexts.some((own) => own.includes(text));
  return (
    (when.role === undefined || when.role === conversation.role) &&
    (when.model === undefined || conversation.model.includes(when.model)) &&
    list(when.contains).every(said) &&
    !list(when.lacks).some(said) &&
    (when.system === undefined || conversation.system.includes(when.system)) &&
    contained(when.result, conversation.newestResults) &&
    (when.tool === undefined || conversation.tools.includes(when.tool)) &&
    (when.turn === undefined || when.turn === conversation.turn(list(when.contains)))
  );
}

function replyOf(rule: Rule, conversation: Conversation): Reply | undefined {
  return rule.reply ?? rule.turns?.[conversation.turn(list(rule.when.contains))];
}

function list(texts: string | readonly string[] | undefined): readonly string[] {
  return typeof texts === 'string' ? [texts] : (texts ?? []);
}

function contained(text: string | undefined, own: readonly string[]): boolean {
  return text === undefined || own.some((each) => each.includes(text));
}
