import type { CommandEntry, Program } from './command.ts';

const ASKS_THE_MANAGER =
  '0 done, 1 no answer that can be used, 2 wrong usage or configuration, 3 at a usage limit, 5 not authenticated, ' +
  '130 interrupted';

const DOES_TASKS =
  '0 all done, 1 some tasks failed, 2 wrong usage or configuration, 3 stopped at a usage limit, 4 over budget, ' +
  '5 not authenticated, 6 all done but not delivered, 130 interrupted';

function entry(name: string, summary: string, load: CommandEntry['load'], exits?: string): CommandEntry {
  return { name, summary, load, ...(exits !== undefined && { exits }) };
}

/** The commands of `claude-orchestrator`, in the order in which a new user needs them. */
const ORCHESTRATOR_COMMANDS: readonly CommandEntry[] = [
  entry(
    'do',
    'do something here and now, with nothing to set up',
    () => import('./commands/do.ts'),
    DOES_TASKS,
  ),
  entry('init', 'set up this repository', () => import('./commands/init.ts')),
  entry(
    'check',
    'check whether a run can start, and how to fix what prevents it',
    () => import('./commands/check.ts'),
    '0 a run can start, 1 it cannot, 2 wrong usage, 130 interrupted',
  ),
  entry('add', 'add one task', () => import('./commands/add.ts'), ASKS_THE_MANAGER),
  entry(
    'parse',
    'turn a requirements document into tasks',
    () => import('./commands/parse.ts'),
    ASKS_THE_MANAGER,
  ),
  entry(
    'plan',
    'show what would run when; asks the manager for missing estimates',
    () => import('./commands/plan.ts'),
    ASKS_THE_MANAGER,
  ),
  entry('run', 'do the tasks', () => import('./commands/run.ts'), DOES_TASKS),
  entry('status', 'show what happened, what it cost, what is left', () => import('./commands/status.ts')),
  entry('list', 'list tasks', () => import('./commands/list.ts')),
  entry('show', 'show everything about a task', () => import('./commands/show.ts')),
  entry('next', 'name the task to do next, and why', () => import('./commands/next.ts')),
  entry('logs', 'show what a worker said and did, also while it works', () => import('./commands/logs.ts')),
  entry('diff', 'show what a task changed', () => import('./commands/diff.ts')),
  entry('retry', 'try tasks again', () => import('./commands/retry.ts')),
  entry('cancel', 'cancel tasks, and stop the workers on them', () => import('./commands/cancel.ts')),
  entry('recover', 'list, show and restore work that never landed', () => import('./commands/recover.ts')),
  entry('clean', 'show and remove what is no longer needed on the disk', () => import('./commands/clean.ts')),
  entry('set-status', 'set the status of tasks', () => import('./commands/set-status.ts')),
  entry('expand', 'break a task down into subtasks', () => import('./commands/expand.ts'), ASKS_THE_MANAGER),
  entry('edit', 'change a task', () => import('./commands/edit.ts')),
  entry('delete', 'delete tasks', () => import('./commands/delete.ts')),
  entry('depend', 'add or remove a dependency', () => import('./commands/depend.ts')),
  entry(
    'config',
    'show the configuration and where each value comes from',
    () => import('./commands/config.ts'),
  ),
  entry(
    'demo',
    'show the whole tool at work: no key, no network',
    () => import('./commands/demo.ts'),
    '0 it works, 1 it does not, 2 it cannot start here, 130 interrupted',
  ),
  entry('completion', 'print a shell completion script', async () => {
    const { makeCompletion } = await import('./commands/completion.ts');
    return { makeCommand: (cli) => makeCompletion(cli, [CLAUDE_ORCHESTRATOR, TASK_MASTER]) };
  }),
];

/** The commands of `task-master`, with Task Master's own spelling, over the same store. */
const TASK_MASTER_COMMANDS: readonly CommandEntry[] = [
  ...ORCHESTRATOR_COMMANDS.filter(({ name }) =>
    ['list', 'next', 'show', 'set-status', 'expand'].includes(name),
  ),
  entry(
    'add-task',
    'add one task',
    async () => ({ makeCommand: (await import('./commands/task-master.ts')).makeAddTask }),
    ASKS_THE_MANAGER,
  ),
  entry(
    'parse-prd',
    'turn a requirements document into tasks',
    async () => ({ makeCommand: (await import('./commands/task-master.ts')).makeParsePrd }),
    ASKS_THE_MANAGER,
  ),
  entry('add-dependency', 'make a task depend on another', async () => ({
    makeCommand: (await import('./commands/depend.ts')).makeAddDependency,
  })),
  entry('remove-dependency', 'remove a dependency', async () => ({
    makeCommand: (await import('./commands/depend.ts')).makeRemoveDependency,
  })),
  entry(
    'validate-dependencies',
    'check that all dependencies exist and form no cycle',
    async () => ({ makeCommand: (await import('./commands/task-master.ts')).makeValidateDependencies }),
    '0 they do, 1 they do not, 2 wrong usage or configuration',
  ),
];

export const CLAUDE_ORCHESTRATOR: Program = {
  name: 'claude-orchestrator',
  description: 'Claude Opus plans, Claude Sonnet workers do the tasks in parallel, verified results land.',
  commands: ORCHESTRATOR_COMMANDS,
};

export const TASK_MASTER: Program = {
  name: 'task-master',
  description: 'The task list of claude-orchestrator, with the commands of Task Master.',
  commands: TASK_MASTER_COMMANDS,
};
