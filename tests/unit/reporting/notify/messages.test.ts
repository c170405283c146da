import fc from 'fast-check';
import { expect, test } from 'vitest';
import { webhookMessage } from '../../../../src/app/contract/webhook.ts';
import type { Notice } from '../../../../src/reporting/notify/notice.ts';
import { composeSlack } from '../../../../src/reporting/notify/slack.ts';
import { composeWebhook } from '../../../../src/reporting/notify/webhook.ts';
import { anyNotice, notice } from '../../../rig/notices.ts';
import { cases } from '../../../rig/effort.ts';

interface SlackMessage {
  readonly text: string;
  readonly blocks: readonly {
    readonly type: string;
    readonly text?: { readonly type: string; readonly text: string; readonly verbatim?: boolean };
    readonly elements?: readonly { readonly text: string }[];
  }[];
}

const batchOf = (notices: readonly Notice[], dropped = 0) => ({
  project: 'shop',
  runId: 'r-1',
  notices,
  dropped,
});

function slack(notices: readonly Notice[], dropped = 0): SlackMessage & { count: number } {
  const { body, count } = composeSlack(batchOf(notices, dropped));
  return { ...(JSON.parse(body) as SlackMessage), count };
}

test('one notice for Slack', () => {
  const told = slack([notice(7, { title: '7 Escape <b> & co', detail: 'Landed · $0.42' })]);
  expect(told).toEqual({
    count: 1,
    text: 'shop: 7 Escape &lt;b&gt; &amp; co',
    blocks: [
      { type: 'header', text: { type: 'plain_text', text: 'shop: 7 Escape <b> & co', emoji: false } },
      {
        type: 'section',
        text: {
          type: 'mrkdwn',
          text: '✅ *7 Escape &lt;b&gt; &amp; co*\nLanded · $0.42',
          verbatim: true,
        },
      },
      { type: 'context', elements: [{ type: 'plain_text', text: 'claude-orchestrator · run r-1' }] },
    ],
  });
});

test('many are one message with a headline, and those that were given up are counted', () => {
  const many = Array.from({ length: 50 }, (_, id) =>
    notice(id, { kind: id < 48 ? 'task-complete' : 'task-failed' }),
  );
  const message = slack(many, 120);
  expect(message.count).toBe(50);
  expect(message.blocks[0]?.text?.text).toBe('shop: 48 tasks done, 2 tasks failed');
  expect(message.blocks.at(-1)?.elements?.[0]?.text).toContain('and 120 more');
});

test('an urgent one is the headline', () => {
  const message = slack([notice(1), notice(2, { urgent: true, kind: 'paused', title: 'Paused' }), notice(3)]);
  expect(message.blocks[0]?.text?.text).toBe('shop: Paused');
});

test("no message exceeds Slack's limits, mentions anybody or loses a notice", () => {
  fc.assert(
    fc.property(fc.array(anyNotice, { minLength: 1, maxLength: 200 }), fc.nat(1e6), (notices, dropped) => {
      let rest: readonly Notice[] = notices;
      let bold = 0;
      while (rest.length > 0) {
        const message = slack(rest, dropped);
        const sections = message.blocks.filter(({ type }) => type === 'section');
        expect(message.count).toBeGreaterThan(0);
        expect(message.blocks.length).toBeLessThanOrEqual(50);
        expect(message.text.length).toBeLessThanOrEqual(3000);
        expect(message.blocks[0]?.text?.text.length).toBeLessThanOrEqual(150);
        expect(sections.reduce((sum, { text }) => sum + (text?.text.length ?? 0), 0)).toBeLessThan(10_000);
        for (const { text } of sections) {
          expect(text?.text.length).toBeLessThanOrEqual(3000);
          expect(text?.text).not.toMatch(/[<>]|&(?!amp;|lt;|gt;)/);
          expect(text?.verbatim).toBe(true);
          bold += (text?.text.match(/\*/g) ?? []).length;
        }
        rest = rest.slice(message.count);
      }
      // A title each; stars elsewhere can only come from details.
      expect(bold).toBeGreaterThanOrEqual(2 * notices.length);
    }),
    { numRuns: cases(300) },
  );
});

test('a webhook gets the documented shape, a hundred at a time', () => {
  const many = Array.from({ length: 150 }, (_, index) => notice(index + 1, { taskId: null }));
  const { body, count } = composeWebhook(batchOf(many, 3));
  expect(count).toBe(100);
  const { notices, ...envelope } = JSON.parse(body) as { notices: unknown[] };
  expect(envelope).toEqual({
    event: 'notices',
    run: 'r-1',
    project: 'shop',
    at: '2026-11-22T18:00:00.000Z',
    dropped: 3,
  });
  expect(notices).toHaveLength(100);
  expect(notices[0]).toEqual({
    id: 1,
    kind: 'task-complete',
    urgent: false,
    at: '2026-11-22T18:00:00.000Z',
    task: null,
    title: '1 A task',
    detail: '',
  });
  expect(webhookMessage.parse(JSON.parse(body))).toEqual(JSON.parse(body));
});
