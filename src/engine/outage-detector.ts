import type { AttemptEnd } from '../domain/attempt.ts';
import { failureSignature } from '../domain/failure-signature.ts';
import type { TaskId } from '../domain/task.ts';

/** Attempts at different tasks that die alike within this time have died of the same thing. */
const WITHIN_MS = 60_000;

/** Finds attempts at several tasks that died of the same thing, which then is not their tasks'. */
export class AlikeDeaths {
  #recent: { readonly taskId: TaskId; readonly signature: string; readonly at: number }[] = [];

  /** Takes an attempt's end in, and names the other tasks at which attempts have died alike; `now` in Unix milliseconds. */
  others(taskId: TaskId, end: AttemptEnd, now: number): TaskId[] {
    if (!mayBeShared(end)) return [];
    const signature = failureSignature(end);
    this.#recent = this.#recent.filter(({ at }) => now - at < WITHIN_MS);
    const alike = this.#recent.filter((death) => death.signature === signature && death.taskId !== taskId);
    this.#recent.push({ taskId, signature, at: now });
    return alike.map((death) => death.taskId);
  }
}

/** Whether an attempt died of something that could have met any other. */
export function mayBeShared({ outcome }: AttemptEnd): boolean {
  return outcome === 'infrastructure' || outcome === 'crashed';
}
