import { chmod, mkdir, open, readdir, rename, stat, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** A log in a folder of its own: the file that is written to, and older ones beside it. */
export interface RotatingFileOptions {
  readonly folder: string;
  /** The name without its end: `run` is `run.log`, and older ones are `run-<time>-<pid>-<count>.log`. */
  readonly name: string;
  /** A file of this size is put aside. */
  readonly maxBytes: number;
  /** The file that is written to among them. */
  readonly maxFiles: number;
  /** Tells two processes apart that put a file aside at once. */
  readonly pid: number;
  /** Unix milliseconds. */
  readonly now: () => number;
}

/**
 * A file of lines that several processes append to, each of them putting it aside when it is full. A file is opened for
 * each append, so that who did not put it aside finds the new one. Only its owner may read it.
 */
export class RotatingFile {
  readonly path: string;
  readonly #options: RotatingFileOptions;
  #putAsideSoFar = 0;

  constructor(options: RotatingFileOptions) {
    this.#options = options;
    this.path = join(options.folder, `${options.name}.log`);
  }

  /** Appends whole lines with one write; rejects where not all of it could be written. */
  async append(lines: string): Promise<void> {
    const { maxBytes } = this.#options;
    const file = await this.#open();
    let size: number;
    try {
      size = (await file.stat()).size;
      const isTorn = size > 0 && (await lastByte(file, size)) !== LINE_FEED;
      // What a full disk or a crash has cut off must not spoil the line after it.
      const bytes = Buffer.from(isTorn ? `\n${lines}` : lines);
      const { bytesWritten } = await file.write(bytes);
      if (bytesWritten < bytes.length) throw new Error('the disk is full');
      size += bytesWritten;
    } finally {
      await file.close();
    }
    if (size >= maxBytes) await this.#putAside();
  }

  async #open(): ReturnType<typeof open> {
    try {
      return await open(this.path, 'a+', OWNER_ONLY);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
    const { folder } = this.#options;
    const made = await mkdir(folder, { recursive: true });
    if (made !== undefined) {
      await chmod(folder, OWNER_ONLY_FOLDER);
      // Also where `init` has not told git of this folder.
      await writeFile(join(folder, '.gitignore'), '*\n').catch(() => undefined);
    }
    return await open(this.path, 'a+', OWNER_ONLY);
  }

  /** Another process may do the same: the later one puts aside a file that is not full yet, and nothing is lost. */
  async #putAside(): Promise<void> {
    const { folder, name, maxBytes, maxFiles, pid, now } = this.#options;
    if ((await sizeOf(this.path)) >= maxBytes) {
      const time = new Date(now()).toISOString().replace(/[-:.]/g, '');
      // Counted, since others may fill the next one within the same millisecond.
      const old = `${name}-${time}-${pid}-${this.#putAsideSoFar++}.log`;
      await rename(this.path, join(folder, old)).catch(isGone);
    }
    const old = (await readdir(folder)).filter(
      (file) => file.startsWith(`${name}-`) && file.endsWith('.log'),
    );
    const surplus = old.sort().slice(0, Math.max(0, old.length - (maxFiles - 1)));
    for (const file of surplus) await unlink(join(folder, file)).catch(isGone);
  }
}

const LINE_FEED = 0x0a;
const OWNER_ONLY = 0o600;
const OWNER_ONLY_FOLDER = 0o700;

async function lastByte(file: Awaited<ReturnType<typeof open>>, size: number): Promise<number | undefined> {
  return (await file.read(Buffer.alloc(1), 0, 1, size - 1)).buffer[0];
}

async function sizeOf(path: string): Promise<number> {
  return await stat(path).then(
    ({ size }) => size,
    () => 0,
  );
}

function isGone(error: unknown): void {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
}
