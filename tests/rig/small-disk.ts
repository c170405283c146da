import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, realpathSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A file system of its own that can be filled up. */
export interface SmallDisk {
  readonly directory: string;
  /** Takes every byte that is free. */
  fill(): void;
  /** Gives them back. */
  free(): void;
  /** Mounts it anew, so that nothing on it can be changed. */
  seal(): void;
  /** Makes it larger. */
  grow(megabytes: number): void;
  remove(): void;
}

/** Mounts one; undefined where the system does not let us, neither as we are nor by sudo. */
export function smallDisk(megabytes: number): SmallDisk | undefined {
  const directory = realpathSync(mkdtempSync(join(tmpdir(), 'small-disk-')));
  const owner = `uid=${process.getuid?.() ?? 0},gid=${process.getgid?.() ?? 0}`;
  const mount = ['mount', '-t', 'tmpfs', '-o', `size=${megabytes}m,mode=755,${owner}`, 'tmpfs', directory];
  const sudo = ['sudo', '-n'];
  const prefix = [[], sudo].find((words) => succeeds([...words, ...mount]));
  if (prefix === undefined) {
    rmSync(directory, { recursive: true });
    return undefined;
  }
  const filler = join(directory, 'filler');
  return {
    directory,
    fill: () => {
      const file = openSync(filler, 'a');
      // In smaller and smaller pieces, so that not one byte is left.
      for (let size = 1 << 20; size > 0; size >>= 1) {
        try {
          for (;;) if (writeSync(file, Buffer.alloc(size)) === 0) break;
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
        }
      }
      closeSync(file);
    },
    free: () => rmSync(filler, { force: true }),
    seal: () => {
      if (!succeeds([...prefix, 'mount', '-o', 'remount,ro', directory]))
        throw new Error(`${directory} could not be mounted read-only.`);
    },
    grow: (size) => {
      succeeds([...prefix, 'mount', '-o', `remount,size=${size}m`, directory]);
    },
    remove: () => {
      // Lazily: what a killed process still holds open must not keep the disk.
      succeeds([...prefix, 'umount', '-l', directory]);
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

function succeeds([command = '', ...args]: readonly string[]): boolean {
  try {
    execFileSync(command, args, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
