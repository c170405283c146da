import { createInterface } from 'node:readline';
import type { Cli } from './cli.ts';

/** Asks a yes-or-no question whose answer is no, unless a person at a terminal says yes. */
export async function askToConfirm(cli: Cli, question: string): Promise<boolean> {
  if (cli.stdin.isTTY !== true || cli.stderr.isTTY !== true) return false;
  cli.stderr.write(`${question} [y/N] `);
  const lines = createInterface({ input: cli.stdin });
  try {
    for await (const line of lines) return /^y(?:es)?$/i.test(line.trim());
    return false;
  } finally {
    lines.close();
    cli.stdin.pause();
  }
}
