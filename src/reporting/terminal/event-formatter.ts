import type { Stamped } from '../../domain/event.ts';
import { OUTCOME_POLICY } from '../../domain/outcome.ts';
import { pauseFilter } from '../../domain/text/pauses.ts';
import type { RunningWorker } from '../progress/progress-model.ts';
import { describeEvent, isShown, type Detail, type EventLine } from './describe-event.ts';

/**
 * Turns the events of a run into lines: one line for each event that is shown at a level of detail. The failure of an
 * attempt and the retry after it share a line. So a failure is held back until the next event, which is the retry if
 * there is one.
 */
export class EventFormatter {
  readonly #level: Detail;
  readonly #isShownElsewhere: (event: Stamped) => boolean;
  readonly #isNews = pauseFilter();
  #held: { readonly event: EndedAttempt; readonly worker: RunningWorker | undefined } | undefined;

  constructor(level: Detail, isShownElsewhere: (event: Stamped) => boolean = () => false) {
    this.#level = level;
    this.#isShownElsewhere = isShownElsewhere;
  }

  /** The lines to print now; `worker` is the state of the event's attempt before the event. */
  format(event: Stamped, worker: RunningWorker | undefined): EventLine[] {
    if (!this.#isNews(event)) return [];
    const held = this.#held;
    const isOfHeld = held !== undefined && 'taskId' in event && event.taskId === held.event.taskId;
    if (isOfHeld && event.type === 'retry-scheduled') {
      this.#held = undefined;
      return this.#shown(describeEvent(held.event, held.worker, event));
    }
    if (isOfHeld && event.type === 'status-changed' && event.to === 'pending')
      return this.#shown(describeEvent(event, worker));
    const before = this.flush();
    if (event.type === 'attempt-ended' && !OUTCOME_POLICY[event.end.outcome].success) {
      this.#held = { event, worker };
      return before;
    }
    return this.#isShownElsewhere(event) ? before : [...before, ...this.#shown(describeEvent(event, worker))];
  }

  /** The line that is held back, if there is one. */
  flush(): EventLine[] {
    const held = this.#held;
    this.#held = undefined;
    return held === undefined ? [] : this.#shown(describeEvent(held.event, held.worker));
  }

  #shown(line: EventLine | undefined): EventLine[] {
    return line !== undefined && isShown(line, this.#level) ? [line] : [];
  }
}

type EndedAttempt = Extract<Stamped, { type: 'attempt-ended' }>;
