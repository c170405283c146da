import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { desktopReceiver } from '../../../../src/reporting/notify/desktop.ts';
import { MemoryStream } from '../../../rig/memory-stream.ts';
import { anyNotice, notice } from '../../../rig/notices.ts';
import { cases } from '../../../rig/effort.ts';

const urgent = notice(3, { urgent: true, kind: 'paused', title: 'Paused; really', detail: 'Until 14:30.' });

async function shown(env: Record<string, string>, told = [urgent]): Promise<string> {
  const stream = new MemoryStream();
  const receiver = desktopReceiver({ stream, env, project: 'shop' });
  for (const each of told) receiver?.notify(each);
  await receiver?.close();
  return stream.text;
}

const TITLE = 'claude-orchestrator · shop';
const BODY = 'Paused, really Until 14:30.';

describe('the sequence that a terminal takes', () => {
  test.each([
    [{ TERM_PROGRAM: 'iTerm.app' }, `\x1b]9;${TITLE}: ${BODY}\x1b\\`],
    [{ LC_TERMINAL: 'iTerm2' }, `\x1b]9;${TITLE}: ${BODY}\x1b\\`],
    [{ TERM: 'xterm-kitty' }, `\x1b]99;i=3:d=0;${TITLE}\x1b\\\x1b]99;i=3:d=1:p=body;${BODY}\x1b\\`],
    [{ TERM_PROGRAM: 'WezTerm' }, `\x1b]777;notify;${TITLE};${BODY}\x1b\\`],
    [{ TERM_PROGRAM: 'ghostty' }, `\x1b]777;notify;${TITLE};${BODY}\x1b\\`],
    [{ TERM: 'foot' }, `\x1b]777;notify;${TITLE};${BODY}\x1b\\`],
    [{ TERM: 'rxvt-unicode-256color' }, `\x1b]777;notify;${TITLE};${BODY}\x1b\\`],
    [{ WT_SESSION: 'a' }, `\x1b]777;notify;${TITLE};${BODY}\x1b\\`],
    [{ VTE_VERSION: '7600' }, `\x1b]777;notify;${TITLE};${BODY}\x1b\\`],
    [
      { TMUX: '/tmp/tmux', LC_TERMINAL: 'iTerm2', TERM: 'tmux-256color' },
      `\x1bPtmux;\x1b\x1b]9;${TITLE}: ${BODY}\x1b\x1b\\\x1b\\`,
    ],
    [{}, ''],
    [{ TERM: 'xterm-256color' }, ''],
    [{ TERM: 'dumb', TERM_PROGRAM: 'iTerm.app' }, ''],
    [{ TERM: 'screen', STY: '1.pts', VTE_VERSION: '7600' }, ''],
    [{ TERM: 'linux', KITTY_WINDOW_ID: '' }, ''],
  ])('%j', async (env, text) => {
    expect(await shown(env as Record<string, string>)).toBe(text);
  });
});

test('only what is urgent is shown', async () => {
  expect(await shown({ WT_SESSION: 'a' }, [notice(1)])).toBe('');
});

test('a terminal that takes nothing is not written to, and holds nothing up', async () => {
  const stream = new MemoryStream();
  const receiver = desktopReceiver({ stream, env: { WT_SESSION: 'a' }, project: 'shop' });
  stream.full = true;
  receiver?.notify(urgent);
  const once = stream.text;
  for (let id = 0; id < 100; id++) receiver?.notify(urgent);
  await receiver?.close();
  expect(stream.text).toBe(once);
});

test('no text gets out of its sequence', async () => {
  await fc.assert(
    fc.asyncProperty(anyNotice, fc.string(), async (any, noise) => {
      const hostile = { ...any, urgent: true, title: `${noise}\x1b]0;x\x07\x9c${any.title}\x1b\\` };
      const text = await shown({ WT_SESSION: 'a' }, [hostile]);
      expect(text).toMatch(/^\x1b\]777;notify;[^;\p{Cc}]+;[^;\p{Cc}]*\x1b\\$/u);
    }),
    { numRuns: cases(2000) },
  );
});
