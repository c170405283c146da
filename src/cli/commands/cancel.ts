import { printJson } from '../print.ts';
import { setTimeout as delay } from 'node:timers/promises';
import { Argument, Command } from 'commander';
import type { Attempt } from '../../domain/attempt.ts';
import { fail } from '../../domain/failure.ts';
import { neutralise } from '../../domain/text/display-text.ts';
import type { TaskStore } from '../../store/store.ts';
import { isSettled, type TaskId, type TaskStatus } from '../../domain/task.ts';
import type { Cli } from '../cli.ts';
import { onRun, type CommonOptions, withExamples } from '../command.ts';
import { findProject, openProjectStore } from '../../app/project/project.ts';
import { parseIds, selectTasks, type IdRange } from '../../app/tasks/ids.ts';
import { liveRun } from '../../app/tasks/live-run.ts';
import { workOf } from '../../app/tasks/work-of.ts';

/** A task that was given up, and what becomes of what worked on it. */
interface Cancelled {
  readonly id: TaskId;
  readonly title: string;
  readonly from: TaskStatus;
  /** Tasks that waited for it, and do no longer. */
  readonly freed: readonly TaskId[];
  /** What it is now: done, if its change landed in the very moment in which it was given up. */
  readonly to: TaskStatus;
  /** Its worker: none was at work; it has ended; the run has not ended it yet; or its run was killed before. */
  readonly worker: 'none' | 'ended' | 'ending' | 'abandoned';
  /** Where its unfinished work is: `recover show` finds it, or it is in the directory that workers share. */
  readonly work: {
    readonly attempt: number;
    readonly branch: string | null;
    readonly directory: string;
  } | null;
}

/** How long to wait for a run to end a worker; it hurries, but a worker may take its time to save its session. */
const PATIENCE_MS = 15_000;
const POLL_MS = 50;

/** `cancel`: gives tasks up, all or none of them; a run that works on them ends their workers, and keeps their work. */
export function cancelCommand(cli: Cli): Command {
  const command = new Command('cancel')
    .description(
      'Give tasks up. A worker that is at work on one is ended, and what it did is kept. Tasks that need it go on without it.',
    )
    .addArgument(new Argument('<ids...>', 'tasks (3, 3.2, 1,2, 1-4)'));
  withExamples(command, ['cancel 3', 'cancel 2,4-6']);
  return onRun<CommonOptions>(command, cli, async (options, args) => {
    const ranges = parseIds(args);
    const store = await openProjectStore(findProject(cli, options));
    try {
      const { given, running } = store.atomically(() => cancel(store, ranges));
      const isLive = running.length > 0 && (await liveRun(cli, store)) !== undefined;
      if (isLive) await untilEnded(cli, store, running);
      const cancelled = given.map((task) => ({ ...task, ...whatIsLeft(store, running, task.id, isLive) }));
      if (options.json === true) printJson(cli, { cancelled });
      else if (options.quiet !== true)
        cli.stdout.write(`${cancelled.flatMap((task) => describe(task)).join('\n')}\n`);
      return undefined;
    } finally {
      store.close();
    }
  });
}

function cancel(
  store: TaskStore,
  ranges: readonly IdRange[],
): { given: Pick<Cancelled, 'id' | 'title' | 'from' | 'freed'>[]; running: Attempt[] } {
  const named = selectTasks(store, ranges);
  const work = workOf(store, named);
  const isNamed = new Set(named);
  const open = work.filter(({ id, status }) => isNamed.has(id) || !isSettled(status));
  const done = (open.length === 0 ? work : open).filter(({ status }) => status === 'done');
  if (done.length > 0) refuseDone(done.map(({ id }) => id));
  const ids = new Set(open.map(({ id }) => id));
  const running = store.attempts({ running: true }).filter(({ taskId }) => ids.has(taskId));
  store.setStatus([...ids], 'cancelled', 'given up by a person');
  const others = store.tasks().filter(({ id, status }) => !ids.has(id) && !isSettled(status));
  const given = open.map(({ id, title, status }) => ({
    id,
    title,
    from: status,
    freed: others.filter(({ dependencies }) => dependencies.includes(id)).map((other) => other.id),
  }));
  return { given, running };
}

function refuseDone(ids: readonly TaskId[]): never {
  return fail(
    'wrong-usage',
    ids.length === 1
      ? `Task ${ids.join()} is done: its change has landed, and cancelling it would not take it back.`
      : `Tasks ${ids.join(', ')} are done: their changes have landed, and cancelling them would not take them back.`,
    `See what it changed with \`diff ${ids[0] ?? ''}\`; \`git revert\` takes a commit back.`,
  );
}

/** Waits until each attempt has an end, patience is out, or a signal says to wait no longer. */
async function untilEnded(cli: Cli, store: TaskStore, attempts: readonly Attempt[]): Promise<void> {
  const ids = new Set(attempts.map(({ id }) => id));
  const impatient = new AbortController();
  const stopListening = cli.onInterrupt(() => impatient.abort());
  const last = Date.now() + PATIENCE_MS;
  try {
    while (Date.now() < last && !impatient.signal.aborted) {
      if (!store.attempts({ running: true }).some(({ id }) => ids.has(id))) return;
      await delay(POLL_MS, undefined, { signal: impatient.signal }).catch(() => undefined);
    }
  } finally {
    stopListening();
  }
}

function whatIsLeft(
  store: TaskStore,
  running: readonly Attempt[],
  taskId: TaskId,
  isLive: boolean,
): Pick<Cancelled, 'to' | 'worker' | 'work'> {
  const to = store.task(taskId)?.status ?? 'cancelled';
  const last = store.attempts({ taskId }).at(-1);
  const isStopped = running.some((attempt) => attempt.taskId === taskId);
  const worker = !isStopped ? 'none' : last?.end !== null ? 'ended' : isLive ? 'ending' : 'abandoned';
  if (last === undefined || last.end?.commit != null) return { to, worker, work: null };
  return { to, worker, work: { attempt: last.number, branch: last.branch, directory: last.directory } };
}

const WORKER_WORDS: Readonly<Record<Cancelled['worker'], string>> = {
  none: '',
  ended: 'Its worker was ended.',
  ending: 'The run has been told to end its worker, and has not done so yet: `status` shows it.',
  abandoned: 'Its run was killed before; the next `run` ends whatever is left of its worker.',
};

function describe({ id, title, from, to, freed, worker, work }: Cancelled): string[] {
  if (to === 'done') return [`${id}  too late, it is done: its change landed just now  ${neutralise(title)}`];
  const change = from === 'cancelled' ? 'cancelled already' : `${from} → ${to}`;
  const details = [
    WORKER_WORDS[worker],
    work === null ? '' : whereWorkIs(id, work),
    freed.length === 0
      ? ''
      : `${freed.join(', ')} no longer ${freed.length === 1 ? 'waits' : 'wait'} for it.`,
  ];
  return [
    `${id}  ${change}  ${neutralise(title)}`,
    ...details.filter((line) => line !== '').map((line) => `    ${line}`),
  ];
}

function whereWorkIs(id: TaskId, { branch, directory }: NonNullable<Cancelled['work']>): string {
  return branch === null
    ? `Whatever it changed is in ${neutralise(directory)}.`
    : `What it did is kept: see it with \`diff ${id}\`, take it with \`recover restore ${id} --branch NAME\`.`;
}
