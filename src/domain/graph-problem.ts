import type { TaskId } from './task.ts';

/** One reason why tasks do not form a graph that can be run. */
export type GraphProblem =
  | { readonly kind: 'invalid-id'; readonly id: TaskId }
  | { readonly kind: 'duplicate-id'; readonly id: TaskId }
  | { readonly kind: 'missing-parent'; readonly id: TaskId }
  | { readonly kind: 'empty-title'; readonly id: TaskId }
  | { readonly kind: 'unknown-dependency'; readonly id: TaskId; readonly dependsOn: TaskId }
  | { readonly kind: 'self-dependency'; readonly id: TaskId; readonly dependsOn: TaskId }
  /** `path` starts and ends with the same id; each needs the next. */
  | { readonly kind: 'cycle'; readonly path: readonly TaskId[] };

/** The problem as a sentence for people and for the model that has to mend it. */
export function describeProblem(problem: GraphProblem): string {
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
