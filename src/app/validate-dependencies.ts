import { buildTaskGraph, describeGraphProblem } from '../domain/task-graph.ts';
import type { ValidateDependenciesReport } from './contract/validate-dependencies.ts';
import { withStore } from './project/open-store.ts';
import type { Project } from './project/project.ts';

/** Tells whether all dependencies exist and form no cycle. */
export async function validateDependencies(project: Project): Promise<ValidateDependenciesReport> {
  const tasks = await withStore(project, (store) => store.tasks());
  const graph = buildTaskGraph(tasks);
  return {
    valid: graph.ok,
    tasks: tasks.length,
    dependencies: tasks.reduce((sum, task) => sum + task.dependencies.length, 0),
    problems: graph.ok
      ? []
      : graph.error.map((problem) => ({ ...problem, message: describeGraphProblem(problem) })),
  };
}
