import { plural } from '../../domain/text/format.ts';
import { cutText } from '../../domain/text/printable.ts';
import type { Channel } from './channel.ts';
import type { NoticeBatch, Notice, NoticeKind } from './notice.ts';

/** Slack's own limits, in characters. */
const HEADER = 150;
const SECTION = 3000;
/** Slack refuses a message with more than about 11,000 characters in all its blocks together. */
const MESSAGE = 9000;
/** The limit of one notice, so that a message always has room for some. */
const NOTICE = 1000;

/** What is printed before a notice of each kind. */
const KIND_ICONS: Readonly<Record<NoticeKind, string>> = {
  'task-complete': '✅',
  'task-failed': '❌',
  'run-ended': '🏁',
  paused: '⏸️',
  resumed: '▶️',
  'budget-reached': '💰',
  'usage-warning': '⚠️',
  'needs-person': '🙋',
};

/** An incoming webhook of Slack, which gets messages in Block Kit. */
export function slackChannel(address: string): Channel {
  return {
    name: 'Slack',
    address,
    setting: 'SLACK_WEBHOOK_URL or notifications.slack_webhook_url',
    compose: composeSlack,
  };
}

/** Makes a message for Slack with as many of the notices as it may hold. */
export function composeSlack(batch: NoticeBatch): { readonly body: string; readonly count: number } {
  const { project, runId, notices, dropped } = batch;
  const sections: string[] = [];
  let length = 0;
  let count = 0;
  for (const notice of notices) {
    const text = mrkdwn(notice);
    length += text.length + 1;
    if (length > MESSAGE) break;
    count++;
    const last = sections.at(-1);
    if (last === undefined || last.length + 1 + text.length > SECTION) sections.push(text);
    else sections[sections.length - 1] = `${last}\n${text}`;
  }
  const title = `${project}: ${headline(notices.slice(0, count))}`;
  const more = dropped === 0 ? '' : ` · and ${dropped} more, which could not be sent`;
  const blocks = [
    { type: 'header', text: { type: 'plain_text', text: cutText(title, HEADER), emoji: false } },
    // Verbatim, so that Slack does not act on a title with @channel or #general in it.
    ...sections.map((text) => ({ type: 'section', text: { type: 'mrkdwn', text, verbatim: true } })),
    {
      type: 'context',
      elements: [{ type: 'plain_text', text: cutText(`claude-orchestrator · run ${runId}${more}`, HEADER) }],
    },
  ];
  return { body: JSON.stringify({ text: cutText(escape(title, SECTION), SECTION), blocks }), count };
}

/** Sums the notices up in one line: the last urgent one, else the only one, else the kinds of notices. */
function headline(notices: readonly Notice[]): string {
  const urgent = notices.findLast((notice) => notice.urgent);
  if (urgent !== undefined) return urgent.title;
  const [only] = notices;
  if (only !== undefined && notices.length === 1) return only.title;
  const count = (kind: NoticeKind): number => notices.filter((notice) => notice.kind === kind).length;
  const done = count('task-complete');
  const failed = count('task-failed');
  const parts = [
    ...(done === 0 ? [] : [`${plural(done, 'task')} done`]),
    ...(failed === 0 ? [] : [`${plural(failed, 'task')} failed`]),
  ];
  return parts.length === 0 ? plural(notices.length, 'notice') : parts.join(', ');
}

function mrkdwn({ kind, title, detail }: Notice): string {
  const bold = `${KIND_ICONS[kind]} *${escape(title, NOTICE / 3).replaceAll('*', '∗')}*`;
  return detail === '' ? bold : `${bold}\n${escape(detail, NOTICE / 2)}`;
}

/** Writes the three characters that mean something to Slack as entities, and cuts no entity in two. */
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
