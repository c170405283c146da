import type { Command } from 'commander';
import type { Cli } from './cli.ts';

/** One line of the top-level help, and how to get the command behind it; nothing is loaded before it is needed. */
export interface CommandEntry {
  readonly name: string;
  readonly summary: string;
  /** What its exit codes mean, where it has others than 0 and 2. */
  readonly exits?: string;
  readonly load: () => Promise<(cli: Cli) => Command>;
}

const ASKS_THE_MANAGER =
  '0 done, 1 no answer that can be used, 2 wrong usage or configuration, 3 at a usage limit, 5 not authenticated, ' +
  '130 interrupted';

const DOES_TASKS =
  '0 all done, 1 some tasks failed, 2 wrong usage or configuration, 3 stopped at a usage limit, 4 over budget, ' +
  '5 not authenticated, 6 all done but not delivered, 130 interrupted';

/** The commands of `claude-orchestrator`, in the order in which a new user needs them. */
export const ORCHESTRATOR_COMMANDS: readonly CommandEntry[] = [
  {
    name: 'do',
    summary: 'do something here and now, with nothing to set up',
    exits: DOES_TASKS,
    load: async () => (await import('./commands/do.ts')).doCommand,
  },
  {
    name: 'init',
    summary: 'set up this repository',
    load: async () => (await import('./commands/init.ts')).initCommand,
  },
  {
    name: 'check',
    summary: 'tell whether a run can start, and how to fix what keeps it',
    exits: '0 a run can start, 1 it cannot, 2 wrong usage, 130 interrupted',
    load: async () => (await import('./commands/check.ts')).checkCommand,
  },
  {
    name: 'add',
    summary: 'add one task',
    exits: ASKS_THE_MANAGER,
    load: async () => (await import('./commands/add.ts')).addCommand,
  },
  {
    name: 'parse',
    summary: 'turn a requirements document into tasks',
    exits: ASKS_THE_MANAGER,
    load: async () => (await import('./commands/parse.ts')).parseCommand,
  },
  {
    name: 'plan',
    summary: 'show what would run when; the manager is asked for missing estimates',
    exits: ASKS_THE_MANAGER,
    load: async () => (await import('./commands/plan.ts')).planCommand,
  },
  {
    name: 'run',
    summary: 'do the tasks',
    exits: DOES_TASKS,
    load: async () => (await import('./commands/run.ts')).runCommand,
  },
  {
    name: 'status',
    summary: 'tell what happened, what it cost, what is left',
    load: async () => (await import('./commands/status.ts')).statusCommand,
  },
  { name: 'list', summary: 'list tasks', load: async () => (await import('./commands/list.ts')).listCommand },
  {
    name: 'show',
    summary: 'tell everything about a task',
    load: async () => (await import('./commands/show.ts')).showCommand,
  },
  {
    name: 'next',
    summary: 'name the task to do next, and why',
    load: async () => (await import('./commands/next.ts')).nextCommand,
  },
  {
    name: 'logs',
    summary: 'tell what a worker said and did, also while it works',
    load: async () => (await import('./commands/logs.ts')).logsCommand,
  },
  {
    name: 'diff',
    summary: 'show what a task changed',
    load: async () => (await import('./commands/diff.ts')).diffCommand,
  },
  {
    name: 'retry',
    summary: 'let tasks be tried again',
    load: async () => (await import('./commands/retry.ts')).retryCommand,
  },
  {
    name: 'cancel',
    summary: 'give tasks up, and stop what works on them',
    load: async () => (await import('./commands/cancel.ts')).cancelCommand,
  },
  {
    name: 'recover',
    summary: 'list, show and restore work that never landed',
    load: async () => (await import('./commands/recover.ts')).recoverCommand,
  },
  {
    name: 'clean',
    summary: 'show and remove what is not needed on the disk any more',
    load: async () => (await import('./commands/clean.ts')).cleanCommand,
  },
  {
    name: 'set-status',
    summary: 'set the status of tasks',
    load: async () => (await import('./commands/set-status.ts')).setStatusCommand,
  },
  {
    name: 'expand',
    summary: 'break a task down into subtasks',
    exits: ASKS_THE_MANAGER,
    load: async () => (await import('./commands/expand.ts')).expandCommand,
  },
  {
    name: 'edit',
    summary: 'change a task',
    load: async () => (await import('./commands/edit.ts')).editCommand,
  },
  {
    name: 'delete',
    summary: 'delete tasks',
    load: async () => (await import('./commands/delete.ts')).deleteCommand,
  },
  {
    name: 'depend',
    summary: 'add or remove a dependency',
    load: async () => (await import('./commands/depend.ts')).dependCommand,
  },
  {
    name: 'config',
    summary: 'show the configuration and where each value comes from',
    load: async () => (await import('./commands/config.ts')).configCommand,
  },
  {
    name: 'demo',
    summary: 'show the whole job at work: no key, no network',
    exits: '0 it works, 1 it does not, 2 it cannot start here, 130 interrupted',
    load: async () => (await import('./commands/demo.ts')).demoCommand,
  },
  {
    name: 'completion',
    summary: 'print a shell completion script',
    load: async () => {
      const { completionCommand } = await import('./commands/completion.ts');
      return (cli) =>
        completionCommand(cli, {
          'claude-orchestrator': ORCHESTRATOR_COMMANDS,
          'task-master': TASK_MASTER_COMMANDS,
        });
    },
  },
];

/** The commands of `task-master`, with Task Master's own spelling, over the same store. */
export const TASK_MASTER_COMMANDS: readonly CommandEntry[] = [
  ...ORCHESTRATOR_COMMANDS.filter(({ name }) =>
    ['list', 'next', 'show', 'set-status', 'expand'].includes(name),
  ),
  {
    name: 'add-task',
    summary: 'add one task',
    exits: ASKS_THE_MANAGER,
    load: async () => (await import('./commands/task-master.ts')).addTaskCommand,
  },
  {
    name: 'parse-prd',
    summary: 'turn a requirements document into tasks',
    exits: ASKS_THE_MANAGER,
    load: async () => (await import('./commands/task-master.ts')).parsePrdCommand,
  },
  {
    name: 'add-dependency',
    summary: 'make a task depend on another',
    load: async () => (await import('./commands/depend.ts')).addDependencyCommand,
  },
  {
    name: 'remove-dependency',
    summary: 'remove a dependency',
    load: async () => (await import('./commands/depend.ts')).removeDependencyCommand,
  },
  {
    name: 'validate-dependencies',
    summary: 'check that all dependencies exist and form no cycle',
    exits: '0 they do, 1 they do not, 2 wrong usage or configuration',
    load: async () => (await import('./commands/task-master.ts')).validateDependenciesCommand,
  },
];
