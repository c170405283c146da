import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Stamped } from '../../../../src/domain/event.ts';
import { displayWidth } from '../../../../src/domain/text/display-text.ts';
import { drawFrame } from '../../../../src/reporting/terminal/frame.ts';
import { ProgressModel } from '../../../../src/reporting/progress/progress-model.ts';
import { styles } from '../../../../src/domain/text/styles.ts';
import { stagedEnd, stagedProgress, stagedStart } from '../../../rig/staged-run.ts';
import { cases } from '../../../rig/effort.ts';

const START = Date.parse('2026-01-01T00:00:00Z');
const NOW = START + 725_000;

function frame(events: readonly Stamped[], columns: number, rows: number, color = false): string[] {
  const model = new ProgressModel();
  for (const event of events) model.apply(event);
  return drawFrame(model.at(NOW), NOW, { columns, rows }, styles(color));
}

const warning = (message: string): Stamped => ({
  type: 'warning',
  message,
  at: new Date(START).toISOString(),
});

/** One landed and one failed, the others at work. */
const busy = (workers: number): Stamped[] => [
  ...stagedStart(workers, workers * 3, START),
  ...stagedEnd(1, 'verify-failed', START, 61_000),
  ...stagedEnd(2, 'landed', START, 62_000),
  warning('usage is at 80 % of the 5 h window'),
];

describe('frames', () => {
  test('1 worker, 80 columns', () => {
    expect(frame(stagedStart(1, 3, START), 80, 24).join('\n')).toMatchInlineSnapshot(`
      "───────────────────────────────   0%  0 done · 1 running · 0 failed · 2 waiting
      12m 05s · 1.1k tokens · $0.01
      workers: Claude subscription · manager: API key …abcd
      ▸ 1 Add the login form  12m 05s    $0.01  Bash npm test -- --run login"
    `);
  });

  test('16 workers, 80 columns, 24 rows: all of them fit', () => {
    expect(frame(busy(16), 80, 24).join('\n')).toMatchInlineSnapshot(`
      "━────────────────────────────   4%  1 done · 14 running · 1 failed · 32 waiting
      12m 05s · about 5m left · 152k tokens · $1.79
      workers: Claude subscription · manager: API key …abcd
      ▸ 3  添加登录表单并验证所有用户输…  12m 05s    $0.04  thinking
      ▸ 4  أضف نموذج تسجيل الدخول مع…     12m 05s    $0.05  Edit src/login/form.ts
      ▸ 5  הוסף טופס התחברות ובדוק את…    12m 05s    $0.06  Bash npm test -- --run l…
      ▸ 6  नए उपयोगकर्ता के लिए लॉगिन…      12m 05s    $0.07  Read docs/ログイン.md
      ▸ 7  Family 👨‍👩‍👧‍👦 and flags 🇯🇵🇫🇷,…     12m 05s    $0.09  thinking
      ▸ 8  Zalgo t̸̡̛͓̣͎̐̑͒e̷̢̛̖̗͋x̶̧̛̲̱͆t̵̨̛̫̬̓ everywhere          12m 05s    $0.10  Edit src/login/form.ts
      ▸ 9  Colour red and title and…      12m 05s    $0.11  Bash npm test -- --run l…
      ▸ 10 Two lines and a tab            12m 05s    $0.12  Read docs/ログイン.md
      ▸ 11 한국어 제목으로 로그인…        12m 05s    $0.14  thinking
      ▸ 12 Right to left override         12m 05s    $0.15  Edit src/login/form.ts
      ▸ 13 Add the login form             12m 05s    $0.16  Bash npm test -- --run l…
      ▸ 14 ログイン画面を追加する、エラ…  12m 05s    $0.17  Read docs/ログイン.md
      ▸ 15 添加登录表单并验证所有用户输…  12m 05s    $0.18  thinking
      ▸ 16 أضف نموذج تسجيل الدخول مع…     12m 05s    $0.20  Edit src/login/form.ts
      ✖ 1 Add the login form · verify-failed"
    `);
  });

  test('16 workers, 80 columns, 12 rows: the rest is counted', () => {
    expect(frame(busy(16), 80, 12).join('\n')).toMatchInlineSnapshot(`
      "━────────────────────────────   4%  1 done · 14 running · 1 failed · 32 waiting
      12m 05s · about 5m left · 152k tokens · $1.79
      workers: Claude subscription · manager: API key …abcd
      ▸ 3 添加登录表单并验证所有用户输…   12m 05s    $0.04  thinking
      ▸ 4 أضف نموذج تسجيل الدخول مع…      12m 05s    $0.05  Edit src/login/form.ts
      ▸ 5 הוסף טופס התחברות ובדוק את…     12m 05s    $0.06  Bash npm test -- --run l…
      ▸ 6 नए उपयोगकर्ता के लिए लॉगिन…       12m 05s    $0.07  Read docs/ログイン.md
      ▸ 7 Family 👨‍👩‍👧‍👦 and flags 🇯🇵🇫🇷,…      12m 05s    $0.09  thinking
      … and 9 more workers
      ✖ 1 Add the login form · verify-failed"
    `);
  });

  test('1 worker, 200 columns', () => {
    expect(frame(stagedStart(1, 3, START), 200, 50).join('\n')).toMatchInlineSnapshot(`
      "────────────────────────────────────────   0%  0 done · 1 running · 0 failed · 2 waiting
      12m 05s · 1.1k tokens · $0.01
      workers: Claude subscription · manager: API key …abcd
      ▸ 1 Add the login form  12m 05s    $0.01  Bash npm test -- --run login"
    `);
  });

  test('16 workers, 200 columns', () => {
    expect(frame(busy(16), 200, 50).join('\n')).toMatchInlineSnapshot(`
      "━───────────────────────────────────────   4%  1 done · 14 running · 1 failed · 32 waiting
      12m 05s · about 5m left · 152k tokens · $1.79
      workers: Claude subscription · manager: API key …abcd
      ▸ 3  添加登录表单并验证所有用户输入，然后显示错误信息    12m 05s    $0.04  thinking
      ▸ 4  أضف نموذج تسجيل الدخول مع التحقق من صحة البيانات    12m 05s    $0.05  Edit src/login/form.ts
      ▸ 5  הוסף טופס התחברות ובדוק את הקלט                     12m 05s    $0.06  Bash npm test -- --run login
      ▸ 6  नए उपयोगकर्ता के लिए लॉगिन फ़ॉर्म जोड़ें                   12m 05s    $0.07  Read docs/ログイン.md
      ▸ 7  Family 👨‍👩‍👧‍👦 and flags 🇯🇵🇫🇷, skin 👍🏽, keycap 1️⃣        12m 05s    $0.09  thinking
      ▸ 8  Zalgo t̸̡̛͓̣͎̐̑͒e̷̢̛̖̗͋x̶̧̛̲̱͆t̵̨̛̫̬̓ everywhere                               12m 05s    $0.10  Edit src/login/form.ts
      ▸ 9  Colour red and title and clear                      12m 05s    $0.11  Bash npm test -- --run login
      ▸ 10 Two lines and a tab                                 12m 05s    $0.12  Read docs/ログイン.md
      ▸ 11 한국어 제목으로 로그인 양식을 추가합니다            12m 05s    $0.14  thinking
      ▸ 12 Right to left override                              12m 05s    $0.15  Edit src/login/form.ts
      ▸ 13 Add the login form                                  12m 05s    $0.16  Bash npm test -- --run login
      ▸ 14 ログイン画面を追加する、エラー処理も含めて全部やる  12m 05s    $0.17  Read docs/ログイン.md
      ▸ 15 添加登录表单并验证所有用户输入，然后显示错误信息    12m 05s    $0.18  thinking
      ▸ 16 أضف نموذج تسجيل الدخول مع التحقق من صحة البيانات    12m 05s    $0.20  Edit src/login/form.ts
      ✖ 1 Add the login form · verify-failed"
    `);
  });

  test('a warning is printed once above the frame, and does not stay in it', () => {
    const events = [...stagedStart(1, 3, START), warning('2 files with uncommitted changes are not seen')];
    expect(frame(events, 80, 24).join('\n')).not.toContain('uncommitted');
  });

  test('before the run has started', () => {
    expect(frame([], 80, 24)).toMatchInlineSnapshot(`
      [
        "────────────────────────────────────────   0%  starting",
        "0s · 0 tokens · $0.00",
      ]
    `);
  });

  test('many failures: the newest stay, the others are counted', () => {
    const failed = Array.from({ length: 12 }, (_, index) =>
      stagedEnd(index + 1, 'verify-failed', START, 1000),
    );
    const lines = frame([...stagedStart(12, 20, START), ...failed.flat()], 80, 24);
    expect(lines.filter((line) => line.startsWith('✖')).map((line) => line.split(' ')[1])).toEqual([
      '12',
      '11',
      '10',
      '9',
    ]);
    expect(lines).toContain('… and 8 more failures');
  });

  test('a long path is cut in its folders, so that the file can be seen', () => {
    const { progress, ...event } = stagedProgress(1, 1);
    const action = 'Write src/components/settings/profile/form.ts';
    const at = new Date(START).toISOString();
    const events = [...stagedStart(1, 1, START), { ...event, progress: { ...progress, action }, at }];
    expect(frame(events, 60, 24).at(-1)).toMatch(/ Write …\/.*form\.ts$/);
  });
});

test('no line is ever wider than the terminal, nor the frame higher, whatever the texts', () => {
  const anyText = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.string({ unit: 'grapheme' }),
    fc.constantFrom('', '日本'.repeat(80)),
  );
  const worker = fc.record({
    title: anyText,
    action: anyText,
    number: fc.nat({ max: 1e6 }),
    isFailed: fc.boolean(),
  });
  fc.assert(
    fc.property(
      fc.array(worker, { maxLength: 20 }),
      fc.record({
        billing: anyText,
        message: anyText,
        tasks: fc.nat(),
        tokens: fc.nat(),
        costUsd: fc.double(),
      }),
      fc.integer({ min: 1, max: 220 }),
      fc.integer({ min: 2, max: 60 }),
      fc.boolean(),
      (workers, { billing, message, tasks, tokens, costUsd }, columns, rows, color) => {
        const at = new Date(START).toISOString();
        const events: Stamped[] = [
          { type: 'run-started', runId: 'r', workers: 4, tasks, billing, at },
          warning(message),
        ];
        for (const [index, { title, action, number, isFailed }] of workers.entries()) {
          const attempt = { attemptId: index, taskId: String(index + 1), at };
          const progress = {
            action,
            tokens: { input: tokens, output: 0, cacheRead: 0, cacheWrite: 0 },
            costUsd,
          };
          const start = { runId: 'r', title, number, sessionId: 's', resumed: false, why: '' };
          events.push({ ...attempt, type: 'attempt-started', ...start });
          events.push({ ...attempt, type: 'attempt-phase', phase: 'working' });
          events.push({ ...attempt, type: 'attempt-progress', progress });
          if (isFailed)
            events.push(
              ...stagedEnd(index + 1, 'verify-failed', START, 1).map((e) => ({ ...e, ...attempt })),
            );
        }
        const lines = frame(events, columns, rows, color);
        expect(lines.length).toBeLessThanOrEqual(Math.max(1, rows - 2));
        for (const line of lines) {
          expect(displayWidth(line)).toBeLessThanOrEqual(columns);
          expect(line.replace(/\x1b\[\d+m/g, '')).not.toMatch(/\p{Cc}/u);
        }
      },
    ),
    { numRuns: cases(1000) },
  );
});
