import { accessSync, constants } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';

/** Where a program is that would be started by this name, or undefined if there is none; nothing is started. */
export function findProgram(
  command: string,
  { cwd, path }: { cwd: string; path: string | undefined },
): string | undefined {
  if (/[\\/]/.test(command)) return isExecutable(resolve(cwd, command)) ? resolve(cwd, command) : undefined;
  return (path ?? '')
    .split(delimiter)
    .map((folder) => join(folder === '' ? cwd : folder, command))
    .find(isExecutable);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
