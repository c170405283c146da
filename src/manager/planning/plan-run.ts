import { createHash } from 'node:crypto';
import type { z } from 'zod';
import type { ModelUsage } from '../../domain/attempt.ts';
import { err, ok, type Result } from '../../domain/result.ts';
import {
  compareTaskIds,
  isSettled,
  parentOf,
  type Risk,
  type Size,
  type Task,
  type TaskId,
} from '../../domain/task.ts';
import { parseJson } from '../../domain/text/parse-json.ts';
import type { Manager, ManagerFailure } from '../manager.ts';
import { buildPlanPrompt, SYSTEM_PROMPTS } from '../prompts.ts';
import { askUntilValid } from '../reply/ask-until-valid.ts';
import { planReplySchema } from '../reply/schemas.ts';
import { dropUnknownDependencies, matchStoredIds, toCanonicalId } from './mend-ids.ts';
import { type LooseTasks, findGraphProblems, readLooseTasks } from './problems.ts';

/** Increased whenever the prompt or the reply changes, so that older cached plans are not used. */
const PLAN_VERSION = 1;

/** What a plan says about one task. */
export interface PlannedTask {
  readonly id: TaskId;
  readonly size: Size;
  readonly estimateMinutes: number;
  readonly touches: readonly string[];
  readonly risk: Risk;
  /** Dependencies that the plan adds to the stored ones. Together they have no cycle. */
  readonly dependencies: readonly TaskId[];
}

/** The plan of a run. */
export interface RunPlan {
  /** `stored` means that there is no plan and the stored dependencies decide the order. `warning` says why. */
  readonly source: 'manager' | 'stored';
  readonly tasks: readonly PlannedTask[];
  readonly warning: string | null;
  /** What was mended in the manager's reply, for people. */
  readonly notes: readonly string[];
  readonly usage: readonly ModelUsage[];
  readonly durationMs: number;
}

/**
 * Plans every unsettled task of `tasks` (all that are stored). Planning never makes a run impossible: if it fails, the
 * result is a warning and the stored dependencies. Only an abort is an error.
 */
export async function planRun(
  manager: Manager,
  tasks: readonly Task[],
  signal: AbortSignal,
): Promise<Result<RunPlan, ManagerFailure>> {
  const open = openLeaves(tasks);
  if (open.size === 0) return ok(stored(null));
  const prompt = buildPlanPrompt(tasks, open);
  const size = Buffer.byteLength(prompt) + Buffer.byteLength(SYSTEM_PROMPTS.plan);
  if (size > manager.maxPromptBytes) {
    return ok(stored(`all tasks together are ${size} bytes, and the limit is ${manager.maxPromptBytes}.`));
  }
  const question = {
    purpose: 'plan',
    system: SYSTEM_PROMPTS.plan,
    prompt,
    schema: planReplySchema,
    mend: (reply: z.infer<typeof planReplySchema>) => {
      const named = matchStoredIds(reply.tasks, tasks);
      const { value, notes } = dropUnknownDependencies(named.value, tasks);
      return { value: { tasks: value }, notes: [...named.notes, ...notes] };
    },
  };
  const problemsOf = (reply: unknown): string[] => findPlanProblems(readLooseTasks(reply), tasks, open);
  const answer = await askUntilValid(manager, question, problemsOf, signal);
  if (!answer.ok) {
    const { failure, usage, durationMs } = answer.error;
    if (failure.reason === 'interrupted') return err(answer.error);
    return ok({ ...stored(failure.message), usage, durationMs });
  }
  const { value, notes, usage, durationMs } = answer.value;
  const planned = value.tasks.map((task) => ({
    ...task,
    id: toCanonicalId(task.id),
    dependencies: [...new Set(task.dependencies.map(toCanonicalId))].sort(compareTaskIds),
  }));
  planned.sort((a, b) => compareTaskIds(a.id, b.id));
  return ok({ source: 'manager', tasks: planned, warning: null, notes, usage, durationMs });
}

/**
 * The plan cache's key: a hash of everything that a plan depends on, which is the texts and dependencies of the tasks and
 * the model that plans. Statuses, times, and what an earlier plan added do not count.
 */
export function hashPlanInputs(tasks: readonly Task[], model: string): string {
  const inputs = [...tasks]
    .sort((a, b) => compareTaskIds(a.id, b.id))
    .map((task) => [
      task.id,
      task.title,
      task.description,
      task.details,
      [...task.dependencies].sort(compareTaskIds),
    ]);
  return createHash('sha256')
    .update(JSON.stringify([PLAN_VERSION, model, inputs]))
    .digest('hex');
}

/** A plan as it is stored in the plan cache. */
export function serializePlan(tasks: readonly PlannedTask[]): string {
  return JSON.stringify({ tasks });
}

/** Reads a plan from the cache. Undefined if it is not a plan and must be made again. */
export function deserializePlan(text: string): PlannedTask[] | undefined {
  const plan = planReplySchema.safeParse(parseJson(text));
  return plan.success ? plan.data.tasks : undefined;
}

function openLeaves(tasks: readonly Task[]): Set<TaskId> {
  const groups = new Set(tasks.map(({ id }) => parentOf(id)));
  return new Set(tasks.filter(({ id, status }) => !groups.has(id) && !isSettled(status)).map(({ id }) => id));
}

function findPlanProblems(
  { nodes: planned, isWhole }: LooseTasks,
  tasks: readonly Task[],
  open: ReadonlySet<TaskId>,
): string[] {
  const problems: string[] = [];
  const seen = new Set<TaskId>();
  for (const { id } of planned) {
    if (!open.has(id)) problems.push(`"${id}" is not one of the tasks that are to be planned.`);
    else if (seen.has(id)) problems.push(`Task ${id} is planned more than once.`);
    seen.add(id);
  }
  for (const id of open) if (isWhole && !seen.has(id)) problems.push(`Task ${id} is left out.`);
  const added = new Map<TaskId, TaskId[]>();
  for (const { id, dependencies } of planned) added.set(id, [...(added.get(id) ?? []), ...dependencies]);
  const merged = tasks.map(({ id, title, dependencies }) => ({
    id,
    title,
    dependencies: [...dependencies, ...(added.get(id) ?? [])],
  }));
  return [...new Set([...problems, ...findGraphProblems(merged)])];
}

function stored(why: string | null): RunPlan {
  return {
    source: 'stored',
    tasks: [],
    warning: why === null ? null : `Planning failed, so the run uses only the stored dependencies: ${why}`,
    notes: [],
    usage: [],
    durationMs: 0,
  };
}
