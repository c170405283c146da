import type { LoadedConfig } from '../config/load-config.ts';
import type { TaskStore } from '../../store/store.ts';
import type { Cli } from '../../cli/cli.ts';
import type { CommonOptions } from '../../cli/command.ts';
import type { WorkerPayer } from './worker.ts';
import type { Project } from '../project/project.ts';

/** The options of `run`. */
export interface RunCommandOptions extends CommonOptions {
  readonly workers?: number;
  readonly id?: readonly string[];
  /** False for `--no-progress`, and so on. */
  readonly progress?: boolean;
  readonly plan?: boolean;
  readonly review?: boolean;
  /** False for `--no-wait`: ends at a usage limit. */
  readonly wait?: boolean;
  /** Where the HTML report goes. */
  readonly report?: string;
  readonly dryRun?: boolean;
  readonly maxCost?: number;
}

/** What everything that belongs to one `run` needs. */
export interface RunContext {
  readonly cli: Cli;
  readonly options: RunCommandOptions;
  readonly project: Project;
  readonly settings: LoadedConfig;
  readonly store: TaskStore;
  /** Who pays for the workers, where that was found out already. */
  readonly payer?: WorkerPayer;
  /** What was spent on the same job before the run began, in US dollars. */
  readonly spentUsd?: number;
}
