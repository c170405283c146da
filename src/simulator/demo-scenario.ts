import { DEMO_TASKS, DEMO_TITLE, type DemoTask } from './demo-project.ts';
import type { ScenarioInput } from './scenario.ts';

type RuleInput = ScenarioInput['rules'][number];
type ReplyInput = NonNullable<RuleInput['reply']>;

/** Fast enough for a demo, and slow enough to watch. */
const PACE = { waitMs: 120, delayMs: 8 };

/** What the simulated models say in the demo: plans for its requirements, and work on each of its tasks. */
export const DEMO_SCENARIO: ScenarioInput = {
  description: 'A small text statistics library, planned, written and reviewed by scripted replies.',
  rules: [
    ...DEMO_TASKS.flatMap(reviewRules),
    {
      name: 'parse',
      when: { role: 'manager', contains: DEMO_TITLE },
      reply: { json: parseReply(), ...PACE },
    },
    { name: 'plan', when: { role: 'manager' }, reply: { json: planReply(), ...PACE } },
    // The last task comes first: a prompt names the tasks that its task builds on, and never a later one.
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

function reviewRules(task: DemoTask): RuleInput[] {
  const { title, description, flaw } = task;
  // The question about this task contains this text, and no question about another task does.
  const subject = `"title": ${JSON.stringify(title)}`;
  const asked = { role: 'manager', system: 'You review' } as const;
  const approval = {
    findings: [],
    summary: `It does what is asked, with tests that show it. ${description}`,
    verdict: 'approved',
  };
  const approve = (resolved: readonly string[]): ReplyInput => ({ json: { ...approval, resolved }, ...PACE });
  const accepted = { name: `review ${task.id}`, when: { ...asked, contains: subject }, reply: approve([]) };
  if (flaw === undefined) return [accepted];
  const { finding, summary, marker } = flaw;
  return [
    {
      name: `review ${task.id} once more`,
      when: { ...asked, contains: [subject, finding.title] },
      reply: approve(['F1']),
    },
    {
      name: `find the flaw of ${task.id}`,
      when: { ...asked, contains: [subject, marker] },
      reply: {
        json: { findings: [{ id: '', ...finding }], resolved: [], summary, verdict: 'rejected' },
        ...PACE,
      },
    },
    accepted,
  ];
}

function workerRules(task: DemoTask): RuleInput[] {
  const heading = `Task ${task.id}: ${task.title}`;
  const first = task.mistake ?? task.flaw?.files ?? task.files;
  const rules: RuleInput[] = [
    {
      name: `work on ${task.id}`,
      when: { role: 'worker', contains: heading },
      turns: [writes(first), report(task)],
    },
  ];
  const { flaw } = task;
  if (flaw !== undefined) {
    return [
      {
        name: `mend ${task.id} after its review`,
        when: { role: 'worker', contains: [heading, flaw.finding.title] },
        turns: mending(task),
      },
      ...rules,
    ];
  }
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
  const files = task.flaw === undefined ? task.files.slice(0, 1) : task.files;
  return [
    {
      text: 'I look at what is wrong.',
      tools: files.map(([path]) => ({ name: 'Read', input: { file_path: `{{cwd}}/${path}` } })),
      ...PACE,
    },
    writes(files),
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
