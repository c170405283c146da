import { type Command, Option } from 'commander';
import { addTask as addByHand } from '../../app/add-task.ts';
import type { AddTaskRequest } from '../../app/contract/add-task.ts';
import { validateDependencies } from '../../app/validate-dependencies.ts';
import { fail } from '../../domain/failure.ts';
import { PRIORITIES, type Priority } from '../../domain/task.ts';
import { neutralise } from '../../domain/text/display-text.ts';
import { EXIT, type Cli } from '../cli.ts';
import { ToolCommand } from '../tool-command.ts';
import { addTask } from './add.ts';
import { parseDocument } from './parse.ts';

interface AddTaskOptions extends Omit<AddTaskRequest, 'title' | 'priority' | 'dependencies'> {
  readonly prompt?: string;
  readonly title?: string;
  readonly priority?: Priority;
  readonly dependencies?: string;
}

/** `add-task`: the manager writes the task from `--prompt`; with `--title` it is stored as written, without a model. */
export function makeAddTask(cli: Cli): Command {
  return new ToolCommand('add-task')
    .description('Add one task: --prompt lets the manager write it, --title stores what you wrote.')
    .option('-p, --prompt <text>', 'what is to be done, for the manager')
    .option('-t, --title <text>', 'the title of a task written by hand')
    .option('--description <text>', 'what is to be done, in a few sentences')
    .option('--details <text>', 'how it is to be done')
    .option('--test-strategy <text>', 'how to check that it works')
    .option('--dependencies <ids>', 'tasks that must be done first, such as 1,3.2')
    .addOption(new Option('--priority <priority>', 'how urgent it is').choices(PRIORITIES))
    .examples(
      'add-task --prompt "Log every request with its duration"',
      'add-task --title "Write the release notes" --dependencies 2,3 --priority high',
    )
    .onRun<AddTaskOptions>(cli, async (call) => {
      const { options } = call;
      const { prompt, title, dependencies } = options;
      if ((prompt === undefined) === (title === undefined))
        fail(
          'wrong-usage',
          'Either --prompt or --title is needed.',
          'Give --prompt to have the manager write the task, or --title to store what you wrote.',
        );
      if (prompt !== undefined)
        return addTask(cli, call, { ...options, text: prompt, dependsOn: dependencies });
      const report = await addByHand(call.project, {
        ...options,
        title: title ?? '',
        dependencies: dependencies === undefined ? undefined : [dependencies],
      });
      call.print(report, ({ task }) => [`${task.id}  ${neutralise(task.title)}`]);
    });
}

interface ParsePrdOptions {
  readonly input?: string;
  readonly numTasks?: number;
  readonly append?: boolean;
  readonly force?: boolean;
  readonly replace?: boolean;
}

/** `parse-prd`: `parse` in the spelling of Task Master, but nothing is replaced unless `--force` says so. */
export function makeParsePrd(cli: Cli): Command {
  return new ToolCommand('parse-prd')
    .description('Let the manager turn a requirements document into tasks with dependencies, all or nothing.')
    .argument('[file]', 'text or Markdown file, "-" for stdin')
    .option('-i, --input <file>', 'the same as the argument')
    .wholeNumber('-n, --num-tasks <n>', 'about how many tasks to make; 0 for as many as it needs', 0, 300)
    .option('-a, --append', 'add to the tasks there are')
    .option('-f, --force', 'put the new tasks in the place of those there are; what is in progress stays')
    .option('--replace', 'the same as --force')
    .examples('parse-prd prd.md', 'parse-prd --input=prd.md --num-tasks=10 --append')
    .onRun<ParsePrdOptions>(cli, async (call) => {
      const { input, numTasks = 0, append, force, replace, workingDir } = call.options;
      const files = [...(input === undefined ? [] : [input]), ...call.args];
      if (files.length !== 1)
        fail(
          'wrong-usage',
          'Exactly one file is needed.',
          'For example: `parse-prd prd.md`, or `parse-prd --input=prd.md`.',
        );
      return parseDocument(cli, call, {
        workingDir,
        files,
        numTasks: numTasks === 0 ? undefined : numTasks,
        append,
        replace: force === true || replace === true,
      });
    });
}

/** `validate-dependencies`: exit code 1 if a dependency is missing or there is a cycle. */
export function makeValidateDependencies(cli: Cli): Command {
  return new ToolCommand('validate-dependencies')
    .description('Check that all dependencies exist and form no cycle.')
    .examples('validate-dependencies')
    .onRun(cli, async ({ project, print }) => {
      const report = await validateDependencies(project);
      print(report, ({ valid, tasks, dependencies, problems }) =>
        valid
          ? [`All dependencies are valid (${tasks} tasks, ${dependencies} dependencies).`]
          : problems.map(({ message }) => message),
      );
      return report.valid ? EXIT.done : EXIT.tasksFailed;
    });
}
