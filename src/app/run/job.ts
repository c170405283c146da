import type { TaskId } from '../../domain/task.ts';
import type { OutputStream } from '../../reporting/terminal/output.ts';
import type { Reporter } from '../../reporting/reporter.ts';
import type { RunSummary } from '../../reporting/summary.ts';
import type { TaskStore } from '../../store/store.ts';
import type { ShownWindow } from '../../domain/text/usage-windows.ts';
import type { WorkerPayer } from '../claude/payer.ts';
import type { LoadedConfig } from '../config/load-config.ts';
import type { RunRequest } from '../contract/run.ts';
import type { Project } from '../project/project.ts';
import type { Services } from '../services.ts';

/** How whoever asked for a run follows it. */
export interface RunView {
  /** Makes what shows the run's events as they come. */
  readonly open: (live: LiveSources) => Promise<Reporter>;
  /** The terminal that it writes to, which notices may go to as well; undefined where there is none. */
  readonly terminal: OutputStream | undefined;
  /** Shows how the run ended, or how far it came before it failed. */
  readonly summarize: (summary: RunSummary) => void;
}

/** What a view may ask while a run goes on. */
interface LiveSources {
  readonly windows: () => readonly ShownWindow[];
  readonly monitoring: LoadedConfig['config']['monitoring'];
}

/** One run: what is to be done, with what, and for whom. */
export interface RunJob {
  readonly project: Project;
  readonly request: RunRequest;
  readonly services: Services;
  readonly settings: LoadedConfig;
  readonly store: TaskStore;
  readonly view: RunView;
  /** Only these tasks; groups stand for their subtasks. All tasks if left away. */
  readonly only?: readonly TaskId[];
  /** Who pays for the workers, where that is known already. */
  readonly payer?: WorkerPayer;
  /** What the same job has cost before the run began, in US dollars. */
  readonly spentUsd?: number;
}
