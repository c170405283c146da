import { DEMO_TASKS, DEMO_TITLE, type DemoTask } from './demo-project.ts';
import type { ScenarioInput } from './scenario.ts';

type RuleInput = ScenarioInput['rules'][number];
type ReplyInput = NonNullable<RuleInput['reply']>;

/** As fast as a demo should be, and slow enough to be watched. */
const PACE = { waitMs: 120, delayMs: 8 };

/** What the simulated models say in the demo: plans for its requirements, and work on each of its tasks. */
export const DEMO_SCENARIO: ScenarioInput = {
  description: 'A small text statistics library, planned and written by scripted replies.',
  rules: [
    {
      name: 'parse',
      when: { role: 'manager', contains: DEMO_TITLE },
      reply: { json: parseReply(), ...PACE },
    },
    { name: 'plan', when: { role: 'manager' }, reply: { json: planReply(), ...PACE } },
    // The last task first: a prompt names the tasks that its own task builds on, but never a later one.
    ...DEMO_TASKS.toReversed().flatMap(workerRules),
  ],
};

function parseReply(): object {
  return {
    tasks: DEMO_TASKS.map((task) => ({
      ...planned(task),
      title: task.title,
      description: task.description,
      details: `Files: ${task.files.map(([path]) => path).join(', ')}.`,
      testStrategy: 'node --test',
      priority: task.id === '1' ? 'high' : 'medium',
      dependencies: task.dependencies,
    })),
  };
}

function planReply(): object {
  return { tasks: DEMO_TASKS.map((task) => ({ ...planned(task), dependencies: [] })) };
}

function planned({ id, size, estimateMinutes, risk, files }: DemoTask): object {
  return { id, size, estimateMinutes, touches: files.map(([path]) => path), risk };
}

function workerRules(task: DemoTask): RuleInput[] {
  const heading = `Task ${task.id}: ${task.title}`;
  const first = task.mistake ?? task.files;
  const rules: RuleInput[] = [
    {
      name: `work on ${task.id}`,
      when: { role: 'worker', contains: heading },
      turns: [writes(first), report(task)],
    },
  ];
  if (task.mistake === undefined) return rules;
  return [
    {
      name: `mend ${task.id}`,
      when: { role: 'worker', contains: [heading, 'The change does not pass'] },
      turns: mending(task),
    },
    {
      name: `mend ${task.id} in a new session`,
      when: { role: 'worker', contains: [heading, 'An earlier try at this task failed'] },
      turns: mending(task),
    },
    ...rules,
  ];
}

function mending(task: DemoTask): ReplyInput[] {
  const [[path, content] = ['', '']] = task.files;
  return [
    {
      text: 'I look at what failed.',
      tools: [{ name: 'Read', input: { file_path: `{{cwd}}/${path}` } }],
      ...PACE,
    },
    writes([[path, content]]),
    report(task),
  ];
}

function writes(files: DemoTask['files']): ReplyInput {
  return {
    text: `I write ${files.map(([path]) => path).join(' and ')}.`,
    tools: files.map(([path, content]) => ({
      name: 'Write',
      input: { file_path: `{{cwd}}/${path}`, content },
    })),
    ...PACE,
  };
}

function report(task: DemoTask): ReplyInput {
  const summary = `${task.title}: ${task.files.map(([path]) => path).join(' and ')}.`;
  return { json: { status: 'completed', summary, handover: task.handover, followUps: [] }, ...PACE };
}
