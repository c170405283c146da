import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { makePrivateFolder } from '../../store/private-folder.ts';
import type { Services } from '../services.ts';
import { cacheDirectory } from '../project/user-data.ts';

type Machine = Pick<Services, 'env' | 'platform'>;

/** Whether this very program was found to be the Claude CLI before: to ask it again would make every run wait. */
export function isRecognised(machine: Machine, program: string): boolean {
  try {
    return readFileSync(fileOf(machine), 'utf8') === identityOf(program);
  } catch {
    return false;
  }
}

/** Remembers the program that was found to be the Claude CLI; without a place for that, the next run asks again. */
export function rememberRecognised(machine: Machine, program: string): void {
  const file = fileOf(machine);
  try {
    makePrivateFolder(dirname(file));
    writeFileSync(file, identityOf(program), { mode: 0o600 });
  } catch {
    // Nothing depends on it.
  }
}

function fileOf(machine: Machine): string {
  return join(cacheDirectory(machine), 'claude-orchestrator', 'claude-program');
}

/** A program that was replaced or written to has another one. */
function identityOf(program: string): string {
  const { dev, ino, size, mtimeMs, ctimeMs } = statSync(program);
  return JSON.stringify([program, dev, ino, size, mtimeMs, ctimeMs]);
}
