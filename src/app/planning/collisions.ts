import type { TaskId } from '../../domain/task.ts';
import { globsOverlap } from './glob-overlap.ts';

/** Tasks of one wave that are expected to change the same files. */
export interface Collision {
  /** 1 for the first wave. */
  readonly wave: number;
  readonly tasks: readonly TaskId[];
  readonly paths: readonly string[];
}

/** How many pairs of globs are compared in a wave; a wave with more is so wide that a list would help nobody. */
const MAX_COMPARISONS = 100_000;

/** Finds, wave by wave, the tasks whose `touches` overlap, one entry for each set of tasks. */
export function findCollisions(
  waves: readonly (readonly { readonly id: TaskId; readonly touches: readonly string[] }[])[],
): Collision[] {
  return waves.flatMap((tasks, index) => {
    const touchedBy = new Map<string, Set<TaskId>>();
    for (const { id, touches } of tasks) {
      for (const path of touches) touchedBy.set(path, (touchedBy.get(path) ?? new Set()).add(id));
    }
    return collisionsOf(touchedBy).map((collision) => ({ wave: index + 1, ...collision }));
  });
}

function collisionsOf(touchedBy: ReadonlyMap<string, ReadonlySet<TaskId>>): Omit<Collision, 'wave'>[] {
  const paths = [...touchedBy.keys()];
  const compare = paths.length ** 2 <= MAX_COMPARISONS;
  const byTasks = new Map<string, { tasks: TaskId[]; paths: string[] }>();
  for (const path of paths) {
    const tasks = new Set(touchedBy.get(path));
    for (const other of compare ? paths : []) {
      if (other !== path && globsOverlap(path, other))
        for (const id of touchedBy.get(other) ?? []) tasks.add(id);
    }
    if (tasks.size < 2) continue;
    const key = [...tasks].sort().join(' ');
    const collision = byTasks.get(key);
    if (collision === undefined) byTasks.set(key, { tasks: [...tasks], paths: [path] });
    else collision.paths.push(path);
  }
  return [...byTasks.values()];
}
