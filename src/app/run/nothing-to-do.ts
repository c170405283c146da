import { isRunnable } from '../../domain/task.ts';
import { workingDirectory } from '../repository/work-place.ts';
import { loadGraphBoard } from '../tasks/view.ts';
import type { RunJob } from './job.ts';

/**
 * Says that no task can be run, why, and where earlier results are that were never taken; undefined where something can
 * be run, or where something is left of an earlier run: attempts of a killed one can be recovered, and what it landed
 * has to be delivered.
 */
export async function findNothingToDo(job: RunJob): Promise<string | undefined> {
  const { store, only } = job;
  if (store.lastRun()?.endedAt === null || store.attempts({ running: true }).length > 0) return undefined;
  const { links: graph, tasks } = loadGraphBoard(store);
  const wanted = only === undefined ? graph.leaves() : only.flatMap((id) => graph.workOf(id));
  if (wanted.some((id) => isRunnable(graph.nodes.get(id)?.status ?? 'done'))) return undefined;
  const results = await resultsOfEarlierRuns(job);
  if (!results.areDelivered) return undefined;
  const why =
    tasks.length === 0
      ? 'There is no task yet: `claude-orchestrator add "…"` or `claude-orchestrator parse prd.md` makes some.'
      : `Nothing to do: no task${only === undefined ? '' : ' that was asked for'} is pending or failed (\`claude-orchestrator list\` shows all).`;
  return results.untaken === undefined ? why : `${why}\n${results.untaken}`;
}

/** Whether what landed was delivered, and which results nobody has taken yet; without git nothing could wait. */
async function resultsOfEarlierRuns({
  services,
  project,
  settings,
  store,
}: RunJob): Promise<{ areDelivered: boolean; untaken: string | undefined }> {
  const none = { areDelivered: true, untaken: undefined };
  const { execution, git } = settings.config;
  if (store.lastRun() === undefined || execution.isolation === 'none') return none;
  const { Git } = await import('../../workspace/git/git.ts');
  const { describeUncommittedResults, hasUndelivered } =
    await import('../../workspace/delivery/undelivered.ts');
  const repository = new Git(workingDirectory(project, settings), services.env);
  try {
    if (git.deliver === 'checkout' && (await hasUndelivered(repository)))
      return { ...none, areDelivered: false };
    return { ...none, untaken: await describeUncommittedResults(repository, git.auto_commit) };
  } catch {
    return none;
  }
}
