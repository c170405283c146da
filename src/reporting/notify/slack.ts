import type { Channel } from './channel.ts';
import { headline, KIND_SIGNS } from './headline.ts';
import type { Letter, Notice } from './notice.ts';

/** Slack's own limits, in characters. */
const HEADER = 150;
const SECTION = 3000;
/** Slack refuses messages with more in all their blocks together somewhere above 11,000. */
const MESSAGE = 9000;
/** So that a message always has room for some. */
const NOTICE = 1000;

/** Slack's incoming webhook, spoken to in Block Kit. */
export function slackChannel(address: string): Channel {
  return {
    name: 'Slack',
    address,
    setting: 'SLACK_WEBHOOK_URL or notifications.slack_webhook_url',
    compose: composeSlack,
  };
}

/** The message for Slack with as many of the notices as it may hold. */
export function composeSlack(letter: Letter): { readonly body: string; readonly told: number } {
  const { project, runId, notices, dropped } = letter;
  const sections: string[] = [];
  let length = 0;
  let told = 0;
  for (const notice of notices) {
    const text = mrkdwn(notice);
    length += text.length + 1;
    if (length > MESSAGE) break;
    told++;
    const last = sections.at(-1);
    if (last === undefined || last.length + 1 + text.length > SECTION) sections.push(text);
    else sections[sections.length - 1] = `${last}\n${text}`;
  }
  const title = `${project}: ${headline(notices.slice(0, told))}`;
  const more = dropped === 0 ? '' : ` · and ${dropped} more, which could not be sent`;
  const blocks = [
    { type: 'header', text: { type: 'plain_text', text: cut(title, HEADER), emoji: false } },
    // Verbatim, so that a title with @channel or #general in it is nothing but a title.
    ...sections.map((text) => ({ type: 'section', text: { type: 'mrkdwn', text, verbatim: true } })),
    {
      type: 'context',
      elements: [{ type: 'plain_text', text: cut(`claude-orchestrator · run ${runId}${more}`, HEADER) }],
    },
  ];
  return { body: JSON.stringify({ text: cut(escape(title, SECTION), SECTION), blocks }), told };
}

function mrkdwn({ kind, title, detail }: Notice): string {
  const bold = `${KIND_SIGNS[kind]} *${escape(title, NOTICE / 3).replaceAll('*', '∗')}*`;
  return detail === '' ? bold : `${bold}\n${escape(detail, NOTICE / 2)}`;
}

/** The text with the three characters that mean something to Slack as entities, none of which is cut in two. */
function escape(text: string, most: number): string {
  let escaped = '';
  for (const character of text) {
    const next = ENTITIES[character] ?? character;
    if (escaped.length + next.length > most - 1) return `${escaped}…`;
    escaped += next;
  }
  return escaped;
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };

function cut(text: string, most: number): string {
  if (text.length <= most) return text;
  // Not between the halves of one character.
  return `${text.slice(0, most - 1).replace(/[\ud800-\udbff]$/, '')}…`;
}
