import type { Command } from 'commander';
import type { TaskStore } from '../../store/store.ts';
import type { Cli } from '../cli.ts';
import type { CommonOptions } from '../command.ts';
import { findProject, openProjectStore } from '../../app/project/project.ts';

/** Gives `use` the project's store, and closes it whatever comes of it. */
export async function withStore<T>(
  cli: Cli,
  options: CommonOptions,
  use: (store: TaskStore) => T,
): Promise<T> {
  const store = await openProjectStore(findProject(cli, options));
  try {
    return use(store);
  } finally {
    store.close();
  }
}

/** Adds examples to a command's help, in the spelling of the binary that shows it. */
export function withExamples(command: Command, examples: readonly string[]): Command {
  return command.addHelpText('after', () => {
    const binary = command.parent?.name() ?? 'claude-orchestrator';
    const lines = examples.map((example) => `  ${binary} ${example}`);
    return `\n${examples.length === 1 ? 'Example' : 'Examples'}:\n${lines.join('\n')}`;
  });
}

/** Cells of a line of stdout: 80 where it is no terminal. */
export function stdoutWidth(cli: Cli): number {
  const { columns } = cli.stdout;
  return columns !== undefined && columns > 0 ? columns : 80;
}
