import { randomUUID } from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fail, messageOf } from '../../domain/failure.ts';

/**
 * Writes a whole file or nothing. Behind a symbolic link the link's target is replaced, and an existing file keeps its
 * mode. Throws `Failed` ("file-unwritable").
 */
export function writeFileWhole(file: string, content: Buffer | string, mode = 0o666): void {
  let temporary = '';
  try {
    const target = existing(file) ?? file;
    temporary = join(dirname(target), `.${basename(target)}.${randomUUID()}.tmp`);
    const kept = existing(file) === undefined ? undefined : statSync(target).mode & 0o777;
    const descriptor = openSync(temporary, 'wx', kept ?? mode);
    try {
      const bytes = Buffer.from(content);
      for (let at = 0; at < bytes.length;) at += writeSync(descriptor, bytes, at);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    renameSync(temporary, target);
  } catch (error) {
    if (temporary !== '') rmSync(temporary, { force: true });
    fail(
      'file-unwritable',
      `${file} cannot be written: ${messageOf(error)}.`,
      'Make its directory writable for you, or free some disk space, then try again.',
    );
  }
}

function existing(file: string): string | undefined {
  try {
    return realpathSync(file);
  } catch {
    return undefined;
  }
}
