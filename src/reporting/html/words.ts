import { html, type Markup } from './markup.ts';
import type { State } from './report-model.ts';

/** Words and symbols of states, for readers who see no colours or do not see at all. */
export const STATE_WORDS: Readonly<Record<State, { readonly symbol: string; readonly word: string }>> = {
  done: { symbol: '✔', word: 'done' },
  failed: { symbol: '✖', word: 'failed' },
  stopped: { symbol: '■', word: 'stopped, still to do' },
  'set-aside': { symbol: '■', word: 'set aside' },
  running: { symbol: '▸', word: 'at work' },
  left: { symbol: '·', word: 'not started' },
  earlier: { symbol: '✓', word: 'settled before' },
};

/** A state with its symbol, in its colour. */
export function stateLabel(state: State): Markup {
  const { symbol, word } = STATE_WORDS[state];
  return html`<span class="state ${state}">${symbol} ${word}</span>`;
}

/** A sentence in which commands stand between backticks. */
export function sentence(text: string): Markup {
  const pieces = text.split('`');
  return html`${pieces.map((piece, index) => {
    // A backtick without a partner is not a marker of ours.
    const isCode = index % 2 === 1 && index < pieces.length - 1;
    return isCode ? html`<code>${piece}</code>` : html`${index % 2 === 1 ? `\`${piece}` : piece}`;
  })}`;
}

/** Shortens a text to about `most` characters: its beginning and its end, which say most. */
export function shorten(text: string, most: number): string {
  if (text.length <= most) return text;
  const head = Math.floor(most / 3);
  return `${text.slice(0, head)}\n… ${text.length - most} characters left out …\n${text.slice(text.length - most + head)}`;
}
