import type { TaskId } from '../../domain/task.ts';
import type { Git } from '../git/git.ts';

/** The commit that was kept last of a task in a run; undefined where there is none. */
export async function newestSnapshot(
  git: Git,
  { runId, taskId }: { readonly runId: string; readonly taskId: TaskId },
): Promise<string | undefined> {
  const newest = ['for-each-ref', '--sort=-version:refname', '--count=1', '--format=%(objectname)'];
  const commit = await git.run([...newest, `refs/orchestrator/${runId}/${taskId}`]);
  return commit === '' ? undefined : commit;
}
