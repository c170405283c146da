import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fail } from '../../domain/failure.ts';
import type { Manager, ManagerFailure } from '../../manager/manager.ts';
import { makePrivateFolder } from '../../store/private-folder.ts';
import { shellQuote } from '../../domain/text/shell-quote.ts';
import type { Services } from '../services.ts';
import type { Project } from '../project/project.ts';

/** No model gives a larger reply. */
const MAX_REPLY_BYTES = 10 * 2 ** 20;

/**
 * Keeps a reply that was paid for and cannot be used in a file that only its user may read, and says how to use it once
 * it is mended. Undefined where there is no reply, or where it cannot be written.
 */
export function keepReply(
  project: Project,
  command: readonly string[],
  { fragment, invalid }: ManagerFailure,
): string | undefined {
  const reply = fragment ?? invalid?.reply ?? '';
  if (reply.trim() === '') return undefined;
  const folder = join(project.stateFolder, 'logs');
  const moment = new Date().toISOString().replaceAll(/[:.]/g, '-');
  const file = join(folder, `reply-${command[0] ?? ''}-${moment}.json`);
  try {
    makePrivateFolder(folder);
    writeFileSync(file, reply, { mode: 0o600, flag: 'wx' });
  } catch {
    // People are told what is wrong with the reply, which matters more.
    return undefined;
  }
  const again = ['claude-orchestrator', ...command, '--reply', file].map(shellQuote).join(' ');
  return `Nothing was stored. The reply, which is paid for, is kept: mend it in ${file}, and then run \`${again}\`.`;
}

/** Which reply is taken instead of asking. */
export interface ReplyRequest {
  readonly reply?: string | undefined;
  /** Where the names of files start from. */
  readonly workingDir?: string | undefined;
}

/** A manager that has the reply in the file that a request names; undefined where it names none. */
export async function openKeptReply(
  services: Services,
  { reply, workingDir = '.' }: ReplyRequest,
): Promise<Manager | undefined> {
  if (reply === undefined) return undefined;
  const file = resolve(services.cwd, workingDir, reply);
  const { createFixedReplyManager } = await import('../../manager/fixed-reply-manager.ts');
  return createFixedReplyManager(readReplyFile(file), `The reply in ${file}`);
}

function readReplyFile(file: string): string {
  try {
    const stats = statSync(file);
    if (stats.isFile() && stats.size <= MAX_REPLY_BYTES) return readFileSync(file, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
    return fail('file-unreadable', `The reply ${file} cannot be read (${code}).`, 'Check its name.');
  }
  return fail(
    'file-unreadable',
    `${file} is not a file of at most 10 MB.`,
    'Give --reply the file that was kept.',
  );
}
