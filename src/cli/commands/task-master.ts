import { printJson } from '../print.ts';
import { findProject, withStore } from '../../app/project/project.ts';
import { Command, Option } from 'commander';
import { fail } from '../../domain/failure.ts';
import { neutralise } from '../../domain/text/display-text.ts';
import { PRIORITIES, type Priority, type Task } from '../../domain/task.ts';
import { buildTaskGraph, describeProblem } from '../../domain/task-graph.ts';
import type { TaskStore } from '../../store/store.ts';
import { EXIT, type Cli } from '../cli.ts';
import { wholeNumber } from '../values.ts';
import { onRun, type CommonOptions, withExamples } from '../command.ts';
import { changeDependencies, type DependencyAction } from '../tasks/dependencies.ts';
import { parseIds, selectTasks } from '../../app/tasks/ids.ts';
import { addTask } from './add.ts';
import { parseDocument } from './parse.ts';

interface AddTaskOptions extends CommonOptions {
  readonly prompt?: string;
  readonly title?: string;
  readonly description?: string;
  readonly details?: string;
  readonly testStrategy?: string;
  readonly dependencies?: string;
  readonly priority?: Priority;
}

/** `add-task`: written by the manager from `--prompt`, or by hand from `--title`, without a model. */
export function addTaskCommand(cli: Cli): Command {
  const command = new Command('add-task')
    .description('Add one task: --prompt lets the manager write it, --title stores what you wrote.')
    .option('-p, --prompt <text>', 'what is to be done, for the manager')
    .option('-t, --title <text>', 'the title of a task written by hand')
    .option('--description <text>', 'what is to be done, in a few sentences')
    .option('--details <text>', 'how it is to be done')
    .option('--test-strategy <text>', 'how to tell that it works')
    .option('--dependencies <ids>', 'tasks that must be done first, such as 1,3.2')
    .addOption(new Option('--priority <priority>', 'how urgent it is').choices(PRIORITIES));
  withExamples(command, [
    'add-task --prompt "Log every request with its duration"',
    'add-task --title "Write the release notes" --dependencies 2,3 --priority high',
  ]);
  return onRun<AddTaskOptions>(command, cli, async (options) => {
    const { prompt, title, dependencies } = options;
    if ((prompt === undefined) === (title === undefined))
      fail(
        'wrong-usage',
        'Either --prompt or --title is needed.',
        'Give --prompt to have the manager write the task, or --title to store what you wrote.',
      );
    if (prompt !== undefined) {
      const asked = dependencies === undefined ? {} : { dependsOn: dependencies };
      return addTask(cli, { ...options, ...asked }, [prompt]);
    }
    const [task] = await withStore(findProject(cli, options), (store) => addByHand(store, options));
    if (options.json === true) printJson(cli, { stored: true, task });
    else if (task !== undefined) cli.stdout.write(`${task.id}  ${neutralise(task.title)}\n`);
    return undefined;
  });
}

interface ParsePrdOptions extends CommonOptions {
  readonly input?: string;
  readonly numTasks?: number;
  readonly append?: boolean;
  readonly force?: boolean;
  readonly replace?: boolean;
}

/** `parse-prd`: `parse` in the spelling of Task Master, but nothing is replaced unless `--force` says so. */
export function parsePrdCommand(cli: Cli): Command {
  const command = new Command('parse-prd')
    .description('Let the manager turn a requirements document into tasks with dependencies, all or nothing.')
    .argument('[file]', 'text or Markdown file, "-" for stdin')
    .option('-i, --input <file>', 'the same as the argument')
    .option('-n, --num-tasks <n>', 'about how many tasks to make; 0 for as many as it needs', (text) =>
      wholeNumber('--num-tasks', text, 0, 300),
    )
    .option('-a, --append', 'add to the tasks there are')
    .option('-f, --force', 'put the new tasks in the place of those there are; what is in progress stays')
    .option('--replace', 'the same as --force');
  withExamples(command, ['parse-prd prd.md', 'parse-prd --input=prd.md --num-tasks=10 --append']);
  return onRun<ParsePrdOptions>(command, cli, (options, args) => {
    const { input, numTasks = 0, append, force, replace, ...others } = options;
    const files = [...(input === undefined ? [] : [input]), ...args];
    if (files.length !== 1)
      fail(
        'wrong-usage',
        'Exactly one file is needed.',
        'For example: `parse-prd prd.md`, or `parse-prd --input=prd.md`.',
      );
    return parseDocument(
      cli,
      {
        ...others,
        ...(numTasks === 0 ? {} : { numTasks }),
        append: append === true,
        replace: force === true || replace === true,
      },
      files,
    );
  });
}

/** `add-dependency --id=5 --depends-on=3`. */
export function addDependencyCommand(cli: Cli): Command {
  return dependencyCommand(cli, 'add-dependency', 'Make a task depend on others.', 'add');
}

/** `remove-dependency --id=5 --depends-on=3`. */
export function removeDependencyCommand(cli: Cli): Command {
  return dependencyCommand(cli, 'remove-dependency', 'Make a task no longer depend on others.', 'remove');
}

/** `validate-dependencies`: exit code 1 if a dependency is missing or there is a cycle. */
export function validateDependenciesCommand(cli: Cli): Command {
  const command = new Command('validate-dependencies').description(
    'Check that all dependencies exist and form no cycle.',
  );
  withExamples(command, ['validate-dependencies']);
  return onRun<CommonOptions>(command, cli, async (options) => {
    const tasks = await withStore(findProject(cli, options), (store) => store.tasks());
    const graph = buildTaskGraph(tasks);
    const problems = graph.ok
      ? []
      : graph.error.map((problem) => ({ ...problem, message: describeProblem(problem) }));
    const dependencies = tasks.reduce((sum, task) => sum + task.dependencies.length, 0);
    if (options.json === true)
      printJson(cli, { valid: graph.ok, tasks: tasks.length, dependencies, problems });
    else if (graph.ok)
      cli.stdout.write(`All dependencies are valid (${tasks.length} tasks, ${dependencies} dependencies).\n`);
    else cli.stdout.write(problems.map(({ message }) => `${message}\n`).join(''));
    return graph.ok ? EXIT.done : EXIT.tasksFailed;
  });
}

interface DependencyOptions extends CommonOptions {
  readonly id?: string;
  readonly dependsOn?: string;
}

function dependencyCommand(cli: Cli, name: string, description: string, action: DependencyAction): Command {
  const command = new Command(name)
    .description(description)
    .requiredOption('-i, --id <id>', 'the task that waits')
    .requiredOption('--depends-on <ids>', 'the tasks it waits for');
  withExamples(command, [`${name} --id=5 --depends-on=3`]);
  return onRun<DependencyOptions>(command, cli, async (options) => {
    await changeDependencies(cli, options, action, options.id ?? '', [options.dependsOn ?? '']);
    return undefined;
  });
}

function addByHand(store: TaskStore, options: AddTaskOptions): Task[] {
  const {
    title = '',
    description = '',
    details = '',
    testStrategy = '',
    dependencies,
    priority = 'medium',
  } = options;
  if (title.trim() === '') fail('wrong-usage', '--title: a task needs a title that is not empty.');
  const last = store.tasks().reduce((most, { id }) => Math.max(most, Number.parseInt(id, 10)), 0);
  return store.addTasks(
    [
      {
        id: String(last + 1),
        title: title.trim(),
        description,
        details,
        testStrategy,
        priority,
        dependencies: dependencies === undefined ? [] : selectTasks(store, parseIds([dependencies])),
        size: null,
        estimateMinutes: null,
        touches: [],
        risk: null,
      },
    ],
    { source: 'add-task' },
  );
}
