import { accessSync, constants, statSync } from 'node:fs';
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

/** Why there is no program of this name, to go on after it; undefined where there is one. */
export function whyNoProgram(
  command: string,
  place: { cwd: string; path: string | undefined },
): string | undefined {
  if (findProgram(command, place) !== undefined) return undefined;
  if (!/[\\/]/.test(command)) return 'was not found on PATH';
  try {
    const found = statSync(resolve(place.cwd, command), { throwIfNoEntry: false });
    if (found === undefined) return 'does not exist';
    return found.isDirectory() ? 'is a directory' : 'is not executable';
  } catch (error) {
    return `cannot be looked at (${(error as NodeJS.ErrnoException).code ?? 'unknown error'})`;
  }
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    // A directory may be executed too, in the system's words.
    return statSync(file).isFile();
  } catch {
    return false;
  }
}
