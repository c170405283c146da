import type { GraphProblem } from './graph-problem.ts';
import { err, ok, type Result } from './result.ts';
import { compareTaskIds, isSettled, parentOf, type Task, type TaskId, type TaskStatus } from './task.ts';

/** What a graph is made of; tasks and drafts both fit. */
export type GraphNode = Pick<Task, 'id' | 'title' | 'dependencies'>;

/**
 * Which task needs which, without the proof that there is no cycle: enough to tell what a task waits for.
 *
 * A task with subtasks is a group: it is no work of its own, it needs its subtasks, and each of them needs what the
 * group needs. So a dependency on a group is a dependency on all of it, and only leaves are ever run.
 */
export class TaskLinks<T extends GraphNode = Task> {
  /** Every node, ordered by id. */
  readonly nodes: ReadonlyMap<TaskId, T>;
  readonly #needs: ReadonlyMap<TaskId, readonly TaskId[]>;
  readonly #groups: ReadonlySet<TaskId>;

  constructor(
    nodes: ReadonlyMap<TaskId, T>,
    needs: ReadonlyMap<TaskId, readonly TaskId[]>,
    groups: ReadonlySet<TaskId>,
  ) {
    this.nodes = nodes;
    this.#needs = needs;
    this.#groups = groups;
  }

  /** What must be settled before this node: its own dependencies, its group's, and a group's subtasks. */
  needs(id: TaskId): readonly TaskId[] {
    return this.#needs.get(id) ?? [];
  }

  /** Whether the node has subtasks and is therefore no work of its own. */
  isGroup(id: TaskId): boolean {
    return this.#groups.has(id);
  }

  /** The work that a task stands for: itself, or the subtasks of a group. */
  workOf(id: TaskId): readonly TaskId[] {
    return this.isGroup(id) ? this.needs(id) : [id];
  }
}

/** A valid dependency graph: every id is unique, every dependency exists, and there is no cycle. */
export class TaskGraph<T extends GraphNode = Task> extends TaskLinks<T> {
  /** Ids such that each comes after all that it needs; ties are broken by id. */
  readonly order: readonly TaskId[];
  readonly #neededBy: ReadonlyMap<TaskId, readonly TaskId[]>;

  constructor(links: Links<T>, neededBy: ReadonlyMap<TaskId, readonly TaskId[]>, order: readonly TaskId[]) {
    super(links.nodes, links.needs, links.groups);
    this.order = order;
    this.#neededBy = neededBy;
  }

  /** What waits directly for this node. */
  neededBy(id: TaskId): readonly TaskId[] {
    return this.#neededBy.get(id) ?? [];
  }

  /** The nodes that are work, in `order`. */
  leaves(): TaskId[] {
    return this.order.filter((id) => !this.isGroup(id));
  }

  /**
   * The longest path from the start of each node to the end of the graph, in the unit of `weight`; nodes that
   * `isOpen` refuses (finished ones) weigh nothing.
   */
  remainingPath(
    weight: (node: T) => number,
    isOpen: (id: TaskId) => boolean = () => true,
  ): Map<TaskId, number> {
    const paths = new Map<TaskId, number>();
    for (const id of [...this.order].reverse()) {
      let behind = 0;
      for (const next of this.neededBy(id)) behind = Math.max(behind, paths.get(next) ?? 0);
      const node = this.nodes.get(id);
      const own = node !== undefined && !this.isGroup(id) && isOpen(id) ? weight(node) : 0;
      paths.set(id, own + behind);
    }
    return paths;
  }

  /** Leaves by depth: everything in a wave can run at once when the waves before it are done. */
  waves(isOpen: (id: TaskId) => boolean = () => true): TaskId[][] {
    const depth = new Map<TaskId, number>();
    const waves: TaskId[][] = [];
    for (const id of this.order) {
      let own = 0;
      for (const need of this.needs(id)) own = Math.max(own, depth.get(need) ?? 0);
      const isWork = !this.isGroup(id) && isOpen(id);
      depth.set(id, own + (isWork ? 1 : 0));
      if (isWork) (waves[own] ??= []).push(id);
    }
    return waves.map((wave) => wave.sort(compareTaskIds));
  }
}

/** Builds the graph, or tells every problem at once, in a fixed order. Linear in nodes and dependencies. */
export function buildTaskGraph<T extends GraphNode>(
  tasks: readonly T[],
): Result<TaskGraph<T>, GraphProblem[]> {
  const links = findLinks(tasks);
  const { problems } = links;
  const neededBy = invert(links.needs);
  const { order, cycles } = sortTopologically([...links.nodes.keys()], links.needs, neededBy);
  for (const path of cycles) problems.push({ kind: 'cycle', path });
  return problems.length > 0 ? err(problems) : ok(new TaskGraph(links, neededBy, order));
}

/** Links tasks that are known to be valid, such as stored ones. */
export function linkTasks<T extends GraphNode>(tasks: readonly T[]): TaskLinks<T> {
  const { nodes, needs, groups } = findLinks(tasks);
  return new TaskLinks(nodes, needs, groups);
}

interface Links<T> {
  readonly nodes: ReadonlyMap<TaskId, T>;
  readonly needs: ReadonlyMap<TaskId, readonly TaskId[]>;
  readonly groups: ReadonlySet<TaskId>;
}

function findLinks<T extends GraphNode>(
  tasks: readonly T[],
): Links<T> & { readonly problems: GraphProblem[] } {
  const problems: GraphProblem[] = [];
  const sorted = [...tasks].sort((a, b) => compareTaskIds(a.id, b.id));
  const nodes = new Map<TaskId, T>();
  const groups = new Set<TaskId>();
  for (const task of sorted) {
    if (!/^\d+(\.\d+)?$/.test(task.id)) problems.push({ kind: 'invalid-id', id: task.id });
    if (nodes.has(task.id)) problems.push({ kind: 'duplicate-id', id: task.id });
    if (task.title.trim() === '') problems.push({ kind: 'empty-title', id: task.id });
    nodes.set(task.id, task);
    const parent = parentOf(task.id);
    if (parent !== undefined) groups.add(parent);
  }

  const needs = new Map<TaskId, TaskId[]>();
  for (const id of nodes.keys()) needs.set(id, []);
  for (const task of sorted) {
    const parent = parentOf(task.id);
    if (parent !== undefined && !nodes.has(parent)) problems.push({ kind: 'missing-parent', id: task.id });
    if (parent !== undefined) needs.get(parent)?.push(task.id);
    const inherited = parent === undefined ? [] : (nodes.get(parent)?.dependencies ?? []);
    for (const dependsOn of eachOnce(task.dependencies)) {
      if (dependsOn === task.id || (groups.has(task.id) && parentOf(dependsOn) === task.id)) {
        problems.push({ kind: 'self-dependency', id: task.id, dependsOn });
      } else if (!nodes.has(dependsOn)) {
        problems.push({ kind: 'unknown-dependency', id: task.id, dependsOn });
      } else if (!groups.has(task.id)) {
        needs.get(task.id)?.push(dependsOn);
      }
    }
    for (const dependsOn of inherited) {
      if (nodes.has(dependsOn) && parentOf(dependsOn) !== parent) needs.get(task.id)?.push(dependsOn);
    }
  }
  for (const [id, list] of needs) {
    if (!isAscending(list)) needs.set(id, [...new Set(list)].sort(compareTaskIds));
  }

  return { nodes, needs, groups, problems };
}

/** Whether a task may start, by the one rule that `list`, `next`, `plan` and `run` share. */
export interface Readiness {
  readonly ready: boolean;
  /** Unsettled dependencies, a group's unsettled subtasks in its place. */
  readonly waitingFor: readonly TaskId[];
  /** Dependencies that were cancelled and so will never come. */
  readonly cancelled: readonly TaskId[];
}

/** A task is ready when everything it needs is `done` or `cancelled`; the task's own status is not looked at. */
export function readiness(links: TaskLinks<GraphNode & { status: TaskStatus }>, id: TaskId): Readiness {
  let waitingFor: TaskId[] = NONE;
  let cancelled: TaskId[] = NONE;
  for (const need of links.needs(id)) {
    for (const leaf of links.workOf(need)) {
      const status = links.nodes.get(leaf)?.status;
      if (status === undefined) continue;
      // Most tasks wait for nothing: no list is made for them.
      if (!isSettled(status)) {
        if (waitingFor === NONE) waitingFor = [];
        waitingFor.push(leaf);
      } else if (status === 'cancelled') {
        if (cancelled === NONE) cancelled = [];
        cancelled.push(leaf);
      }
    }
  }
  return { ready: waitingFor.length === 0, waitingFor, cancelled };
}

const NONE: TaskId[] = [];

/** Lists of one or none are the rule, and making a set of each of ten thousand takes time. */
function eachOnce(ids: readonly TaskId[]): Iterable<TaskId> {
  return ids.length < 2 || isAscending(ids) ? ids : new Set(ids);
}

function isAscending(ids: readonly TaskId[]): boolean {
  for (let index = 1; index < ids.length; index++) {
    if (compareTaskIds(ids[index - 1] ?? '', ids[index] ?? '') >= 0) return false;
  }
  return true;
}

/**
 * Kahn's algorithm; what it cannot order contains a cycle for every walk along unordered needs, and is taken apart
 * cycle by cycle from the smallest id on, so the same input always prints the same trails.
 */
function sortTopologically(
  ids: readonly TaskId[],
  needs: ReadonlyMap<TaskId, readonly TaskId[]>,
  neededBy: ReadonlyMap<TaskId, readonly TaskId[]>,
): { order: TaskId[]; cycles: TaskId[][] } {
  const index = new Map(ids.map((id, position) => [id, position]));
  /** Unordered needs of each id; -1 once it is ordered itself. */
  const missing = Int32Array.from(ids, (id) => needs.get(id)?.length ?? 0);
  const isOpen = (id: TaskId): boolean => (missing[index.get(id) ?? -1] ?? -1) >= 0;
  const order: TaskId[] = [];
  const cycles: TaskId[][] = [];
  const settle = (start: readonly TaskId[], into: TaskId[]): void => {
    const queue = [...start];
    for (let head = 0; head < queue.length; head++) {
      const id = queue[head] ?? '';
      if (!isOpen(id)) continue;
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
    while (isOpen(id)) {
      const cycle = walkIntoCycle(id, needs, isOpen);
      cycles.push(rotateToSmallest(cycle));
      settle(cycle, []);
    }
  }
  return { order, cycles };
}

function walkIntoCycle(
  start: TaskId,
  needs: ReadonlyMap<TaskId, readonly TaskId[]>,
  isOpen: (id: TaskId) => boolean,
): TaskId[] {
  const trail: TaskId[] = [];
  const position = new Map<TaskId, number>();
  let id = start;
  while (!position.has(id)) {
    position.set(id, trail.length);
    trail.push(id);
    const next = (needs.get(id) ?? []).find(isOpen);
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

function invert(edges: ReadonlyMap<TaskId, readonly TaskId[]>): Map<TaskId, TaskId[]> {
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
