import type { Stamped } from '../../domain/event.ts';
import { OUTCOME_POLICY } from '../../domain/outcome.ts';
import { describeEvent, isShown, type Detail, type EventLine } from './describe-event.ts';
import { pauseNews } from '../../domain/text/pauses.ts';
import type { RunningWorker } from '../progress/progress-model.ts';

/**
 * Tells a run in lines, one for each thing that happened and is shown at that level of detail. How an attempt failed and
 * that it is tried again is one thing: it waits for the event after it, which is reported at once if there is one.
 */
export class Narrator {
  readonly #level: Detail;
  readonly #isShownElsewhere: (event: Stamped) => boolean;
  readonly #isNews = pauseNews();
  #held: { readonly event: EndedAttempt; readonly worker: RunningWorker | undefined } | undefined;

  constructor(level: Detail, isShownElsewhere: (event: Stamped) => boolean = () => false) {
    this.#level = level;
    this.#isShownElsewhere = isShownElsewhere;
  }

  /** The lines to print now; `worker` is the attempt's state before the event. */
  tell(event: Stamped, worker: RunningWorker | undefined): EventLine[] {
    if (!this.#isNews(event)) return [];
    const held = this.#held;
    const isOfHeld = held !== undefined && 'taskId' in event && event.taskId === held.event.taskId;
    if (isOfHeld && event.type === 'retry-scheduled') {
      this.#held = undefined;
      return this.#shown(describeEvent(held.event, held.worker, event));
    }
    if (isOfHeld && event.type === 'status-changed' && event.to === 'pending')
      return this.#shown(describeEvent(event, worker));
    const before = this.rest();
    if (event.type === 'attempt-ended' && !OUTCOME_POLICY[event.end.outcome].success) {
      this.#held = { event, worker };
      return before;
    }
    return this.#isShownElsewhere(event) ? before : [...before, ...this.#shown(describeEvent(event, worker))];
  }

  /** What is still to be told. */
  rest(): EventLine[] {
    const held = this.#held;
    this.#held = undefined;
    return held === undefined ? [] : this.#shown(describeEvent(held.event, held.worker));
  }

  #shown(line: EventLine | undefined): EventLine[] {
    return line !== undefined && isShown(line, this.#level) ? [line] : [];
  }
}

type EndedAttempt = Extract<Stamped, { type: 'attempt-ended' }>;
