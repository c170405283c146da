import type { Conversation } from './conversation.ts';
import type { Reply, Rule, Scenario } from './scenario.ts';

/** The rule that answers, and its reply for this turn. */
export interface Match {
  readonly rule: string;
  readonly reply: Reply;
}

/** What the Claude CLI asks beside its main loop (to sum up a web page, say) needs an answer, whatever the scenario. */
const HOUSEKEEPING: Match = {
  rule: 'housekeeping',
  reply: { text: 'Nothing to add.', waitMs: 0, delayMs: 0 },
};

/** Picks replies by a scenario's rules, counting how often each of them applied. */
export class RuleBook {
  readonly #rules: readonly Rule[];
  readonly #fitted = new Map<Rule, number>();
  readonly #answered = new Map<Rule, number>();

  constructor(scenario: Scenario) {
    this.#rules = scenario.rules;
  }

  /** The first rule that applies; undefined if none does. */
  match(conversation: Conversation): Match | undefined {
    for (const [index, rule] of this.#rules.entries()) {
      const reply = fits(rule, conversation) ? replyOf(rule, conversation) : undefined;
      if (reply === undefined || !this.#inTurn(rule)) continue;
      this.#answered.set(rule, (this.#answered.get(rule) ?? 0) + 1);
      return { rule: rule.name ?? `rules[${index}]`, reply };
    }
    return conversation.role === 'housekeeping' ? HOUSEKEEPING : undefined;
  }

  #inTurn(rule: Rule): boolean {
    const fitted = (this.#fitted.get(rule) ?? 0) + 1;
    this.#fitted.set(rule, fitted);
    if (rule.when.nth !== undefined && rule.when.nth !== fitted) return false;
    return (this.#answered.get(rule) ?? 0) < (rule.times ?? Infinity);
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
