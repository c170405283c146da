import type { z } from 'zod';
import type { ModelUsage } from '../../domain/attempt.ts';
import type { Failure, FailureReason } from '../../domain/failure.ts';
import { err, ok, type Result } from '../../domain/result.ts';
import {
  compareTaskIds,
  nextTaskId,
  parentOf,
  type Task,
  type TaskDraft,
  type TaskId,
} from '../../domain/task.ts';
import type { Answer, Manager, ManagerFailure, Mended, Question } from '../manager.ts';
import {
  buildAddPrompt,
  buildAddSeveralPrompt,
  buildExpandPrompt,
  buildPrdPrompt,
  SYSTEM_PROMPTS,
} from '../prompts.ts';
import { askUntilValid } from '../reply/ask-until-valid.ts';
import {
  expandReplySchema,
  parseReplySchema,
  type WrittenTask,
  writtenTaskSchema,
} from '../reply/schemas.ts';
import { dropUnknownDependencies, numberTasks, toCanonicalId } from './mend-ids.ts';
import { findGraphProblems, findNewTaskProblems, readLooseTasks } from './problems.ts';

/** The largest PRD, in bytes of UTF-8. */
export const MAX_PRD_BYTES = 200 * 1024;

/** How many sources a task keeps. */
const MAX_SOURCES = 20;

/** New tasks that form a valid graph with the existing ones and can be stored, and what they cost. */
export interface DraftedTasks {
  readonly drafts: readonly TaskDraft[];
  readonly usage: readonly ModelUsage[];
  readonly durationMs: number;
  /** What was mended in the manager's reply, for people. */
  readonly notes: readonly string[];
  /** What the manager looked at, if it researched. */
  readonly sources: readonly string[];
}

/** Turns a PRD into tasks that are added to `existing` (those that stay), or fails as a whole. */
export async function parsePrd(
  manager: Manager,
  request: { prd: string; existing: readonly Task[]; numTasks?: number | undefined },
  signal: AbortSignal,
): Promise<Result<DraftedTasks, ManagerFailure>> {
  const { prd, existing, numTasks } = request;
  if (prd.trim() === '') {
    return failUnasked(
      'wrong-usage',
      'The PRD is empty: there is nothing to turn into tasks.',
      'Write it first.',
    );
  }
  const size = Buffer.byteLength(prd);
  if (size > MAX_PRD_BYTES) return tooLarge('The PRD', size, MAX_PRD_BYTES);
  const question = {
    purpose: 'parse',
    system: SYSTEM_PROMPTS.parse,
    prompt: buildPrdPrompt(prd, existing, Number(nextTaskId(existing)), numTasks),
    schema: parseReplySchema,
    mend: (reply: z.infer<typeof parseReplySchema>) =>
      mendTasks(reply, existing, { parent: undefined, first: Number(nextTaskId(existing)) }),
  };
  const problemsOf = (reply: unknown): string[] =>
    findNewTaskProblems(readLooseTasks(reply), existing, { parent: undefined });
  const answer = await askWithinLimit(manager, question, problemsOf, signal);
  return answer.ok ? ok(drafted(answer.value, answer.value.value.tasks.map(toDraft))) : answer;
}

/** Turns a wish into one task. It depends on the existing tasks that it builds on. */
export async function writeTask(
  manager: Manager,
  request: { text: string; existing: readonly Task[] },
  signal: AbortSignal,
): Promise<Result<DraftedTasks, ManagerFailure>> {
  const { text, existing } = request;
  if (text.trim() === '') return failUnasked('wrong-usage', 'The task is empty.', 'Say what is to be done.');
  const id = nextTaskId(existing);
  const question = {
    purpose: 'add',
    system: SYSTEM_PROMPTS.add,
    prompt: buildAddPrompt(text, existing, id),
    schema: writtenTaskSchema,
    mend: (reply: WrittenTask) => {
      const { value, notes } = dropUnknownDependencies([{ ...reply, id }], existing);
      return { value: { ...reply, dependencies: value[0]?.dependencies ?? [] }, notes };
    },
  };
  const problemsOf = (reply: unknown): string[] => {
    const { nodes } = readLooseTasks([{ ...(reply as object), id }]);
    return findGraphProblems([...existing, ...nodes]);
  };
  const answer = await askWithinLimit(manager, question, problemsOf, signal);
  return answer.ok ? ok(drafted(answer.value, [toDraft({ id, ...answer.value.value })])) : answer;
}

/** Turns each wish into a task, with a single question. The tasks may build on each other and on existing ones. */
export async function writeTasks(
  manager: Manager,
  request: { texts: readonly string[]; existing: readonly Task[] },
  signal: AbortSignal,
): Promise<Result<DraftedTasks, ManagerFailure>> {
  const { texts, existing } = request;
  const [only] = texts;
  if (only !== undefined && texts.length === 1) return writeTask(manager, { text: only, existing }, signal);
  if (texts.some((text) => text.trim() === ''))
    return failUnasked(
      'wrong-usage',
      'One of the tasks is empty.',
      'Say what is to be done, or leave it out.',
    );
  const first = Number(nextTaskId(existing));
  const ids = texts.map((_, index) => String(first + index));
  const question = {
    purpose: 'add',
    system: SYSTEM_PROMPTS.add,
    prompt: buildAddSeveralPrompt(texts, existing, ids),
    schema: parseReplySchema,
    mend: (reply: z.infer<typeof parseReplySchema>) =>
      mendTasks(reply, existing, { parent: undefined, first }),
  };
  const problemsOf = (reply: unknown): string[] => {
    const tasks = readLooseTasks(reply);
    const { nodes, isWhole } = tasks;
    const missed = ids
      .filter((id) => isWhole && !nodes.some((node) => node.id === id))
      .map((id) => `Task ${id} is missing.`);
    const added = nodes
      .filter(({ id }) => !ids.includes(id))
      .map(({ id }) => `Task ${id} belongs to no wish: there is one task for each of ${ids.join(', ')}.`);
    return [...missed, ...added, ...findNewTaskProblems(tasks, existing, { parent: undefined })];
  };
  const answer = await askWithinLimit(manager, question, problemsOf, signal);
  return answer.ok ? ok(drafted(answer.value, answer.value.value.tasks.map(toDraft))) : answer;
}

/** Splits a task into subtasks, numbered after those it has. With `research`, their details list the sources. */
export async function expandTask(
  manager: Manager,
  request: {
    task: Task;
    existing: readonly Task[];
    num?: number | undefined;
    research: boolean;
    prompt?: string | undefined;
  },
  signal: AbortSignal,
): Promise<Result<DraftedTasks, ManagerFailure>> {
  const { task, existing, num, research, prompt } = request;
  if (parentOf(task.id) !== undefined) {
    return failUnasked(
      'wrong-usage',
      `${task.id} is a subtask, and subtasks have no subtasks.`,
      `Expand ${parentOf(task.id) ?? ''} instead, or edit ${task.id}.`,
    );
  }
  const firstNumber = nextSubtaskNumber(task.id, existing);
  const question = {
    purpose: 'expand',
    system: SYSTEM_PROMPTS.expand,
    prompt: buildExpandPrompt(task, existing, { firstNumber, num, research, prompt }),
    schema: expandReplySchema,
    mend: (reply: z.infer<typeof expandReplySchema>) =>
      mendTasks(reply, existing, { parent: task.id, first: firstNumber }),
    research,
  };
  const problemsOf = (reply: unknown): string[] =>
    findNewTaskProblems(readLooseTasks(reply), existing, { parent: task.id });
  const answer = await askWithinLimit(manager, question, problemsOf, signal);
  if (!answer.ok) return answer;
  const sources = research ? reliedOn(answer.value.value.sources, answer.value.sources) : [];
  const drafts = answer.value.value.tasks.map(toDraft).map((draft) => withSources(draft, sources));
  return ok({ ...drafted(answer.value, drafts), sources });
}

async function askWithinLimit<T>(
  manager: Manager,
  question: Question<T>,
  problemsOf: (reply: unknown) => string[],
  signal: AbortSignal,
): Promise<Result<Answer<T>, ManagerFailure>> {
  const size = Buffer.byteLength(question.system) + Buffer.byteLength(question.prompt);
  if (size > manager.maxPromptBytes) {
    return tooLarge('The text together with the list of existing tasks', size, manager.maxPromptBytes);
  }
  return askUntilValid(manager, question, problemsOf, signal);
}

function drafted<T>(answer: Answer<T>, drafts: readonly TaskDraft[]): DraftedTasks {
  const { usage, durationMs, sources, notes } = answer;
  const sorted = [...drafts].sort((a, b) => compareTaskIds(a.id, b.id));
  return { drafts: sorted, usage, durationMs, sources, notes };
}

function mendTasks<R extends { tasks: (WrittenTask & { id: string })[] }>(
  reply: R,
  existing: readonly Task[],
  numbering: Parameters<typeof numberTasks>[2],
): Mended<R> {
  const numbered = numberTasks(reply.tasks, existing, numbering);
  const { value, notes } = dropUnknownDependencies(numbered.value, existing);
  return { value: { ...reply, tasks: value }, notes: [...numbered.notes, ...notes] };
}

function toDraft(task: WrittenTask & { readonly id: string }): TaskDraft {
  return {
    ...task,
    id: toCanonicalId(task.id),
    title: task.title.replace(/[\s\p{Cc}]+/gu, ' ').trim(),
    dependencies: [...new Set(task.dependencies.map(toCanonicalId))].sort(compareTaskIds),
    touches: [...new Set(task.touches.map((glob) => glob.trim()).filter((glob) => glob !== ''))],
  };
}

function withSources(draft: TaskDraft, sources: readonly string[]): TaskDraft {
  if (sources.length === 0) return draft;
  const list = `Sources:\n${sources.map((source) => `- ${source}`).join('\n')}`;
  return { ...draft, details: draft.details === '' ? list : `${draft.details}\n\n${list}` };
}

/** The sources that the manager really looked at and says it relied on, or all that it looked at if it names none. */
function reliedOn(claimed: readonly string[], seen: readonly string[]): string[] {
  const both = seen.filter((source) => claimed.some((own) => own.trim() === source));
  return (both.length > 0 ? both : seen).slice(0, MAX_SOURCES);
}

function nextSubtaskNumber(parent: TaskId, existing: readonly Task[]): number {
  const numbers = existing
    .filter(({ id }) => parentOf(id) === parent)
    .map(({ id }) => Number(id.slice(parent.length + 1)));
  return numbers.reduce((max, number) => Math.max(max, number), 0) + 1;
}

function tooLarge(what: string, size: number, limit: number): Result<never, ManagerFailure> {
  return failUnasked(
    'prd-too-large',
    `${what} is too large: ${size} bytes, the limit is ${limit} bytes (${Math.floor(limit / 1024)} KB).`,
    'Split it into parts and add them one after the other with `parse --append`.',
  );
}

function failUnasked(reason: FailureReason, message: string, fix: string): Result<never, ManagerFailure> {
  const failure: Failure = { reason, message, fix };
  return err({ failure, usage: [], durationMs: 0 });
}
