import type { GraphNode } from '../../domain/task-graph.ts';
import { parseTaskId, type TaskId } from '../../domain/task.ts';
import type { Mended } from '../manager.ts';

/** How new tasks are numbered: from `first` on, below a parent or at the top level. */
interface Numbering {
  readonly parent: TaskId | undefined;
  readonly first: number;
}

/** The fields of a task that matter here. */
type Reference = Pick<GraphNode, 'id' | 'dependencies'> & { readonly title?: string };

/** The canonical form of an id that a model wrote, such as `Task 3`. Another text stays unchanged, to be reported. */
export function toCanonicalId(id: string): TaskId {
  return parseTaskId(id.replace(/^\s*(?:task\s*)?#?(?=\d)/i, '')) ?? id;
}

/**
 * Numbers new tasks whose ids do not have the form of ids, such as `n1`, or belong to other tasks, and renames the
 * dependencies on them. Everything stays unchanged if that is not certain: if two tasks have the same id, or if a
 * dependency is ambiguous or unknown.
 */
export function numberTasks<T extends Reference>(
  tasks: readonly T[],
  existing: readonly Reference[],
  { parent, first }: Numbering,
): Mended<readonly T[]> {
  const ids = tasks.map(({ id }) => toCanonicalId(id));
  const stored = new Map(existing.map(({ id, title = '' }) => [id, title]));
  const odd = ids.filter((id) => parseTaskId(id) === undefined || stored.has(id));
  const all = [...existing, ...tasks];
  const known = new Set(all.flatMap(({ id, title = '' }) => [plain(id), title.trim().toLowerCase()]));
  const isDouble = (id: TaskId): boolean => stored.has(id) && ids.includes(id);
  const isCertain =
    new Set(ids.map(plain)).size === ids.length &&
    tasks.every(({ id, title, dependencies }) => {
      // If the title is equal too, it is the same task again.
      if (title !== undefined && stored.get(toCanonicalId(id)) === title) return false;
      return dependencies.every((need) => known.has(plain(need)) && !isDouble(toCanonicalId(need)));
    });
  if (odd.length === 0 || !isCertain) return { value: tasks, notes: [] };
  const taken = new Set([...existing.map(({ id }) => id), ...ids]);
  const numbers = new Map<string, TaskId>();
  let next = first;
  for (const id of odd) {
    const numbered = (): TaskId => (parent === undefined ? String(next) : `${parent}.${next}`);
    while (taken.has(numbered())) next++;
    numbers.set(plain(id), numbered());
    next++;
  }
  const renamed = (id: string): string => numbers.get(plain(id)) ?? id;
  const value = tasks.map((task) => ({
    ...task,
    id: renamed(task.id),
    dependencies: task.dependencies.map(renamed),
  }));
  return { value, notes: [noteOf(odd.map((id) => [id, renamed(id)]))] };
}

/** Replaces another spelling of a stored task's id, such as `T-3`, by that id, unless two would mean the same task. */
export function matchStoredIds<T extends Reference>(
  tasks: readonly T[],
  stored: readonly Pick<GraphNode, 'id'>[],
): Mended<readonly T[]> {
  const known = new Set(stored.map(({ id }) => id));
  const meant = (written: string): TaskId => {
    const id = toCanonicalId(written);
    const bare = parseTaskId(id.replace(/^\s*[a-z]+[\s#:_-]*(?=\d)/i, ''));
    return known.has(id) || bare === undefined || !known.has(bare) ? id : bare;
  };
  const value = tasks.map((task) => ({
    ...task,
    id: meant(task.id),
    dependencies: task.dependencies.map(meant),
  }));
  const written = new Set(tasks.flatMap(({ id, dependencies }) => [id, ...dependencies]).map(toCanonicalId));
  const changed = [...written].map((id) => [id, meant(id)] as const).filter(([id, own]) => id !== own);
  const isCertain = new Set(value.map(({ id }) => id)).size === value.length;
  return changed.length > 0 && isCertain ? { value, notes: [noteOf(changed)] } : { value: tasks, notes: [] };
}

/** Drops and names the dependencies on unknown tasks and on the task itself. A title may stand for its task. */
export function dropUnknownDependencies<T extends Omit<GraphNode, 'title'> & { readonly title?: string }>(
  tasks: readonly T[],
  existing: readonly Pick<GraphNode, 'id' | 'title'>[],
): Mended<T[]> {
  const notes: string[] = [];
  const all = [...existing, ...tasks.map(({ id, title }) => ({ id: toCanonicalId(id), title }))];
  const known = new Set(all.map(({ id }) => id));
  const titled = (text: string): TaskId[] => {
    const plain = (title = ''): string => title.trim().toLowerCase();
    const same = all.filter(({ title }) => plain(title) !== '' && plain(title) === plain(text));
    return [...new Set(same.map(({ id }) => id))];
  };
  const value = tasks.map((task) => {
    const own = toCanonicalId(task.id);
    const dependencies = task.dependencies.flatMap((written) => {
      const need = toCanonicalId(written);
      const [byTitle, another] = known.has(need) ? [need] : titled(written);
      if (byTitle !== undefined && another === undefined && byTitle !== own) return [byTitle];
      notes.push(
        `Task ${own}: it cannot need ${JSON.stringify(written)}, which is ${byTitle === own ? 'itself' : 'no task'}; left out.`,
      );
      return [];
    });
    return { ...task, dependencies };
  });
  return { value, notes };
}

const NAMED = 5;

function noteOf(renamed: readonly (readonly [string, TaskId])[]): string {
  const named = renamed.slice(0, NAMED).map(([id, number]) => `${JSON.stringify(id)} is ${number}`);
  const more = renamed.length > NAMED ? ` and ${renamed.length - NAMED} more` : '';
  return `The reply: ids were mended: ${named.join(', ')}${more}.`;
}

function plain(text: string): string {
  return toCanonicalId(text).trim().toLowerCase();
}
