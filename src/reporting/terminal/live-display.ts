import { Listr, ListrTaskEventType } from 'listr2';
import type { Stamped } from '../../domain/event.ts';
import { layOutLine, type Detail, type EventLine } from './describe-event.ts';
import { drawFrame, drawTotals } from './frame.ts';
import { Narrator } from './event-formatter.ts';
import { Output, type OutputStream } from './output.ts';
import { Painter } from './painter.ts';
import { ProgressModel, type ProgressSources } from '../progress/progress-model.ts';
import type { Reporter } from '../reporter.ts';
import type { Styles } from '../../domain/text/styles.ts';

/** Four a second look live; each costs a repaint of every line that changed. */
const REPAINT_MS = 250;

/** Finished lines that wait for a terminal which takes nothing; the oldest go first. */
const MOST_LATE_LINES = 1000;

/** What the live display needs. */
export interface ProgressOptions extends ProgressSources {
  readonly stream: OutputStream;
  readonly style: Styles;
  readonly level: Detail;
  /** Unix milliseconds. */
  readonly now: () => number;
}

/**
 * The live display of a terminal: what ended is printed for good, and below it stands a block that shows the run.
 *
 * listr2 holds the run as one task that is pending until the run is over, and drives a renderer of our own: its default
 * one wraps and writes every row at each change, which costs a fifth of a core for eight rows.
 */
export function progressReporter({ stream, style, level, now, ...sources }: ProgressOptions): Reporter {
  const model = new ProgressModel(sources);
  const narrator = new Narrator(level, (event) => isInBlock(event, level));
  const output = new Output(stream);
  const painter = new Painter(output);
  const finished: string[] = [];
  let isChanged = false;
  let trouble: unknown;
  let show: (block: string[]) => void = () => undefined;
  let over: () => void = () => undefined;
  const untilOver = new Promise<void>((resolve) => (over = resolve));

  const print = (lines: readonly EventLine[]): void => {
    finished.push(...lines.flatMap((line) => layOutLine(line, output.columns, style)));
    finished.splice(0, finished.length - MOST_LATE_LINES);
  };
  const repaint = (): void => {
    if (output.blocked || output.gone) return;
    try {
      const progress = model.at(now());
      // Clocks go on while nothing happens.
      if (!isChanged && progress.state !== 'running') return;
      isChanged = false;
      show(drawFrame(progress, now(), output, style));
    } catch (error) {
      // Thrown from a timer it would end the run; the next report or close hands it on.
      trouble = error;
      clearInterval(timer);
    }
  };
  const redraw = (): void => {
    isChanged = true;
    repaint();
  };
  const timer = setInterval(repaint, REPAINT_MS).unref();
  stream.on('resize', redraw);

  const last = (): string[] => {
    const progress = model.at(now());
    return progress.state === 'starting' ? [] : drawTotals(progress, output, style);
  };
  const display = new Listr(
    {
      task: async (_context, task) => {
        show = (block) => (task.output = block.join('\n'));
        await untilOver;
      },
    },
    {
      renderer: BlockRenderer,
      rendererOptions: { painter, finished, last },
      // Its own listener would end the process with 127 and leave our workers running.
      registerSignalListeners: false,
    },
  );
  const done = display.run();
  done.catch(() => undefined);

  return {
    report(event) {
      if (trouble !== undefined) throw trouble as Error;
      const worker = 'attemptId' in event ? model.worker(event.attemptId) : undefined;
      model.apply(event);
      isChanged = true;
      print(narrator.tell(event, worker));
    },
    async close() {
      print(narrator.rest());
      clearInterval(timer);
      stream.off('resize', redraw);
      over();
      await done;
      await output.flushed();
      output.detach();
      if (trouble !== undefined) throw trouble as Error;
    },
  };
}

/** What the block shows anyway while it is true is printed only for those who want to see everything. */
function isInBlock({ type }: Stamped, level: Detail): boolean {
  return level !== 'verbose' && (type === 'attempt-started' || type === 'run-started');
}

interface BlockOptions {
  readonly painter: Painter;
  /** Lines to print above the block; taken out as they are printed. */
  readonly finished: string[];
  /** What stays in the place of the block. */
  readonly last: () => readonly string[];
}

/** The part of a listr2 task that the renderer looks at. */
interface OutputSource {
  on(event: ListrTaskEventType.OUTPUT, listener: (output: string) => void): void;
}

/** Paints the output of the one task that a list has, whenever it changes. */
class BlockRenderer {
  declare static rendererOptions: BlockOptions;
  declare static rendererTaskOptions: Record<string, never>;
  /** Who constructs it has decided already that the stream is a terminal. */
  static nonTTY = true;
  readonly #tasks: readonly OutputSource[];
  readonly #options: BlockOptions;

  constructor(tasks: readonly OutputSource[], options: BlockOptions) {
    this.#tasks = tasks;
    this.#options = options;
  }

  render(): void {
    const { painter, finished } = this.#options;
    for (const task of this.#tasks) {
      task.on(ListrTaskEventType.OUTPUT, (block) => painter.paint(block.split('\n'), finished.splice(0)));
    }
  }

  end(): void {
    const { painter, finished, last } = this.#options;
    painter.end(last(), finished.splice(0));
  }
}
