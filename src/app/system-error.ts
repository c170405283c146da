import { tmpdir } from 'node:os';
import type { Failure } from '../domain/failure.ts';

/** What the system can refuse on a healthy machine too, in words, and what to do about it. */
const REFUSALS: Readonly<Record<string, readonly [what: string, fix: string]>> = {
  ENOSPC: ['no space is left on its disk', 'Free some space there, then try again.'],
  EDQUOT: ['your disk quota is used up', 'Free some space there, then try again.'],
  EFBIG: ['the file would get too large', 'Raise the largest size of a file (`ulimit -f`), then try again.'],
  EROFS: ['its file system is read-only', 'Use a place that can be written to, then try again.'],
  EACCES: ['it is not permitted', 'Check the permissions of it and of the folders above it.'],
  EPERM: ['it is not permitted', 'Check the permissions of it and of the folders above it.'],
  EIO: ['its disk has failed', "Look into the system's log for errors of the disk."],
  ENOENT: ['it, or a folder above it, does not exist', 'Make that folder, then try again.'],
  ENOTDIR: ['a part of its path is not a folder', 'Check what stands there.'],
  EISDIR: ['it is a folder', 'Check what stands there.'],
  ELOOP: ['its links lead in a circle', 'Check what stands there.'],
  ENAMETOOLONG: ['its name is too long', 'Use a shorter path.'],
  ESTALE: ['its network file system has lost it', 'Mount it again, then try again.'],
  EMFILE: ['too many files are open', 'Raise the number of open files (`ulimit -n`), or use fewer workers.'],
  ENFILE: ['too many files are open on this machine', 'End what holds them, then try again.'],
  ENOMEM: ['no memory is left', 'End what uses it, or use fewer workers.'],
  EAGAIN: ['there are too many processes', 'Raise their number (`ulimit -u`), or use fewer workers.'],
};

/** The failure that the system caused; undefined where neither `error` nor its causes are a refusal of the system. */
export function describeSystemError(error: unknown): Failure | undefined {
  for (let each = error; each instanceof Error; each = each.cause) {
    const { code = '', syscall, path } = each as NodeJS.ErrnoException;
    const refusal = Object.hasOwn(REFUSALS, code) ? REFUSALS[code] : undefined;
    if (refusal === undefined || syscall === undefined) continue;
    const [what, fix] = refusal;
    // The current folder is gone, so nothing can be started. The error names no path.
    if (syscall === 'uv_cwd')
      return {
        reason: 'system-error',
        message: `The folder in which this was started no longer exists (${code}).`,
        fix: 'Change to a folder that exists, then try again.',
      };
    const [act = ''] = syscall.split(' ');
    const place = path ?? syscall.slice(act.length + 1);
    return {
      reason: 'system-error',
      message: `${place === '' ? 'The system' : place}: ${what} (${act}: ${code}).`,
      fix: path?.startsWith(tmpdir()) === true ? `${fix} TMPDIR says where temporary files go.` : fix,
    };
  }
  return undefined;
}

/** Why a write to stdout or stderr failed, in words. */
export function describeLostOutput({ code = '', message }: NodeJS.ErrnoException): string {
  const what = REFUSALS[code]?.[0].replace('its disk', 'the disk');
  return what === undefined ? message : `${what} (${code})`;
}
