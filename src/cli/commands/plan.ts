import { printJson, useColor, stdoutWidth } from '../print.ts';
import { Command, Option } from 'commander';
import type { LoadedConfig } from '../../app/config/load-config.ts';
import { fail } from '../../domain/failure.ts';
import { styles } from '../../domain/text/styles.ts';
import type { Manager } from '../../manager/manager.ts';
import type { TaskStore } from '../../store/store.ts';
import type { Cli } from '../cli.ts';
import { callCost, formatCallCost, type CallCost } from '../new-tasks-text.ts';
import { interruptible } from '../../app/interrupt.ts';
import { onRun, type CommonOptions, withExamples } from '../command.ts';
import { drawMermaid } from '../mermaid.ts';
import { formatPlan } from '../plan-text.ts';
import { previewPlan } from '../../app/planning/preview.ts';
import { planTasks, lacksEstimates, type PlanSource } from '../../app/planning/plan-tasks.ts';
import { findProject, openProjectStore, type Project } from '../../app/project/project.ts';
import { loadSettings } from '../../app/project/settings.ts';
import { loadGraphBoard } from '../../app/tasks/view.ts';

interface PlanOptions extends CommonOptions {
  readonly mermaid?: boolean;
  /** False for `--no-manager`. */
  readonly manager?: boolean;
  /** False for `--no-plan`, as `run` spells it. */
  readonly plan?: boolean;
}

/** As many workers are looked at even where fewer are configured, if there is work for them. */
const WORTH_A_LOOK = 8;

/** `plan`: what `run` would do, before money is spent on the work. */
export function planCommand(cli: Cli): Command {
  const command = new Command('plan')
    .description(
      'Show what would run when: waves, critical path, likely collisions, time and cost. The manager is asked only for estimates that are missing.',
    )
    .option('--mermaid', 'print a diagram that GitHub renders')
    .option('--no-manager', 'ask nobody: use what is stored')
    .addOption(new Option('--no-plan', 'the same as --no-manager').hideHelp());
  withExamples(command, ['plan', 'plan --no-manager --json', 'plan --mermaid > plan.md']);
  return onRun<PlanOptions>(command, cli, async (options) => {
    if (options.json === true && options.mermaid === true)
      fail('wrong-usage', '--json and --mermaid contradict each other.', 'Give one of them.');
    const project = findProject(cli, options);
    const store = await openProjectStore(project);
    try {
      await showPlan(cli, options, project, store);
    } finally {
      store.close();
    }
    return undefined;
  });
}

async function showPlan(cli: Cli, options: PlanOptions, project: Project, store: TaskStore): Promise<void> {
  const settings = loadSettings(cli, project);
  const mayAsk = options.manager !== false && options.plan !== false;
  const { source, asked } =
    mayAsk && lacksEstimates(store.tasks())
      ? await askForPlan(cli, options, project, settings, store)
      : { source: 'stored', asked: null };

  const { links: graph, estimate } = loadGraphBoard(store);
  const widest = Math.max(0, ...graph.waves().map((wave) => wave.length));
  const workers = settings.config.execution.max_workers;
  const preview = previewPlan(graph, {
    estimate,
    maxWorkers: Math.max(workers, Math.min(WORTH_A_LOOK, widest)),
    costPerMinute: costPerMinute(store),
  });
  if (options.json === true) printJson(cli, { source, asked, ...preview });
  else if (options.mermaid === true) {
    const { text, tooLarge } = drawMermaid(graph, preview.criticalPath.tasks);
    cli.stdout.write(text);
    if (tooLarge !== undefined) cli.stderr.write(`warning: ${tooLarge}\n`);
  } else {
    const style = styles(useColor(cli, options));
    cli.stdout.write(formatPlan(preview, { columns: stdoutWidth(cli), style, workers }));
  }
}

async function askForPlan(
  cli: Cli,
  options: PlanOptions,
  project: Project,
  settings: LoadedConfig,
  store: TaskStore,
): Promise<{ source: PlanSource; asked: CallCost | null }> {
  const { openManager } = await import('../../app/planning/manager.ts');
  const calls: Pick<CallCost, 'usage' | 'durationMs'>[] = [];
  const tell = (text: string): void => {
    if (options.quiet !== true) cli.stderr.write(`${text}\n`);
  };
  const open = async (signal: AbortSignal): Promise<Manager> => {
    tell(
      'Estimates are missing: the manager is asked for them, which is paid for (--no-manager asks nobody).',
    );
    const manager = await openManager(cli, project, settings, store, signal);
    return {
      ...manager,
      ask: async (question, abort) => {
        const reply = await manager.ask(question, abort);
        calls.push(reply.ok ? reply.value : reply.error);
        return reply;
      },
    };
  };
  const source = await interruptible(cli, 'Nothing was stored.', (signal) =>
    planTasks(
      store,
      settings.config.models.manager.model,
      () => open(signal),
      signal,
      (message) => cli.stderr.write(`warning: ${message}\n`),
    ),
  );
  if (calls.length === 0) return { source, asked: null };
  const asked = callCost({
    usage: calls.flatMap(({ usage }) => usage),
    durationMs: calls.reduce((sum, { durationMs }) => sum + durationMs, 0),
  });
  tell(formatCallCost(asked));
  return { source, asked };
}

/** What a minute of finished work has cost in this project, failed tries included; null where nothing is finished. */
function costPerMinute(store: TaskStore): number | null {
  const minutes = store.finishedWork().reduce((sum, work) => sum + work.minutes, 0);
  const cost = store
    .usage()
    .filter(({ role }) => role === 'worker')
    .reduce((sum, { costUsd }) => sum + costUsd, 0);
  return minutes > 0 ? cost / minutes : null;
}
