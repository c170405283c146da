import { type Command, Option } from 'commander';
import { plan } from '../../app/plan.ts';
import { fail } from '../../domain/failure.ts';
import type { Cli } from '../cli.ts';
import { drawMermaid } from '../mermaid.ts';
import { describeCallCost } from '../new-tasks-text.ts';
import { describePlan } from '../plan-text.ts';
import { ToolCommand } from '../tool-command.ts';

interface PlanOptions {
  readonly mermaid?: boolean;
  /** False for `--no-manager`. */
  readonly manager?: boolean;
  /** False for `--no-plan`, as `run` spells it. */
  readonly plan?: boolean;
}

/** `plan`: what `run` would do, before money is spent on the work. */
export function makeCommand(cli: Cli): Command {
  return new ToolCommand('plan')
    .description(
      'Show what would run when: waves, critical path, likely collisions, time and cost. The manager is asked only for estimates that are missing.',
    )
    .option('--mermaid', 'print a diagram that GitHub renders')
    .option('--no-manager', 'ask nobody: use what is stored')
    .addOption(new Option('--no-plan', 'the same as --no-manager').hideHelp())
    .examples('plan', 'plan --no-manager --json', 'plan --mermaid > plan.md')
    .onRun<PlanOptions>(cli, async (call) => {
      const { json, mermaid, ...options } = call.options;
      if (json === true && mermaid === true)
        fail('wrong-usage', '--json and --mermaid contradict each other.', 'Give one of them.');
      const manager = options.manager !== false && options.plan !== false;
      const report = await plan(call.project, { manager, graph: mermaid }, cli);
      for (const message of describeCallCost(report.asked ?? {})) cli.tell({ kind: 'progress', message });
      call.print(report, ({ graph, criticalPath }, layout) => {
        if (graph === undefined) return describePlan(report, layout);
        const { text, tooLarge } = drawMermaid(graph, criticalPath.tasks);
        if (tooLarge !== undefined) cli.tell({ kind: 'warning', message: tooLarge });
        return [text];
      });
    });
}
