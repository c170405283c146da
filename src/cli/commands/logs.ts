import { printJson } from '../print.ts';
import { Argument, Command, Option } from 'commander';
import type { Attempt } from '../../domain/attempt.ts';
import { fail } from '../../domain/failure.ts';
import type { TaskStore } from '../../store/store.ts';
import type { Cli } from '../cli.ts';
import { onRun, type CommonOptions, withExamples } from '../command.ts';
import { PacedOutput } from '../paced-output.ts';
import { processLookUp } from '../../app/project/process-look-up.ts';
import { findProject, openProjectStore } from '../../app/project/project.ts';
import { redactorFor } from '../../app/project/redaction.ts';
import { triedTask } from '../../app/tasks/attempts-of.ts';

interface LogsOptions extends CommonOptions {
  readonly follow?: boolean;
  readonly attempt?: string;
  readonly raw?: boolean;
}

/** `logs`: what a worker said and did, and what came of it; also while it works. */
export function logsCommand(cli: Cli): Command {
  const command = new Command('logs')
    .description(
      'Tell what a worker said and did in a try at a task, and what came of it. --verbose shortens nothing.',
    )
    .addArgument(new Argument('<id>', 'a task (3, 3.2)'))
    .option('-f, --follow', 'go on until the attempt has ended')
    .option('-a, --attempt <number>', 'an earlier attempt (default: the newest)')
    .addOption(new Option('--raw', 'the transcript as Claude printed it: stream-json, one object a line'));
  withExamples(command, [
    'logs 3',
    'logs 3 -f',
    'logs 3.2 --attempt 1 --verbose',
    'logs 3 --raw | jq \'select(.type == "result")\'',
  ]);
  return onRun<LogsOptions>(command, cli, async (options, [id = '']) => {
    const store = await openProjectStore(findProject(cli, options));
    try {
      const { task, attempts, untried } = triedTask(store, id);
      const attempt = choose(attempts, options.attempt, task.id);
      if (attempt === undefined) {
        if (options.json === true) printJson(cli, { type: 'note', text: untried });
        else if (options.quiet !== true) cli.stderr.write(`${untried}\n`);
        return undefined;
      }
      return await show(cli, options, store, attempt, task.title);
    } finally {
      store.close();
    }
  });
}

async function show(
  cli: Cli,
  options: LogsOptions,
  store: TaskStore,
  attempt: Attempt,
  title: string,
): Promise<number | undefined> {
  const { attemptFiles } = await import('../../worker/claude/attempt-files.ts');
  const { missingTranscript, showLog } = await import('../../app/logs.ts');
  const { showRaw } = await import('../transcript/show-raw.ts');
  const output = new PacedOutput(cli.stdout);
  const interrupted = new AbortController();
  const stopListening = cli.onInterrupt(() => interrupted.abort());
  const isAtWork = options.follow === true && attempt.end === null ? await lookAtWork(cli, store) : undefined;
  const signal = AbortSignal.any([interrupted.signal, output.gone]);
  const redact = redactorFor(cli, findProject(cli, options));
  const request = { store, attempt, title, output, redact, isAtWork, signal };
  try {
    if (options.raw !== true) await showLog(cli, options, request);
    else if (!(await showRaw(cli, request)) && !signal.aborted)
      fail('file-unreadable', missingTranscript(attempt, attemptFiles(attempt.files).transcript));
  } finally {
    stopListening();
    output.release();
  }
  return cli.interruptExit;
}

function choose(
  attempts: readonly Attempt[],
  asked: string | undefined,
  taskId: string,
): Attempt | undefined {
  const newest = attempts.at(-1);
  if (asked === undefined || newest === undefined) return newest;
  return (
    attempts.find(({ number }) => String(number) === asked.trim().replace(/^#/, '')) ??
    fail(
      'wrong-usage',
      `${JSON.stringify(asked)}: task ${taskId} has no such attempt.`,
      `It has ${attempts.length === 1 ? 'only number' : 'numbers'} ${attempts.map(({ number }) => number).join(', ')}.`,
    )
  );
}

/** An attempt without an end is worked on by its run, or by a worker that has outlived its run. */
async function lookAtWork(cli: Cli, store: TaskStore): Promise<(attempt: Attempt) => boolean> {
  const isAlive = await processLookUp(cli);
  return ({ runId, process }) => {
    const run = store.run(runId);
    if (run !== undefined && run.endedAt === null && isAlive(run.process)) return true;
    return process !== null && isAlive(process);
  };
}
