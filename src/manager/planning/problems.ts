import { buildTaskGraph, describeGraphProblem, type GraphNode } from '../../domain/task-graph.ts';
import { parentOf, parseTaskId, type TaskId } from '../../domain/task.ts';
import { toCanonicalId } from './mend-ids.ts';

/** Where new tasks belong: at the top level, or below one parent. */
interface Place {
  readonly parent: TaskId | undefined;
}

/** What can be read as tasks in a reply. */
export interface LooseTasks {
  readonly nodes: readonly GraphNode[];
  /** False if there may be more tasks that cannot be read. Then it is not known whether one is missing. */
  readonly isWhole: boolean;
}

/**
 * Finds every reason why new tasks cannot be stored with the existing ones, each once, in a fixed order. Empty if they
 * can be. `existing` must be a valid graph.
 */
export function findNewTaskProblems(
  { nodes: drafts, isWhole }: LooseTasks,
  existing: readonly GraphNode[],
  { parent }: Place,
): string[] {
  if (drafts.length === 0)
    return isWhole ? ['There are no tasks in the reply; at least one is expected.'] : [];
  const problems: string[] = [];
  for (const { id } of drafts) {
    if (parseTaskId(id) === undefined) problems.push(describeGraphProblem({ kind: 'invalid-id', id }));
    else if (parentOf(id) !== parent) {
      problems.push(
        parent === undefined
          ? `"${id}" is the id of a subtask: expected a new top-level id such as 3.`
          : `"${id}" is not the id of a subtask of ${parent}: expected ${parent}.1 or the like.`,
      );
    }
  }
  return [...new Set([...problems, ...findGraphProblems([...existing, ...drafts])])];
}

/** Finds the problems of a graph, as sentences. Empty if it is valid. Tasks with the same id are checked as one task. */
export function findGraphProblems(nodes: readonly GraphNode[]): string[] {
  const needs = new Map<TaskId, TaskId[]>();
  for (const { id, dependencies } of nodes) needs.set(id, [...(needs.get(id) ?? []), ...dependencies]);
  const graph = buildTaskGraph(nodes.map((node) => ({ ...node, dependencies: needs.get(node.id) ?? [] })));
  return graph.ok ? [] : graph.error.map(describeGraphProblem);
}

/**
 * Reads what looks like tasks in a reply of any form, so that the graph can be checked even if the form is wrong. Ids
 * become canonical if they have a canonical form.
 */
export function readLooseTasks(reply: unknown): LooseTasks {
  const list = isRecord(reply) ? reply['tasks'] : reply;
  if (!Array.isArray(list)) return { nodes: [], isWhole: false };
  const nodes = (list as unknown[]).filter(isRecord).flatMap((task) => {
    const id = looseId(task['id']);
    if (id === undefined) return [];
    const dependencies = Array.isArray(task['dependencies']) ? (task['dependencies'] as unknown[]) : [];
    // A missing title is a problem of the form. Here it must not look like an empty one.
    const title = typeof task['title'] === 'string' ? task['title'] : '-';
    return [{ id, title, dependencies: dependencies.map(looseId).filter((own) => own !== undefined) }];
  });
  return { nodes, isWhole: nodes.length === list.length };
}

function looseId(value: unknown): TaskId | undefined {
  if (typeof value !== 'string' && typeof value !== 'number') return undefined;
  return toCanonicalId(String(value));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
