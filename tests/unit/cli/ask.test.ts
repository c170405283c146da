import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { askToConfirm } from '../../../src/cli/ask.ts';
import type { Cli } from '../../../src/cli/cli.ts';
import { Failed } from '../../../src/domain/failure.ts';

type Listener = () => void;

function terminal() {
  const stdin = Object.assign(new PassThrough(), { isTTY: true });
  const listeners = new Set<Listener>();
  const printed: string[] = [];
  const cli = {
    stdin,
    stderr: { isTTY: true, write: (text: string) => printed.push(text) },
    exitCode: 0,
    onInterrupt: (listener: Listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  } as unknown as Cli;
  const press = (): void => {
    for (const listener of listeners) listener();
  };
  return { cli, stdin, press, listeners, printed };
}

describe('a question', () => {
  it.each([
    ['y', true],
    ['YES', true],
    ['', false],
    ['n', false],
    ['yup', false],
  ])('takes %j for %s', async (answer, expected) => {
    const { cli, stdin, listeners, printed } = terminal();
    const asked = askToConfirm(cli, 'Begin?', 'Nothing was spent.');
    stdin.write(`${answer}\n`);
    expect(await asked).toBe(expected);
    expect(printed.join('')).toBe('Begin? [y/N] ');
    expect(listeners.size).toBe(0);
  });

  it('ends its line where stdin ends', async () => {
    const { cli, stdin, printed } = terminal();
    const asked = askToConfirm(cli, 'Begin?', 'Nothing was spent.');
    stdin.end();
    expect(await asked).toBe(false);
    expect(printed.join('')).toBe('Begin? [y/N] \n');
  });

  it('says what is left behind where it is interrupted', async () => {
    const { cli, press, listeners, printed } = terminal();
    const asked = askToConfirm(cli, 'Begin?', 'Nothing was spent.');
    press();
    const failed: unknown = await asked.catch((error: unknown) => error);
    expect(failed).toBeInstanceOf(Failed);
    expect(failed).toMatchObject({
      failure: { reason: 'interrupted', message: 'Interrupted. Nothing was spent.' },
    });
    expect(printed.join('')).toBe('Begin? [y/N] \n');
    expect(listeners.size).toBe(0);
  });
});
