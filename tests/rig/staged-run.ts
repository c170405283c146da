import type { Event, Stamped } from '../../src/domain/event.ts';
import { attemptEnd, costing } from './attempt-end.ts';

/** Titles in many scripts, some of them hostile. */
const TITLES = [
  'Add the login form',
  'ログイン画面を追加する、エラー処理も含めて全部やる',
  '添加登录表单并验证所有用户输入，然后显示错误信息',
  'أضف نموذج تسجيل الدخول مع التحقق من صحة البيانات',
  'הוסף טופס התחברות ובדוק את הקלט',
  'नए उपयोगकर्ता के लिए लॉगिन फ़ॉर्म जोड़ें',
  'Family 👨‍👩‍👧‍👦 and flags 🇯🇵🇫🇷, skin 👍🏽, keycap 1️⃣',
  'Zalgo t̸̡̛͓̣͎̐̑͒e̷̢̛̖̗͋x̶̧̛̲̱͆t̵̨̛̫̬̓ everywhere',
  'Colour \x1b[31mred\x1b[0m and title \x1b]0;owned\x07 and clear \x1b[2J',
  'Two\nlines\tand\r a tab',
  '한국어 제목으로 로그인 양식을 추가합니다',
  'Right \u202eto left override',
] as const;

const at = (start: number, milliseconds: number): string => new Date(start + milliseconds).toISOString();

/** A run with that many workers, all at work, from its start on: what its reporters are told, in order. */
export function stagedStart(workers: number, tasks: number, start: number): Stamped[] {
  const events: Event[] = [
    {
      type: 'run-started',
      runId: 'run-1',
      workers,
      tasks,
      billing: 'workers: Claude subscription · manager: API key …abcd',
    },
    { type: 'run-planned', runId: 'run-1', source: 'manager' },
  ];
  for (let slot = 1; slot <= workers; slot++) {
    const taskId = String(slot);
    const title = TITLES[(slot - 1) % TITLES.length] ?? '';
    events.push({
      type: 'attempt-started',
      runId: 'run-1',
      attemptId: slot,
      taskId,
      title,
      number: 1,
      sessionId: `session-${slot}`,
      resumed: false,
      why: 'the longest path starts here',
    });
    events.push({ type: 'attempt-phase', attemptId: slot, taskId, phase: 'working' });
    events.push(stagedProgress(slot, slot));
  }
  return events.map((event) => ({ ...event, at: at(start, 0) }));
}

/** One progress event of a worker; its figures grow with `step`. */
export function stagedProgress(slot: number, step: number): Extract<Event, { type: 'attempt-progress' }> {
  const actions = [
    'Edit src/login/form.ts',
    'Bash npm test -- --run login',
    'Read docs/ログイン.md',
    'thinking',
  ];
  return {
    type: 'attempt-progress',
    attemptId: slot,
    taskId: String(slot),
    progress: {
      action: actions[step % actions.length] ?? '',
      tokens: { input: 100 * step, output: 40 * step, cacheRead: 1000 * step, cacheWrite: 0 },
      costUsd: 0.0123 * step,
    },
  };
}

/** The end of a worker's attempt, with the status that follows from it. */
export function stagedEnd(
  slot: number,
  outcome: 'landed' | 'verify-failed',
  start: number,
  afterMs: number,
): Stamped[] {
  const taskId = String(slot);
  const message =
    outcome === 'landed' ? '' : 'npm test: 2 of 14 tests fail, the first is "rejects an empty password"';
  const end = attemptEnd(outcome, { message, usage: costing(0.05 * slot) });
  const to = outcome === 'landed' ? 'done' : 'failed';
  const events: Event[] = [
    { type: 'attempt-ended', attemptId: slot, taskId, end },
    { type: 'status-changed', taskId, from: 'in-progress', to, why: message },
  ];
  return events.map((event) => ({ ...event, at: at(start, afterMs) }));
}
