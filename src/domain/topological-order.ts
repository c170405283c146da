import { compareTaskIds, type TaskId } from './task.ts';

type Edges = ReadonlyMap<TaskId, readonly TaskId[]>;

/** The ids in an order in which each comes after its needs, the cycles that prevent one, and the edges turned around. */
export interface TopologicalOrder {
  readonly order: readonly TaskId[];
  readonly cycles: readonly (readonly TaskId[])[];
  readonly neededBy: Edges;
}

/**
 * Orders ids by Kahn's algorithm; ties follow the order of `ids`. Every unordered id leads into a cycle. The cycles are
 * taken apart one by one from the smallest id on, so the same input always gives the same cycles.
 */
export function sortTopologically(ids: readonly TaskId[], needs: Edges): TopologicalOrder {
  const neededBy = invert(needs);
  const index = new Map(ids.map((id, position) => [id, position]));
  /** The number of unordered needs of each id; -1 once the id itself is ordered. */
  const missing = Int32Array.from(ids, (id) => needs.get(id)?.length ?? 0);
  const isUnordered = (id: TaskId): boolean => (missing[index.get(id) ?? -1] ?? -1) >= 0;
  const order: TaskId[] = [];
  const cycles: TaskId[][] = [];
  const settle = (start: readonly TaskId[], into: TaskId[]): void => {
    const queue = [...start];
    for (let head = 0; head < queue.length; head++) {
      const id = queue[head] ?? '';
      if (!isUnordered(id)) continue;
      missing[index.get(id) ?? -1] = -1;
      into.push(id);
      for (const next of neededBy.get(id) ?? []) {
        const position = index.get(next) ?? -1;
        const left = (missing[position] ?? -1) - 1;
        if (left < 0) continue;
        missing[position] = left;
        if (left === 0) queue.push(next);
      }
    }
  };

  settle(
    ids.filter((_, position) => missing[position] === 0),
    order,
  );
  for (const id of order.length === ids.length ? [] : ids) {
    while (isUnordered(id)) {
      const cycle = walkIntoCycle(id, needs, isUnordered);
      cycles.push(rotateToSmallest(cycle));
      settle(cycle, []);
    }
  }
  return { order, cycles, neededBy };
}

function walkIntoCycle(start: TaskId, needs: Edges, isUnordered: (id: TaskId) => boolean): TaskId[] {
  const trail: TaskId[] = [];
  const position = new Map<TaskId, number>();
  let id = start;
  while (!position.has(id)) {
    position.set(id, trail.length);
    trail.push(id);
    const next = (needs.get(id) ?? []).find(isUnordered);
    if (next === undefined) throw new Error(`Internal error: ${id} waits for nothing but was not ordered.`);
    id = next;
  }
  return trail.slice(position.get(id));
}

function rotateToSmallest(cycle: readonly TaskId[]): TaskId[] {
  const first = cycle.reduce(
    (best, id, index) => (compareTaskIds(id, cycle[best] ?? id) < 0 ? index : best),
    0,
  );
  const rotated = [...cycle.slice(first), ...cycle.slice(0, first)];
  return [...rotated, ...rotated.slice(0, 1)];
}

function invert(edges: Edges): Map<TaskId, TaskId[]> {
  const inverted = new Map<TaskId, TaskId[]>();
  for (const [id, targets] of edges) {
    for (const target of targets) {
      const list = inverted.get(target);
      if (list === undefined) inverted.set(target, [id]);
      else list.push(id);
    }
  }
  return inverted;
}
