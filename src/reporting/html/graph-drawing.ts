import { buildTaskGraph, type TaskGraph } from '../../domain/task-graph.ts';
import type { Task, TaskId } from '../../domain/task.ts';

/** A task in the drawing. */
interface PlacedTask {
  readonly id: TaskId;
  /** From the left: the length of the longest chain of tasks that it needs. */
  readonly column: number;
  /** From the top, in its column. */
  readonly row: number;
}

/** How the tasks of a run depend on each other. */
export interface GraphDrawing {
  /** Tasks that need others or are needed, by column and row. */
  readonly nodes: readonly PlacedTask[];
  /** From a task to one that needs it. An edge that follows from other edges is left out. */
  readonly edges: readonly (readonly [from: TaskId, to: TaskId])[];
  /** Tasks without any dependency between them and others. */
  readonly single: readonly TaskId[];
  /** Everything by depth: each wave can run at once when those before it are done. */
  readonly waves: readonly (readonly TaskId[])[];
}

/** Lays out these tasks and what they need directly. Undefined if the stored tasks are no valid graph. */
export function drawGraph(tasks: readonly Task[], shown: ReadonlySet<TaskId>): GraphDrawing | undefined {
  const built = buildTaskGraph(tasks);
  if (!built.ok) return undefined;
  const graph = built.value;
  const needs = needsAmong(graph, shown);
  const edges = withoutShortcuts(needs);
  const depth = depths(needs);
  const waves: TaskId[][] = [];
  for (const [id, column] of depth) (waves[column] ??= []).push(id);
  const tied = new Set(edges.flat());
  const columns = placeRows(
    waves.map((wave) => wave.filter((id) => tied.has(id))),
    edges,
  );
  return {
    nodes: columns.flatMap((ids, column) => ids.map((id, row) => ({ id, column, row }))),
    edges,
    single: [...needs.keys()].filter((id) => !tied.has(id)),
    waves,
  };
}

/** The leaves that each leaf needs, in an order in which each comes after what it needs. */
function needsAmong(graph: TaskGraph, shown: ReadonlySet<TaskId>): Map<TaskId, TaskId[]> {
  const needsOf = (id: TaskId): TaskId[] => [
    ...new Set(graph.needs(id).flatMap((need) => graph.workOf(need))),
  ];
  const leaves = graph.leaves();
  const among = new Set(leaves.filter((id) => shown.has(id)).flatMap((id) => [id, ...needsOf(id)]));
  const inOrder = leaves.filter((id) => among.has(id));
  return new Map(inOrder.map((id) => [id, needsOf(id).filter((need) => among.has(need))]));
}

function depths(needs: ReadonlyMap<TaskId, readonly TaskId[]>): Map<TaskId, number> {
  const depth = new Map<TaskId, number>();
  for (const [id, needed] of needs)
    depth.set(id, Math.max(-1, ...needed.map((need) => depth.get(need) ?? -1)) + 1);
  return depth;
}

/** The edges, without those between tasks that a longer chain also connects. */
function withoutShortcuts(needs: ReadonlyMap<TaskId, readonly TaskId[]>): [TaskId, TaskId][] {
  const behind = new Map<TaskId, ReadonlySet<TaskId>>();
  return [...needs].flatMap(([id, needed]) => {
    const indirect = new Set(needed.flatMap((need) => [...(behind.get(need) ?? [])]));
    behind.set(id, new Set([...needed, ...indirect]));
    return needed.filter((need) => !indirect.has(need)).map((need): [TaskId, TaskId] => [need, id]);
  });
}

const SWEEPS = 4;

/** Orders each column by the places of its neighbours, back and forth a few times, so that few edges cross. */
function placeRows(columns: readonly TaskId[][], edges: GraphDrawing['edges']): TaskId[][] {
  const neighbours = new Map<TaskId, TaskId[]>();
  for (const [from, to] of edges) {
    neighbours.set(from, [...(neighbours.get(from) ?? []), to]);
    neighbours.set(to, [...(neighbours.get(to) ?? []), from]);
  }
  const placed = columns.map((ids) => [...ids]);
  const height = new Map<TaskId, number>();
  const note = (ids: readonly TaskId[]): void =>
    ids.forEach((id, row) => height.set(id, row - (ids.length - 1) / 2));
  placed.forEach(note);
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    for (const ids of sweep % 2 === 0 ? placed : placed.toReversed()) {
      const wish = new Map(
        ids.map((id) => [id, mean((neighbours.get(id) ?? []).map((at) => height.get(at) ?? 0))]),
      );
      ids.sort((a, b) => (wish.get(a) ?? 0) - (wish.get(b) ?? 0));
      note(ids);
    }
  }
  return placed;
}

function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}
