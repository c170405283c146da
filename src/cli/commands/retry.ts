import { printJson } from '../print.ts';
import { Argument, Command } from 'commander';
import type { Attempt } from '../../domain/attempt.ts';
import { fail } from '../../domain/failure.ts';
import { OUTCOME_POLICY } from '../../domain/outcome.ts';
import { neutralise } from '../../domain/text/display-text.ts';
import type { TaskStore } from '../../store/store.ts';
import type { Task, TaskId, TaskStatus } from '../../domain/task.ts';
import type { Cli } from '../cli.ts';
import { onRun, type CommonOptions, withExamples } from '../command.ts';
import { findProject, openProjectStore } from '../../app/project/project.ts';
import { parseIds, selectTasks, type IdRange } from '../../app/tasks/ids.ts';
import { liveRun } from '../../app/tasks/live-run.ts';
import { loadBoard, viewTask } from '../../app/tasks/view.ts';
import { workOf } from '../../app/tasks/work-of.ts';

interface RetryOptions extends CommonOptions {
  readonly force?: boolean;
}

/** A task that may be tried again, and how its next attempt begins. */
interface Retried {
  readonly id: TaskId;
  readonly title: string;
  readonly from: TaskStatus;
  readonly to: TaskStatus;
  /** In the session of the last attempt, in a new one after earlier ones, or for the first time. */
  readonly next: 'resume' | 'fresh' | 'first';
  readonly sessionId: string | null;
  /** Unsettled dependencies, which come first. */
  readonly waitingFor: readonly TaskId[];
}

/** `retry`: makes tasks pending again, all or none of them; also while a run works. */
export function retryCommand(cli: Cli): Command {
  const command = new Command('retry')
    .description(
      'Let failed, cancelled or deferred tasks be tried again, also while a run works. Done tasks need --force.',
    )
    .addArgument(new Argument('<ids...>', 'tasks (3, 3.2, 1,2, 1-4)'))
    .option('-f, --force', 'do tasks again whose change has landed already');
  withExamples(command, ['retry 3', 'retry 2,4-6', 'retry 3 --force']);
  return onRun<RetryOptions>(command, cli, async (options, args) => {
    const ranges = parseIds(args);
    const store = await openProjectStore(findProject(cli, options));
    try {
      const retried = store.atomically(() => retry(store, ranges, options.force === true));
      const run = await liveRun(cli, store);
      if (options.json === true) printJson(cli, { retried, run: run?.id ?? null });
      else if (options.quiet !== true)
        cli.stdout.write(
          `${[...retried.map(describe), run === undefined ? '`run` starts what is pending.' : `Run ${run.id} works now, and takes up what is pending.`].join('\n')}\n`,
        );
      return undefined;
    } finally {
      store.close();
    }
  });
}

function retry(store: TaskStore, ranges: readonly IdRange[], force: boolean): Retried[] {
  const named = selectTasks(store, ranges);
  const work = workOf(store, named);
  refuseAtWork(store, work);
  const isNamed = new Set(named);
  // Of a group, what is done stays done; a task that was named itself is asked about.
  const chosen = work.filter(({ id, status }) => force || isNamed.has(id) || status !== 'done');
  const done = chosen.filter(({ status }) => status === 'done');
  if (!force && (done.length > 0 || chosen.length === 0)) refuseDone(chosen.length === 0 ? work : done);
  const changing = chosen.filter(({ status }) => status !== 'pending').map(({ id }) => id);
  if (changing.length > 0) store.setStatus(changing, 'pending', 'to be tried again, as a person asked');
  const board = loadBoard(store);
  return chosen.map((task) => ({
    id: task.id,
    title: task.title,
    from: task.status,
    to: 'pending',
    ...nextOf(store.attempts({ taskId: task.id }).at(-1)),
    waitingFor: viewTask(board, task).waitingFor,
  }));
}

function nextOf(last: Attempt | undefined): Pick<Retried, 'next' | 'sessionId'> {
  if (last?.end == null) return { next: 'first', sessionId: null };
  const { next } = OUTCOME_POLICY[last.end.outcome];
  const resumes = next === 'resume' || next === 'fork';
  return { next: resumes ? 'resume' : 'fresh', sessionId: resumes ? last.sessionId : null };
}

function refuseAtWork(store: TaskStore, work: readonly Task[]): void {
  const named = new Set(work.map(({ id }) => id));
  const running = store.attempts({ running: true }).filter(({ taskId }) => named.has(taskId));
  if (running.length === 0) return;
  const ids = [...new Set(running.map(({ taskId }) => taskId))];
  fail(
    'task-needed',
    `${ids.length === 1 ? `Task ${ids.join()} has` : `Tasks ${ids.join(', ')} have`} an attempt that has not ended.`,
    `See it with \`logs ${ids[0] ?? ''} -f\`; to begin anew, end it with \`cancel ${ids.join(',')}\` first. What a killed run left, the next \`run\` takes up by itself.`,
  );
}

function refuseDone(tasks: readonly Task[]): never {
  const ids = tasks.map(({ id }) => id).join(', ');
  return fail(
    'wrong-usage',
    tasks.length === 1
      ? `Task ${ids} is done: its change has landed already.`
      : `Tasks ${ids} are done: their changes have landed already.`,
    'With --force a worker does it again, on top of what landed.',
  );
}

const NEXT_WORDS: Readonly<Record<Retried['next'], string>> = {
  resume: 'its session goes on where it stopped',
  fresh: 'it starts in a new session',
  first: 'it has not been tried yet',
};

function describe({ id, title, from, next, waitingFor }: Retried): string {
  const change = from === 'pending' ? 'pending already' : `${from} → pending`;
  const waits = waitingFor.length === 0 ? '' : `, after ${waitingFor.join(', ')}`;
  return `${id}  ${change}: ${NEXT_WORDS[next]}${waits}  ${neutralise(title)}`;
}
