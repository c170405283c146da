import { fail } from '../../domain/failure.ts';
import type { TaskStore } from '../../store/store.ts';
import { compareTaskIds, parentOf, parseTaskId, type Task, type TaskId } from '../../domain/task.ts';

/** What one piece of `1,3.2,5-8` stands for; `first` and `last` are the same for a single id. */
export interface IdRange {
  readonly first: TaskId;
  readonly last: TaskId;
}

/** Reads ids as people write them: `3`, `3.2`, `#3`, `1,2`, `1-4`, `3.1-3.4`. The failure names every piece that is not an id. */
export function parseIds(texts: readonly string[]): IdRange[] {
  const ranges: IdRange[] = [];
  const bad: string[] = [];
  for (const piece of texts.flatMap((text) => text.split(','))) {
    const range = parseRange(piece);
    if (range === undefined) bad.push(JSON.stringify(piece.trim()));
    else ranges.push(range);
  }
  if (bad.length > 0)
    fail('wrong-usage', `${bad.join(', ')}: expected ${ID_FORMS}.`, '`list --with-subtasks` shows every id.');
  if (ranges.length === 0) fail('wrong-usage', `No task is named: expected ${ID_FORMS}.`);
  return ranges;
}

const ID_FORMS = 'a task id such as 3 or 3.2, a list such as 1,3.2 or a range such as 1-4';

/** Reads exactly one id. */
export function parseId(text: string): TaskId {
  const id = parseTaskId(text.trim().replace(/^#/, ''));
  return (
    id ??
    fail(
      'wrong-usage',
      `${JSON.stringify(text)}: expected one task id such as 3 or 3.2.`,
      '`list --with-subtasks` shows every id.',
    )
  );
}

/** Finds the named tasks in the store, each once and in the given order. A range stands for those of its tasks that exist. */
export function selectTasks(store: TaskStore, ranges: readonly IdRange[]): TaskId[] {
  const selected = new Set<TaskId>();
  const missing: string[] = [];
  let all: readonly TaskId[] | undefined;
  for (const range of ranges) {
    const { first, last } = range;
    if (first === last) {
      if (store.task(first) === undefined) missing.push(first);
      else selected.add(first);
      continue;
    }
    all ??= store.tasks().map((task) => task.id);
    const within = all.filter((id) => isWithin(id, range));
    if (within.length === 0) missing.push(`${first}-${last}`);
    for (const id of within) selected.add(id);
  }
  if (missing.length > 0)
    fail(
      'task-not-found',
      missing.length === 1
        ? `There is no task ${missing.join()} here.`
        : `There are no tasks ${missing.join(', ')} here.`,
      '`list --with-subtasks` shows every id; --tag chooses another list.',
    );
  return [...selected];
}

/** Reads the named tasks, each once. A group is replaced by its subtasks, because workers work on those. */
export function selectWork(store: TaskStore, ids: readonly TaskId[]): Task[] {
  const tasks = new Map(store.tasks().map((task) => [task.id, task]));
  const subtasks = new Map<TaskId, TaskId[]>();
  for (const id of tasks.keys()) {
    const parent = parentOf(id);
    if (parent !== undefined) subtasks.set(parent, [...(subtasks.get(parent) ?? []), id]);
  }
  const work = new Set(ids.flatMap((id) => subtasks.get(id)?.sort(compareTaskIds) ?? [id]));
  return [...work].flatMap((id) => tasks.get(id) ?? []);
}

function parseRange(piece: string): IdRange | undefined {
  const [firstText = '', lastText = firstText, ...rest] = piece.trim().split('-');
  const first = parseTaskId(firstText.replace(/^#/, ''));
  const last = parseTaskId(lastText.replace(/^#/, ''));
  if (first === undefined || last === undefined || rest.length > 0) return undefined;
  return parentOf(first) === parentOf(last) && compareTaskIds(first, last) <= 0 ? { first, last } : undefined;
}

/** A range of tasks holds no subtasks. A range of subtasks holds only subtasks of the same parent. */
function isWithin(id: TaskId, { first, last }: IdRange): boolean {
  return parentOf(id) === parentOf(first) && compareTaskIds(first, id) <= 0 && compareTaskIds(id, last) <= 0;
}
