import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';

/** What a program wrote to its terminal at one moment, in seconds since its start. */
export interface TerminalOutput {
  readonly at: number;
  readonly text: string;
  /** The terminal got this size before the text: columns, rows. */
  readonly size?: readonly [columns: number, rows: number];
}

/** How a program on a terminal ended. */
interface TerminalEnd {
  /** Exit code, negative for a signal. */
  readonly exit: number;
  /** Processor seconds of the program and what it waited for. */
  readonly cpu: number;
}

/** A program that runs on a real pseudo-terminal. */
export interface TerminalProgram {
  /** Everything so far. */
  readonly outputs: readonly TerminalOutput[];
  resize(columns: number, rows: number): void;
  /** Types characters: `\x03` is Ctrl-C. */
  type(characters: string): void;
  /** Resolves as soon as the output so far satisfies the condition; rejects if the program ends first. */
  until(condition: (outputs: readonly TerminalOutput[]) => boolean): Promise<void>;
  /** Resolves when the program has ended and all its output is here. */
  readonly ended: Promise<TerminalEnd>;
}

export interface TerminalOptions {
  readonly columns: number;
  readonly rows: number;
  readonly cwd?: string;
  readonly env: NodeJS.ProcessEnv;
}

/** Starts a command on a pseudo-terminal of that size, which does not echo what is typed. Needs python3, whose standard library has one. */
export function runOnTerminal(command: readonly string[], options: TerminalOptions): TerminalProgram {
  const { columns, rows, cwd, env } = options;
  const helper = resolve('tests/rig/terminal.py');
  const python = spawn('python3', [helper, String(columns), String(rows), ...command], {
    cwd,
    env,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const outputs: TerminalOutput[] = [];
  let end: TerminalEnd | undefined;
  const watchers = new Set<() => void>();

  createInterface({ input: python.stdout }).on('line', (line) => {
    const frame = JSON.parse(line) as TerminalOutput | TerminalEnd;
    if ('exit' in frame) end = frame;
    else outputs.push(frame);
    for (const watcher of watchers) watcher();
  });
  const ended = new Promise<TerminalEnd>((fulfil, reject) => {
    python.on('error', reject);
    python.on('close', () => {
      if (end === undefined) reject(new Error('The pseudo-terminal ended before its program.'));
      else fulfil(end);
      for (const watcher of watchers) watcher();
    });
  });
  ended.catch(() => undefined);

  return {
    outputs,
    ended,
    resize: (newColumns, newRows) => python.stdin.write(`size ${newColumns} ${newRows}\n`),
    type: (characters) => python.stdin.write(`key ${JSON.stringify(characters)}\n`),
    until: (condition) =>
      new Promise((fulfil, reject) => {
        const watcher = (): void => {
          if (condition(outputs)) fulfil();
          else if (python.exitCode !== null || end !== undefined)
            reject(new Error(`It ended without that:\n${outputs.map(({ text }) => text).join('')}`));
          else return;
          watchers.delete(watcher);
        };
        watchers.add(watcher);
        watcher();
      }),
  };
}
