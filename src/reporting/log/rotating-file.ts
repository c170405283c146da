import { chmod, mkdir, open, readdir, rename, stat, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** A log in a folder of its own: the current file, and older ones beside it. */
export interface RotatingFileOptions {
  readonly folder: string;
  /** The name without its extension: `run` is `run.log`, and older files are `run-<time>-<pid>-<count>.log`. */
  readonly name: string;
  /** The size at which a file is rotated. */
  readonly maxBytes: number;
  /** How many files are kept, with the current one. */
  readonly maxFiles: number;
  /** Tells apart two processes that rotate the file at once. */
  readonly pid: number;
  /** Unix milliseconds. */
  readonly now: () => number;
}

/**
 * A file of lines that several processes append to. Whichever of them finds it full rotates it: it renames the file,
 * and the next append creates a new one. The file is opened for each append, so that every process finds the new one.
 * Only its owner may read it.
 */
export class RotatingFile {
  readonly path: string;
  readonly #options: RotatingFileOptions;
  #rotations = 0;

  constructor(options: RotatingFileOptions) {
    this.#options = options;
    this.path = join(options.folder, `${options.name}.log`);
  }

  /** Appends whole lines with one write; rejects if not all of it could be written. */
  async append(lines: string): Promise<void> {
    const { maxBytes } = this.#options;
    const file = await this.#open();
    let size: number;
    try {
      size = (await file.stat()).size;
      const isTorn = size > 0 && (await lastByte(file, size)) !== LINE_FEED;
      // A line that a full disk or a crash has cut off must not spoil the next one.
      const bytes = Buffer.from(isTorn ? `\n${lines}` : lines);
      const { bytesWritten } = await file.write(bytes);
      if (bytesWritten < bytes.length) throw new Error('the disk is full');
      size += bytesWritten;
    } finally {
      await file.close();
    }
    if (size >= maxBytes) await this.#rotate();
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
      // Needed where `init` has not told git to ignore the folder.
      await writeFile(join(folder, '.gitignore'), '*\n').catch(() => undefined);
    }
    return await open(this.path, 'a+', OWNER_ONLY);
  }

  /**
   * Another process may do the same at once. Then the later one rotates a file that is not full yet, and loses
   * nothing.
   */
  async #rotate(): Promise<void> {
    const { folder, name, maxBytes, maxFiles, pid, now } = this.#options;
    if ((await sizeOf(this.path)) >= maxBytes) {
      const time = new Date(now()).toISOString().replace(/[-:.]/g, '');
      // With a count, since the next file may be full within the same millisecond.
      const old = `${name}-${time}-${pid}-${this.#rotations++}.log`;
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
