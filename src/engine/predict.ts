import type { Estimator } from '../domain/estimate.ts';
import { Scheduler } from './scheduler.ts';
import type { TaskId } from '../domain/task.ts';
import type { TaskGraph } from '../domain/task-graph.ts';

/** Predicted minutes until every open task is done with `slots` workers, if each takes what `estimate` says. */
export function predictMinutes(graph: TaskGraph, slots: number, estimate: Estimator): number {
  const scheduler = new Scheduler(graph, { slots, failureMode: 'continue', estimate });
  const running: { id: TaskId; end: number }[] = [];
  let now = 0;
  for (;;) {
    for (const { id } of scheduler.take(now)) {
      const task = graph.nodes.get(id);
      running.push({ id, end: now + (task === undefined ? 0 : estimate(task)) });
    }
    const next = running.sort((a, b) => b.end - a.end).pop();
    if (next === undefined) return now;
    now = next.end;
    scheduler.end(next.id, { kind: 'done' });
  }
}
