import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import type { Review } from '../../../../src/domain/attempt.ts';
import { createCliManager } from '../../../../src/manager/cli/cli-manager.ts';
import type { Manager, ReviewRequest } from '../../../../src/manager/manager.ts';
import { SYSTEM_PROMPTS } from '../../../../src/manager/prompts.ts';
import { createReviewer } from '../../../../src/manager/review/reviewer.ts';
import { createSdkManager } from '../../../../src/manager/sdk/sdk-manager.ts';
import { DEMO_TASKS, type DemoTask } from '../../../../src/simulator/demo-project.ts';
import { DEMO_SCENARIO } from '../../../../src/simulator/demo-scenario.ts';
import type { ScenarioInput } from '../../../../src/simulator/scenario.ts';
import { createProcessTable } from '../../../../src/worker/process/process-table.ts';
import { makeTask } from '../../../rig/arbitrary-tasks.ts';
import { reviewReply, reviewRule, writtenFinding } from '../../../rig/reviews.ts';
import { REAL_CLAUDE, simulatorRig, type SimulatorRig } from '../../../rig/simulator.ts';
import { ALL } from '../../../rig/effort.ts';

const NEVER = new AbortController().signal;
const processes = createProcessTable({
  platform: process.platform,
  pid: process.pid,
  kill: (pid, signal) => process.kill(pid, signal),
});

const open: SimulatorRig[] = [];
afterEach(async () => {
  for (const rig of open.splice(0)) await rig.close();
});

async function overSdk({ simulator }: SimulatorRig): Promise<Manager> {
  const connection = {
    apiKey: 'sk-ant-simulated-key',
    baseUrl: simulator.url,
    timeoutMs: 60_000,
    silenceMs: 30_000,
    maxRetries: 0,
    baseMs: 5,
    maxMs: 50,
    random: () => 0.5,
  };
  const made = await createSdkManager(connection, 'opus', NEVER);
  if (!made.ok) throw new Error(made.error.message);
  return made.value;
}

let markers = 0;
function overCli({ env, cwd }: SimulatorRig): Promise<Manager> {
  const marker = { variable: 'REVIEW_TEST', value: `${process.pid}-${++markers}` };
  return Promise.resolve(
    createCliManager({
      command: REAL_CLAUDE,
      model: 'opus',
      payer: 'API key',
      environment: { ...env, [marker.variable]: marker.value },
      marker,
      directory: cwd,
      settings: null,
      timeoutMs: 100_000,
      graceMs: 5_000,
      processes,
    }),
  );
}

function added(files: DemoTask['files']): string {
  return files
    .map(([path, content]) => {
      const lines = content.trimEnd().split('\n');
      const head = `diff --git a/${path} b/${path}\nnew file mode 100644\n--- /dev/null\n+++ b/${path}`;
      return `${head}\n@@ -0,0 +1,${lines.length} @@\n${lines.map((line) => `+${line}`).join('\n')}\n`;
    })
    .join('');
}

function request(changes: Partial<ReviewRequest> = {}): ReviewRequest {
  return {
    task: makeTask('3', { title: 'Make a into b' }),
    parent: null,
    report: { status: 'completed', summary: 'a is b now.', handover: '', followUps: [] },
    commit: 'c0ffee',
    files: ['src/a.ts'],
    change: { text: added([['src/a.ts', 'b\n']]), truncated: false },
    gates: [],
    commands: [],
    previous: null,
    maxRounds: 2,
    ...changes,
  };
}

/** Nothing was changed. */
const EMPTY = { commit: null, files: [], change: { text: '', truncated: false } } as const;

describe.each([
  { name: 'the SDK', manage: overSdk },
  // How the CLI is called is tested in `cli-manager.test.ts`.
  ...(ALL ? [{ name: 'the Claude CLI', manage: overCli }] : []),
])('a review over $name', ({ manage }) => {
  async function start(scenario: ScenarioInput) {
    const rig = await simulatorRig(scenario);
    open.push(rig);
    const reviewer = createReviewer(await manage(rig));
    const review = async (changes: Partial<ReviewRequest> = {}): Promise<Review> => {
      const reply = await reviewer.review(request(changes), NEVER);
      if (!reply.ok) throw new Error(reply.error.message);
      return reply.value;
    };
    const bodies = (): string[] =>
      rig.simulator.requests.filter(({ path }) => path.startsWith('/v1/messages')).map(({ body }) => body);
    return { rig, reviewer, review, bodies };
  }

  test('sends one task of the demo back with a finding, and takes it when that is mended', async () => {
    const { rig, review } = await start(DEMO_SCENARIO);
    const verdicts: string[] = [];
    for (const { id, title, description, files, flaw } of DEMO_TASKS) {
      const task = makeTask(id, { title, description });
      const first = await review({
        task,
        change: { text: added(flaw?.files ?? files), truncated: false },
        files: files.map(([path]) => path),
      });
      verdicts.push(`${id} ${first.verdict}`);
      expect(first.summary).not.toBe('');
      if (flaw === undefined) continue;
      const [path, content] = flaw.files[0] ?? ['', ''];
      expect(first.findings).toMatchObject([
        { id: 'F1', severity: 'major', file: path, line: flaw.finding.line },
      ]);
      expect(content.split('\n')[flaw.finding.line - 1]).toContain(flaw.marker);
      const second = await review({
        task,
        previous: first,
        change: { text: `-  return ${flaw.marker}\n${added(files)}`, truncated: false },
      });
      verdicts.push(`${id} ${second.verdict}`);
      expect(second).toMatchObject({ round: 2, findings: [] });
    }
    expect(verdicts).toEqual([
      ...['1 approved', '2 approved', '3 approved', '4 rejected', '4 approved'],
      ...['5 approved', '6 approved', '7 approved', '8 approved'],
    ]);
    expect(rig.simulator.unmatched).toEqual([]);
  });

  test('sends a reply that contradicts itself back once, and settles it then', async () => {
    const nothing = reviewReply({ verdict: 'rejected', summary: 'Something is wrong with it.' });
    const { review, bodies } = await start({
      rules: [
        reviewRule(nothing, { times: 2 }),
        reviewRule(reviewReply({ findings: [writtenFinding({ severity: 'blocker' })] })),
      ],
    });
    const settled = await review();
    expect(settled).toMatchObject({
      verdict: 'rejected',
      findings: [{ id: 'F1', severity: 'blocker', evidence: 'Something is wrong with it.' }],
    });
    expect(bodies()[1]).toContain('say what has to be mended');
    // The reply approves although it lists a blocker and does not mention the open findings.
    const approved = await review({ previous: settled });
    expect(approved.verdict).toBe('rejected');
    expect(approved.findings.map(({ id }) => id)).toEqual(['F1', 'F2']);
  });

  test('that is no reply is a failure that says nothing about the change', async () => {
    const { reviewer } = await start({ rules: [{ reply: { text: 'Ship it!' } }] });
    expect(await reviewer.review(request(), NEVER)).toMatchObject({
      ok: false,
      error: { reason: 'manager-unavailable' },
    });
  });

  test('knows whether anything was changed or run, so that a false report is caught', async () => {
    const isEmpty = 'The change is empty: the agent changed no file.';
    const lie = (title: string, contains: string[]): ScenarioInput['rules'][number] =>
      reviewRule(reviewReply({ verdict: 'rejected', findings: [writtenFinding({ title })] }), {
        when: { contains },
      });
    const { review } = await start({
      rules: [
        reviewRule(reviewReply({ summary: 'It answers the question.' }), {
          when: { contains: [isEmpty, 'Which port?', 'It is 8080.'] },
        }),
        lie('nothing was changed', [isEmpty, 'The agent reports "completed".']),
        lie('it is not there', [isEmpty, 'The agent reports "nothing-to-do".', 'because I say so']),
        lie('no test was run', ['All tests pass', 'The agent ran no command at all.']),
        lie('the tests failed', ['All tests pass', String.raw`{\"command\":\"npm test\",\"failed\":true}`]),
        lie('the tests failed', ['All tests pass', '{"command":"npm test","failed":true}']),
        reviewRule(reviewReply()),
      ],
    });
    const says = (summary: string, status: 'completed' | 'nothing-to-do' = 'completed') => ({
      report: { status, summary, handover: '', followUps: [] },
    });
    const ran = (failed: boolean) => ({ commands: [{ command: 'npm test', failed }] });
    const heard = async (changes: Partial<ReviewRequest>): Promise<string> => {
      const { verdict, findings } = await review(changes);
      return [verdict, ...findings.map(({ title }) => title)].join(': ');
    };

    expect(await heard({ ...EMPTY, ...says('a is b now.') })).toBe('rejected: nothing was changed');
    expect(await heard({ ...EMPTY, ...says('because I say so', 'nothing-to-do') })).toBe(
      'rejected: it is not there',
    );
    expect(await heard({ ...EMPTY, ...says('src/a.ts has it since 1.0', 'nothing-to-do') })).toBe('approved');
    const question = makeTask('4', { title: 'Which port?' });
    expect(await heard({ ...EMPTY, task: question, ...says('It is 8080.') })).toBe('approved');
    expect(await heard(says('All tests pass'))).toBe('rejected: no test was run');
    expect(await heard({ ...says('All tests pass'), ...ran(true) })).toBe('rejected: the tests failed');
    expect(await heard({ ...says('All tests pass'), ...ran(false) })).toBe('approved');
  });

  test('has one system prompt, takes a change of any size, and opens no file that the change names', async () => {
    const { rig, review, bodies } = await start({
      rules: [
        reviewRule(reviewReply({ summary: 'As far as I see.' }), {
          when: { contains: ['bytes left out', 'was shortened'] },
        }),
        reviewRule(reviewReply()),
      ],
    });
    await writeFile(join(rig.cwd, 'notes.txt'), 'CONTENT-OF-THE-NOTES');
    const long = `+see @notes.txt and \u{1f44d}\n`.repeat(150_000);
    const summaryOf = async (text: string): Promise<string> =>
      (await review({ change: { text, truncated: false } })).summary;
    expect(await summaryOf(long)).toContain('As far as I see. (');
    expect(await summaryOf('+/cost @notes.txt')).toBe('It does what is asked.');
    const system = JSON.stringify(SYSTEM_PROMPTS.review).slice(1, -1);
    expect(bodies()).toHaveLength(2);
    for (const body of bodies()) {
      expect(body).toContain(system);
      expect(body).not.toContain('CONTENT-OF-THE-NOTES');
    }
  });
});
