import { Listr, ListrTaskEventType } from 'listr2';
import type { Stamped } from '../../domain/event.ts';
import { layOutLine, type Detail, type EventLine } from './describe-event.ts';
import { drawFrame, drawTotals } from './frame.ts';
import { EventFormatter } from './event-formatter.ts';
import { Output, type OutputStream } from './output.ts';
import { Painter } from './painter.ts';
import { ProgressModel, type ProgressSources } from '../progress/progress-model.ts';
import type { Reporter } from '../reporter.ts';
import type { Styles } from '../../domain/text/styles.ts';

/** Four repaints a second look live. Each one writes every line that has changed. */
const REPAINT_MS = 250;

/** How many finished lines wait for a terminal that takes nothing. The oldest ones are dropped first. */
const MOST_LATE_LINES = 1000;

/** What the live display needs. */
export interface LiveOptions extends ProgressSources {
  readonly stream: OutputStream;
  readonly style: Styles;
  readonly level: Detail;
  /** Unix milliseconds. */
  readonly now: () => number;
}

/**
 * The live display of a terminal. Events that are over are printed for good, and a block below them shows the run.
 *
 * listr2 holds the run as one task that stays pending until the run has ended, and drives a renderer of ours. Its
 * default renderer wraps and writes every row at each change, which takes a fifth of a core for eight rows.
 */
export function liveReporter({ stream, style, level, now, ...sources }: LiveOptions): Reporter {
  const model = new ProgressModel(sources);
  const formatter = new EventFormatter(level, (event) => isInBlock(event, level));
  const output = new Output(stream);
  const painter = new Painter(output);
  const finished: string[] = [];
  let isChanged = false;
  let failure: unknown;
  let show: (block: string[]) => void = () => undefined;
  let end: () => void = () => undefined;
  const ended = new Promise<void>((resolve) => (end = resolve));

  const print = (lines: readonly EventLine[]): void => {
    finished.push(...lines.flatMap((line) => layOutLine(line, output.columns, style)));
    finished.splice(0, finished.length - MOST_LATE_LINES);
  };
  const repaint = (): void => {
    if (output.blocked || output.gone) return;
    try {
      const progress = model.at(now());
      // The clocks of a run that goes on change even if nothing happens.
      if (!isChanged && progress.state !== 'running') return;
      isChanged = false;
      show(drawFrame(progress, now(), output, style));
    } catch (error) {
      // Thrown from a timer, the error would end the run. The next `report` or `close` throws it instead.
      failure = error;
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
        await ended;
      },
    },
    {
      renderer: BlockRenderer,
      rendererOptions: { painter, finished, last },
      // listr2's own listener would end the process with code 127 and leave our workers running.
      registerSignalListeners: false,
    },
  );
  const done = display.run();
  done.catch(() => undefined);

  return {
    report(event) {
      if (failure !== undefined) throw failure as Error;
      const worker = 'attemptId' in event ? model.worker(event.attemptId) : undefined;
      model.apply(event);
      isChanged = true;
      print(formatter.format(event, worker));
    },
    async close() {
      print(formatter.flush());
      clearInterval(timer);
      stream.off('resize', redraw);
      end();
      await done;
      await output.flushed();
      output.detach();
      if (failure !== undefined) throw failure as Error;
    },
  };
}

/** The block shows these events while they hold, so they are printed only for users who want to see everything. */
function isInBlock({ type }: Stamped, level: Detail): boolean {
  return level !== 'verbose' && (type === 'attempt-started' || type === 'run-started');
}

interface BlockOptions {
  readonly painter: Painter;
  /** Lines to print above the block; they are removed as they are printed. */
  readonly finished: string[];
  /** The lines that stay in place of the block. */
  readonly last: () => readonly string[];
}

/** The part of a listr2 task that the renderer uses. */
interface OutputSource {
  on(event: ListrTaskEventType.OUTPUT, listener: (output: string) => void): void;
}

/** Paints the output of the only task of a list whenever it changes. */
class BlockRenderer {
  declare static rendererOptions: BlockOptions;
  declare static rendererTaskOptions: Record<string, never>;
  /** The caller has decided already that the stream is a terminal. */
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
