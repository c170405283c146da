import { createInterface } from 'node:readline';
import type { Cli } from './cli.ts';
import { interruptible } from '../app/interrupt.ts';

/**
 * Asks a yes-or-no question. The answer is no unless a person at a terminal says yes. `kept` says what state an
 * interrupt leaves behind.
 */
export async function askToConfirm(cli: Cli, question: string, kept: string): Promise<boolean> {
  if (cli.stdin.isTTY !== true || cli.stderr.isTTY !== true) return false;
  cli.stderr.write(`${question} [y/N] `);
  return await interruptible(cli, kept, async (signal) => {
    const lines = createInterface({ input: cli.stdin, signal });
    try {
      for await (const line of lines) return /^y(?:es)?$/i.test(line.trim());
      // The input has ended, so nobody has ended the line of the question.
      cli.stderr.write('\n');
      return false;
    } finally {
      lines.close();
      cli.stdin.pause();
    }
  });
}
