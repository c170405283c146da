import type { SetStatusReport, SetStatusRequest } from './contract/set-status.ts';
import { withStore } from './project/open-store.ts';
import type { Project } from './project/project.ts';
import { parseIds, selectTasks } from './tasks/ids.ts';
import { parseStatus } from './tasks/statuses.ts';

/** Sets the status of tasks, of all of them or of none. */
export async function setStatus(project: Project, request: SetStatusRequest): Promise<SetStatusReport> {
  const status = parseStatus(request.status);
  const ranges = parseIds(request.ids);
  return await withStore(project, (store) => {
    const ids = selectTasks(store, ranges);
    const before = new Map(ids.map((id) => [id, store.task(id)]));
    store.setStatus(ids, status, 'set by a person');
    const changed = ids.map((id) => ({
      id,
      title: before.get(id)?.title ?? '',
      from: before.get(id)?.status ?? status,
      to: store.task(id)?.status ?? status,
    }));
    return { status, changed };
  });
}
