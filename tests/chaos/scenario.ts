import type { ScenarioInput } from '../../src/simulator/scenario.ts';
import type { TaskDraft } from '../../src/domain/task.ts';
import { reviewReply, reviewRule } from '../rig/reviews.ts';
import { draft } from '../rig/task-project.ts';

type RuleInput = ScenarioInput['rules'][number];
type ReplyInput = NonNullable<RuleInput['reply']>;

/**
 * Six tasks that meet whatever a run has to deal with: 2 changes what 1 wrote, 3 and 4 write the same lines, what 5
 * writes at first does not pass, and 6 needs two that are done in any order.
 */
export const TASKS: readonly TaskDraft[] = [
  draft('1'),
  draft('2', ['1']),
  draft('3'),
  draft('4'),
  draft('5'),
  draft('6', ['2', '5']),
];

/** What the integration branch holds in the end, beside what the user had. */
export const RESULT: Readonly<Record<string, string>> = {
  'parts/1.txt': 'part 1: taken by 2\n',
  'parts/2.txt': 'part 2\n',
  'parts/3.txt': 'part 3\n',
  'parts/4.txt': 'part 4\n',
  'parts/5.txt': 'good\n',
  'parts/6.txt': 'part 6\n',
};

/**
 * What the line that 3 and 4 both write may have become: who comes while the other one works meets a conflict and
 * keeps both, and who comes later finds it taken.
 */
export const SHARED: readonly string[] = ['slot: three', 'slot: four', 'slot: three and four'].map(
  (line) => `one\n${line}\nthree\n`,
);

/** What the repository has before the first run; `check.sh` is the verify command. */
export const REPOSITORY: Readonly<Record<string, string>> = {
  'shared.txt': 'one\nslot: empty\nthree\n',
  'check.sh': 'sleep 0.05\n! grep -qs bad parts/5.txt && ! grep -q "^<<<<<<<" shared.txt\n',
  'notes.md': 'one\ntwo\nthree\n',
  'staged.md': 'one\ntwo\nthree\n',
  'gone.md': 'one\n',
  'src/code.js': 'export const one = 1;\n',
};

/** Long enough to be killed in, short enough to be done hundreds of times. */
const PACE = { waitMs: 40 };

/** What the workers of these tasks do. */
export const SCENARIO: ScenarioInput = {
  rules: [
    reviewRule(reviewReply()),
    // The last task first: a prompt names the tasks that its own task builds on, but never a later one.
    ...work('6', [writes('parts/6.txt', 'part 6\n')]),
    ...work('5', [writes('parts/5.txt', 'good\n')], 'does not pass'),
    ...work('5', [writes('parts/5.txt', 'bad\n')]),
    ...work('4', [writes('shared.txt', SHARED[2] ?? '')], 'conflict'),
    ...work('4', [edits('shared.txt', 'slot: empty', 'slot: four'), writes('parts/4.txt', 'part 4\n')]),
    ...work('3', [writes('shared.txt', SHARED[2] ?? '')], 'conflict'),
    ...work('3', [edits('shared.txt', 'slot: empty', 'slot: three'), writes('parts/3.txt', 'part 3\n')]),
    ...work('2', [edits('parts/1.txt', ': open', ': taken by 2'), writes('parts/2.txt', 'part 2\n')]),
    ...work('1', [writes('parts/1.txt', 'part 1: open\n')]),
  ],
};

/** The rules by which a worker does a task; with `told`, once that was said to it. */
function work(id: string, steps: readonly ReplyInput[], told?: string): RuleInput[] {
  const heading = `Task ${id}: Task ${id}`;
  const contains = told === undefined ? heading : [heading, told];
  const report = {
    json: { status: 'completed', summary: `Did task ${id}.`, handover: '', followUps: [] },
    usage: { input: 200, output: 30 },
    ...PACE,
  };
  return [
    {
      name: told === undefined ? `work on ${id}` : `${id}, told: ${told}`,
      when: { role: 'worker', contains },
      turns: [...steps.map((step) => ({ ...step, usage: { input: 1000, output: 100 }, ...PACE })), report],
    },
    // A conversation that was cut off may come back at any point of it.
    { name: `report on ${id}`, when: { role: 'worker', contains }, reply: report },
  ];
}

function writes(path: string, content: string): ReplyInput {
  return { tools: [{ name: 'Write', input: { file_path: `{{cwd}}/${path}`, content } }] };
}

/** Fails where the text is not there, or was replaced before; the work goes on. */
function edits(path: string, from: string, to: string): ReplyInput {
  const input = { file_path: `{{cwd}}/${path}`, old_string: from, new_string: to };
  return { tools: [{ name: 'Edit', input }] };
}
