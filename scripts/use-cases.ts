import { readdirSync } from 'node:fs';
import type { UseCase } from '../src/app/contract/shape.ts';
import { CLAUDE_ORCHESTRATOR, TASK_MASTER } from '../src/cli/commands.ts';

const FOLDER = 'src/app/contract';
const SUFFIX = 'UseCase';

/** Every use case that a contract exports, by its name, in the order in which the help lists commands. */
export async function loadUseCases(): Promise<ReadonlyMap<string, UseCase>> {
  const found: [name: string, useCase: UseCase][] = [];
  for (const file of readdirSync(FOLDER)) {
    // A bundler follows such a path; one that is made elsewhere it does not.
    const contract = (await import(`../src/app/contract/${file.replace(/\.ts$/, '')}.ts`)) as Readonly<
      Record<string, unknown>
    >;
    for (const [name, value] of Object.entries(contract))
      if (name.endsWith(SUFFIX)) found.push([nameOf(name), value as UseCase]);
  }
  const order = [...CLAUDE_ORCHESTRATOR.commands, ...TASK_MASTER.commands].map(({ name }) => name);
  const commandOf = ([name, { commands = [name] }]: (typeof found)[number]): string =>
    commands[0]?.replace(/^task-master /, '') ?? name;
  const place = (command: string): number => order.indexOf(command.split(' ')[0] ?? '');
  return new Map(
    found.sort((a, b) => {
      const [first, second] = [commandOf(a), commandOf(b)];
      return place(first) - place(second) || (first < second ? -1 : 1);
    }),
  );
}

/** `setStatusUseCase` as `set-status`. */
function nameOf(exported: string): string {
  return exported.slice(0, -SUFFIX.length).replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
