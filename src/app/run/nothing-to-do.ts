import { printJson, useColor, stdoutWidth } from '../../cli/print.ts';
import { styles } from '../../domain/text/styles.ts';
import { isRunnable, type TaskId } from '../../domain/task.ts';
import { EXIT } from '../../cli/cli.ts';
import { workingDirectory } from './worker.ts';
import { formatPlan } from '../../cli/plan/plan-text.ts';
import { previewPlan } from '../planning/preview.ts';
import { loadGraphBoard } from '../tasks/view.ts';
import type { RunContext } from './job.ts';

/**
 * Whether no task could be run, and nothing is left of an earlier run: attempts of a killed one can be recovered, and
 * what it landed has to be delivered.
 */
export async function nothingToDo(
  { cli, project, settings, store }: RunContext,
  only: readonly TaskId[] | undefined,
): Promise<boolean> {
  if (store.lastRun()?.endedAt === null || store.attempts({ running: true }).length > 0) return false;
  const { links: graph } = loadGraphBoard(store);
  const wanted = only === undefined ? graph.leaves() : only.flatMap((id) => graph.workOf(id));
  if (wanted.some((id) => isRunnable(graph.nodes.get(id)?.status ?? 'done'))) return false;
  const { execution, git } = settings.config;
  if (store.lastRun() === undefined || execution.isolation === 'none' || git.deliver !== 'checkout')
    return true;
  const { Git } = await import('../../workspace/git/git.ts');
  const { hasUndelivered } = await import('../../workspace/delivery/undelivered.ts');
  // Without git there is nothing that could wait.
  return !(await hasUndelivered(new Git(workingDirectory(project, settings), cli.env)).catch(() => false));
}

/** Says that, and why, and where earlier results are that were never taken; returns the exit code. */
export async function sayNothingToDo(
  context: RunContext,
  only: readonly TaskId[] | undefined,
): Promise<number> {
  const { cli, options, store } = context;
  const { length } = store.tasks();
  const said =
    length === 0
      ? 'There is no task yet: `claude-orchestrator add "…"` or `claude-orchestrator parse prd.md` makes some.'
      : `Nothing to do: no task${only === undefined ? '' : ' that was asked for'} is pending or failed (\`claude-orchestrator list\` shows all).`;
  const untaken = await untakenResults(context);
  const message = untaken === undefined ? said : `${said}\n${untaken}`;
  if (options.json === true) cli.stdout.write(`${JSON.stringify({ type: 'nothing-to-do', message })}\n`);
  else cli.stdout.write(`${message}\n`);
  return EXIT.done;
}

async function untakenResults({ cli, project, settings, store }: RunContext): Promise<string | undefined> {
  const { execution, git } = settings.config;
  if (store.lastRun() === undefined || execution.isolation === 'none') return undefined;
  const { Git } = await import('../../workspace/git/git.ts');
  const { describeUntaken } = await import('../../workspace/delivery/undelivered.ts');
  const repository = new Git(workingDirectory(project, settings), cli.env);
  // Without git there is nothing that could wait.
  return await describeUntaken(repository, git.auto_commit).catch(() => undefined);
}

/** `--dry-run`: what would run when. */
export function showPlan({ cli, options, settings, store }: RunContext): void {
  const { links: graph, estimate } = loadGraphBoard(store);
  const workers = settings.config.execution.max_workers;
  const preview = previewPlan(graph, { estimate, maxWorkers: workers, costPerMinute: null });
  if (options.json === true) printJson(cli, preview);
  else
    cli.stdout.write(
      formatPlan(preview, { columns: stdoutWidth(cli), style: styles(useColor(cli, options)), workers }),
    );
}
