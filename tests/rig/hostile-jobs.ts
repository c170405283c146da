import { join } from 'node:path';
import type { ScenarioInput } from '../../src/simulator/scenario.ts';

type RuleInput = ScenarioInput['rules'][number];

/** What the worker of one task does. */
export interface Job {
  readonly needs?: readonly string[];
  /** Text by path. */
  readonly writes?: Readonly<Record<string, string>>;
  /** Runs once that is written. */
  readonly command?: string;
  /** Before its report it waits until the test has called back for it. */
  readonly isHeld?: boolean;
}

/** What is replied to the worker of a task; `signals` is a folder in which it and the test tell each other how far they are. */
export function rulesFor(
  id: string,
  { writes = {}, command, isHeld = false }: Job,
  signals: string,
): RuleInput[] {
  const name = `Task ${id}: Task ${id}`;
  const [reached, go] = [join(signals, `reached-${id}`), join(signals, `go-${id}`)];
  const wait = `touch '${reached}'; until [ -e '${go}' ]; do sleep 0.02; done`;
  const tools = [
    ...Object.entries(writes).map(([path, content]) => ({
      name: 'Write',
      input: { file_path: `{{cwd}}/${path}`, content },
    })),
    ...(command === undefined ? [] : [{ name: 'Bash', input: { command } }]),
  ];
  const held = isHeld ? [{ name: 'Bash', input: { command: wait, timeout: 600_000 } }] : [];
  const report = { json: { status: 'completed', summary: `Did task ${id}.`, handover: '', followUps: [] } };
  const turns = (all: typeof tools) => [...all.map((tool) => ({ tools: [tool] })), report];
  return [
    {
      name: `${id} again`,
      when: { role: 'worker', contains: [name, 'not one file has changed'] },
      turns: turns(tools),
    },
    { name: `work on ${id}`, when: { role: 'worker', contains: name }, turns: turns([...tools, ...held]) },
    { name: `report on ${id}`, when: { role: 'worker', contains: name }, reply: report },
  ];
}
