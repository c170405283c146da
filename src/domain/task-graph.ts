import { fail } from './failure.ts';
import { err, ok, type Result } from './result.ts';
import { compareTaskIds, isSettled, parentOf, type Task, type TaskId, type TaskStatus } from './task.ts';
import { sortTopologically } from './topological-order.ts';

/** A node of a graph; tasks and drafts both fit. */
export type GraphNode = Pick<Task, 'id' | 'title' | 'dependencies'>;

/**
 * The dependencies between tasks, without a proof that there is no cycle: enough to tell what a task waits for.
 *
 * A task with subtasks is a group. A group is no work of its own: it needs its subtasks, and each subtask needs whatever
 * the group needs. So a dependency on a group is a dependency on all its subtasks, and only leaves are run.
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

  /** The nodes that must be settled before this one: its own dependencies, its group's, and a group's subtasks. */
  needs(id: TaskId): readonly TaskId[] {
    return this.#needs.get(id) ?? [];
  }

  /** Whether the node has subtasks and is no work of its own. */
  isGroup(id: TaskId): boolean {
    return this.#groups.has(id);
  }

  /** The work behind an id: the task itself, or the subtasks of a group. */
  workOf(id: TaskId): readonly TaskId[] {
    return this.isGroup(id) ? this.needs(id) : [id];
  }
}

/** A valid dependency graph: every id is unique, every dependency exists, and there is no cycle. */
export class TaskGraph<T extends GraphNode = Task> extends TaskLinks<T> {
  /** All ids, each after its needs; ties are broken by id. */
  readonly order: readonly TaskId[];
  readonly #neededBy: ReadonlyMap<TaskId, readonly TaskId[]>;

  constructor(links: Links<T>, neededBy: ReadonlyMap<TaskId, readonly TaskId[]>, order: readonly TaskId[]) {
    super(links.nodes, links.needs, links.groups);
    this.order = order;
    this.#neededBy = neededBy;
  }

  /** The nodes that wait directly for this one. */
  neededBy(id: TaskId): readonly TaskId[] {
    return this.#neededBy.get(id) ?? [];
  }

  /** The nodes without subtasks, in `order`. */
  leaves(): TaskId[] {
    return this.order.filter((id) => !this.isGroup(id));
  }

  /**
   * The longest path from the start of each node to the end of the graph, in the unit of `weight`. Nodes for which
   * `isOpen` is false (finished ones) weigh nothing.
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

  /** The leaves by depth: all tasks of a wave can run at once when the waves before it are done. */
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

/** Builds the graph, or lists every problem at once, in a fixed order. Linear in nodes and dependencies. */
export function buildTaskGraph<T extends GraphNode>(
  tasks: readonly T[],
): Result<TaskGraph<T>, GraphProblem[]> {
  const links = findLinks(tasks);
  const { problems } = links;
  const { order, cycles, neededBy } = sortTopologically([...links.nodes.keys()], links.needs);
  for (const path of cycles) problems.push({ kind: 'cycle', path });
  return problems.length > 0 ? err(problems) : ok(new TaskGraph(links, neededBy, order));
}

/** Links tasks that are known to be valid, such as stored tasks. */
export function linkTasks<T extends GraphNode>(tasks: readonly T[]): TaskLinks<T> {
  const { nodes, needs, groups } = findLinks(tasks);
  return new TaskLinks(nodes, needs, groups);
}

/** Builds the graph of stored tasks. Throws `Failed` ("plan-invalid") where they do not form one. */
export function buildStoredGraph(tasks: readonly Task[]): TaskGraph {
  const graph = buildTaskGraph(tasks);
  if (graph.ok) return graph.value;
  return fail(
    'plan-invalid',
    `The stored tasks do not form a valid graph:\n${graph.error.map(describeGraphProblem).join('\n')}`,
    'Repair them with `depend remove` or `delete`.',
  );
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
    for (const dependsOn of withoutDuplicates(task.dependencies)) {
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

/** Whether a task may start, by the rule that `list`, `next`, `plan` and `run` share. */
export interface Readiness {
  readonly ready: boolean;
  /** The unsettled dependencies. A group is represented by its unsettled subtasks. */
  readonly waitingFor: readonly TaskId[];
  /** The dependencies that are cancelled, so that their work never comes. */
  readonly cancelled: readonly TaskId[];
}

/** A task is ready when all its needs are `done` or `cancelled`. The task's own status does not matter. */
export function checkReadiness(links: TaskLinks<GraphNode & { status: TaskStatus }>, id: TaskId): Readiness {
  let waitingFor: TaskId[] = NONE;
  let cancelled: TaskId[] = NONE;
  for (const need of links.needs(id)) {
    for (const leaf of links.workOf(need)) {
      const status = links.nodes.get(leaf)?.status;
      if (status === undefined) continue;
      // Most tasks wait for nothing and share the empty list.
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

/** Most lists have at most one id, and making ten thousand sets takes time. */
function withoutDuplicates(ids: readonly TaskId[]): Iterable<TaskId> {
  return ids.length < 2 || isAscending(ids) ? ids : new Set(ids);
}

function isAscending(ids: readonly TaskId[]): boolean {
  for (let index = 1; index < ids.length; index++) {
    if (compareTaskIds(ids[index - 1] ?? '', ids[index] ?? '') >= 0) return false;
  }
  return true;
}

/** A reason why tasks do not form a graph that can be run. */
export type GraphProblem =
  | { readonly kind: 'invalid-id'; readonly id: TaskId }
  | { readonly kind: 'duplicate-id'; readonly id: TaskId }
  | { readonly kind: 'missing-parent'; readonly id: TaskId }
  | { readonly kind: 'empty-title'; readonly id: TaskId }
  | { readonly kind: 'unknown-dependency'; readonly id: TaskId; readonly dependsOn: TaskId }
  | { readonly kind: 'self-dependency'; readonly id: TaskId; readonly dependsOn: TaskId }
  /** `path` starts and ends with the same id; each id needs the next. */
  | { readonly kind: 'cycle'; readonly path: readonly TaskId[] };

/** Describes a problem in a sentence for people and for the model that has to correct it. */
export function describeGraphProblem(problem: GraphProblem): string {
  switch (problem.kind) {
    case 'invalid-id':
      return `"${problem.id}" is not a task id: expected a positive integer such as 3, or 3.2 for a subtask.`;
    case 'duplicate-id':
      return `Id ${problem.id} is used by more than one task.`;
    case 'missing-parent':
      return `Subtask ${problem.id} has no parent task.`;
    case 'empty-title':
      return `Task ${problem.id} has an empty title.`;
    case 'unknown-dependency':
      return `Task ${problem.id} depends on ${problem.dependsOn}, which does not exist.`;
    case 'self-dependency':
      return problem.id === problem.dependsOn
        ? `Task ${problem.id} depends on itself.`
        : `Task ${problem.id} depends on its own subtask ${problem.dependsOn}.`;
    case 'cycle':
      return `Tasks wait for each other in a cycle: ${problem.path.join(' → ')} (each needs the next).`;
  }
}
