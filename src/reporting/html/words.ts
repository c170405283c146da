import { html, type Markup } from './markup.ts';
import type { State } from './report-model.ts';

/** A state for those who see no colours, and for those who do not see at all. */
export const STATE_WORDS: Readonly<Record<State, { readonly mark: string; readonly word: string }>> = {
  done: { mark: '✔', word: 'done' },
  failed: { mark: '✖', word: 'failed' },
  stopped: { mark: '■', word: 'stopped, still to do' },
  'set-aside': { mark: '■', word: 'set aside' },
  running: { mark: '▸', word: 'at work' },
  left: { mark: '·', word: 'not started' },
  earlier: { mark: '✓', word: 'settled before' },
};

/** A state with its mark, in its colour. */
export function stateLabel(state: State): Markup {
  const { mark, word } = STATE_WORDS[state];
  return html`<span class="state ${state}">${mark} ${word}</span>`;
}

/** A sentence in which commands stand between backticks. */
export function sentence(text: string): Markup {
  const pieces = text.split('`');
  return html`${pieces.map((piece, index) => {
    // A backtick without a partner is none of ours.
    const isCode = index % 2 === 1 && index < pieces.length - 1;
    return isCode ? html`<code>${piece}</code>` : html`${index % 2 === 1 ? `\`${piece}` : piece}`;
  })}`;
}

/** At most so many characters of a text: its beginning and its end, which tell the most. */
export function shorten(text: string, most: number): string {
  if (text.length <= most) return text;
  const head = Math.floor(most / 3);
  return `${text.slice(0, head)}\n… ${text.length - most} characters left out …\n${text.slice(text.length - most + head)}`;
}
