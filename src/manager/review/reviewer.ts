import type { Review } from '../../domain/attempt.ts';
import type { Failure } from '../../domain/failure.ts';
import { err, ok, type Result } from '../../domain/result.ts';
import type { TaskId } from '../../domain/task.ts';
import type { Manager, Reviewer, ReviewRequest, ManagerFailure } from '../manager.ts';
import { SYSTEM_PROMPTS } from '../prompts.ts';
import { askUntilValid } from '../reply/ask-until-valid.ts';
import { readReply } from '../reply/read-reply.ts';
import { type ReviewReply, reviewReplySchema } from '../reply/schemas.ts';
import { buildReviewPrompt } from './review-prompt.ts';
import { findingNumber, findReviewProblems, settleReview } from './review-verdict.ts';

/** Creates a reviewer that asks the manager. An unclear reply is sent back once and then settled by fixed rules. */
export function createReviewer(manager: Manager): Reviewer {
  // An id is used only once while this reviewer exists, even after its finding is resolved.
  const highestIds = new Map<TaskId, number>();
  return {
    async review(request, signal) {
      const { task, previous, commit } = request;
      const open = previous?.findings ?? [];
      const round = (previous?.round ?? 0) + 1;
      const { prompt, isShortened } = buildReviewPrompt(request, round, manager.maxPromptBytes);
      const reply = await replyTo(manager, request, prompt, signal);
      if (!reply.ok) return reply;

      const highest = Math.max(highestIds.get(task.id) ?? 0, ...open.map(({ id }) => findingNumber(id)));
      const { verdict, findings } = settleReview(reply.value, open, round, highest);
      highestIds.set(task.id, Math.max(highest, ...findings.map(({ id }) => findingNumber(id))));
      const caveat = isShortened ? ' (The change was too long to be read completely.)' : '';
      const summary = `${reply.value.summary.trim()}${caveat}`;
      return ok<Review>({ round, verdict, summary, findings, commit });
    },
  };
}

async function replyTo(
  manager: Manager,
  request: ReviewRequest,
  prompt: string,
  signal: AbortSignal,
): Promise<Result<ReviewReply, Failure>> {
  const question = {
    purpose: 'review',
    taskId: request.task.id,
    system: SYSTEM_PROMPTS.review,
    prompt,
    schema: reviewReplySchema,
  };
  const open = request.previous?.findings ?? [];
  const problemsOf = (reply: unknown): string[] => findReviewProblems(reply, open);
  const answer = await askUntilValid(manager, question, problemsOf, signal);
  if (answer.ok) return ok(answer.value.value);
  // A reply that still contradicts itself has the required form and is settled by fixed rules.
  const last = readReply(question, { text: answer.error.invalid?.reply ?? '' });
  return last.ok ? ok(last.value.value) : err(unusable(request.task.id, answer.error));
}

/** Failures of the account or the network stay as they are. Those of the reply must not look like a bad plan. */
function unusable(taskId: TaskId, { failure }: ManagerFailure): Failure {
  if (failure.reason !== 'plan-invalid' && failure.reason !== 'prd-too-large') return failure;
  return {
    reason: 'manager-unavailable',
    message: `The review of task ${taskId} got no usable reply. ${failure.message}`,
    fix: 'This says nothing about the change, which is kept: `run` again, or set models.manager.model to another model.',
  };
}
