import type { Git } from '../git/git.ts';
import type { ChangeText } from '../workspace.ts';

/**
 * Reads the difference between two commits or trees as a unified diff of at most `maxBytes`. Binary files are only
 * named. Where it is too long, generated files are shortened first, then the longest ones. Files that are not shown are
 * named.
 */
export async function readDiff(git: Git, from: string, to: string, maxBytes: number): Promise<ChangeText> {
  const files = await listFiles(git, from, to);
  const generated = files.filter(({ path }) => GENERATED.test(path));
  const written = files.filter(({ path }) => !GENERATED.test(path));
  const budget = maxBytes - Math.min(NAMES_BYTES, maxBytes / 4);
  const first = await readSections(git, from, to, written, budget);
  const used = Math.min(budget, sum(first.sections.map(bytes)));
  const second = await readSections(git, from, to, generated, budget - used);

  const shown = [...fit(first.sections, budget), ...fit(second.sections, budget - used)];
  const names = [
    ...shown.filter(({ text }) => text === '').map(({ name }) => name),
    ...first.unread,
    ...second.unread,
  ];
  return {
    text: shown.map(({ text }) => text).join('') + listNames(names, maxBytes - budget),
    truncated: names.length > 0 || shown.some(({ isWhole }) => !isWhole),
  };
}

/** Files that tools write and nobody reads line by line. */
const GENERATED =
  /(^|\/)(package-lock\.json|npm-shrinkwrap\.json|pnpm-lock\.yaml|go\.sum|[^/]+\.(lock|lockb|snap|map|svg)|[^/]+\.min\.[^/]+)$|(^|\/)(dist|vendor|node_modules)\//;

/** The most bytes that the names of files that are not shown may take. */
const NAMES_BYTES = 4096;

interface DifferingFile {
  readonly path: string;
  /** The earlier name of a file that was renamed. */
  readonly from: string | undefined;
  /** The bytes of both versions together. */
  readonly size: number;
}

async function listFiles(git: Git, from: string, to: string): Promise<DifferingFile[]> {
  const fields = (await git.run(['diff-tree', '-r', '-z', '-M', '--raw', from, to, '--'])).split('\0');
  const found: { path: string; from: string | undefined; blobs: string[] }[] = [];
  for (let at = 0; at < fields.length;) {
    const [, , before = '', after = '', status = ''] = (fields[at++] ?? '').split(' ');
    if (status === '') break;
    const path = fields[at++] ?? '';
    const isMoved = status.startsWith('R');
    const blobs = [before, after].filter((blob) => !/^0+$/.test(blob));
    found.push(isMoved ? { path: fields[at++] ?? '', from: path, blobs } : { path, from: undefined, blobs });
  }
  const input = found.flatMap(({ blobs }) => blobs.map((blob) => `${blob}\n`)).join('');
  const sizes = (await git.run(['cat-file', '--batch-check=%(objectsize)'], { input })).split('\n');
  let at = 0;
  return found.map(({ blobs, ...file }) => {
    // The commit of a submodule is not in this repository, so it has no size.
    const own = sizes.slice(at, (at += blobs.length)).map(Number);
    return { ...file, size: sum(own.filter((size) => Number.isFinite(size))) };
  });
}

/** The largest file that is compared line by line, and the most that one git process reads. */
const CHUNK_BYTES = 4 * 1024 * 1024;
const CHUNK_FILES = 64;
/** The most bytes that are read of one change. */
const READ_BYTES = 64 * 1024 * 1024;

/** Reads as many sections as there may be room for. */
async function readSections(
  git: Git,
  from: string,
  to: string,
  files: readonly DifferingFile[],
  budget: number,
): Promise<{ sections: readonly string[]; unread: readonly string[] }> {
  const sections: string[] = [];
  const most = Math.min(files.length, Math.floor(budget / LEAST_BYTES));
  let at = 0;
  for (let total = 0; at < most && total < READ_BYTES;) {
    const chunk: DifferingFile[] = [];
    let weight = 0;
    for (
      let next = files[at];
      next !== undefined && chunk.length < CHUNK_FILES && at < most;
      next = files[at]
    ) {
      if (chunk.length > 0 && weight + next.size > CHUNK_BYTES) break;
      weight += next.size;
      chunk.push(next);
      at++;
    }
    const [single] = chunk;
    if (single !== undefined && weight > CHUNK_BYTES)
      sections.push(
        `${HEADER}a/${single.path} b/${single.path}\n(too large to show: ${single.size} bytes)\n`,
      );
    else {
      sections.push(...(await readChunk(git, from, to, chunk)));
      total += weight;
    }
  }
  return { sections, unread: files.slice(at).map(({ path }) => path) };
}

const HEADER = 'diff --git ';

async function readChunk(
  git: Git,
  from: string,
  to: string,
  files: readonly DifferingFile[],
): Promise<string[]> {
  const options = ['-p', '-M', '--irreversible-delete', '--no-ext-diff', '--no-textconv', '--no-color'];
  const paths = files.flatMap((file) => (file.from === undefined ? [file.path] : [file.from, file.path]));
  const specs = paths.map((path) => `:(top,literal)${path}`);
  const output = await git.run(['diff-tree', '-r', ...options, from, to, '--', ...specs]);
  return `${output}\n`.split(/^(?=diff --git )/m).filter((section) => section.startsWith(HEADER));
}

interface Shown {
  readonly name: string;
  /** Empty where there is no room for the file. */
  readonly text: string;
  readonly isWhole: boolean;
}

/** Fewer bytes than this say nothing about a file. */
const LEAST_BYTES = 400;

/** Gives each section the same room; long sections get what short ones do not need. */
function fit(sections: readonly string[], budget: number): Shown[] {
  const limits = new Map<number, number>();
  const order = sections.map((text, at) => ({ at, size: bytes(text) })).sort((a, b) => a.size - b.size);
  let [left, count] = [budget, order.length];
  for (const { at, size } of order) {
    const limit = Math.min(size, Math.floor(left / count--));
    limits.set(at, limit);
    left -= limit;
  }
  return sections.map((section, at) => shorten(section, limits.get(at) ?? 0));
}

function shorten(section: string, limit: number): Shown {
  const name = section.slice(HEADER.length, section.indexOf('\n'));
  if (bytes(section) <= limit) return { name, text: section, isWhole: true };
  const lines = section.split('\n');
  let kept = 0;
  for (let used = NOTE_BYTES; kept < lines.length; kept++) {
    used += bytes(lines[kept] ?? '') + 1;
    if (used > limit) break;
  }
  if (kept === 0) return { name, text: '', isWhole: false };
  const rest = lines.length - kept - 1;
  return {
    name,
    text: `${lines.slice(0, kept).join('\n')}\n(${rest} more lines of this file)\n`,
    isWhole: false,
  };
}

const NOTE_BYTES = 40;

function listNames(names: readonly string[], budget: number): string {
  if (names.length === 0) return '';
  let text = '(not shown:';
  let at = 0;
  for (; at < names.length && bytes(text) + bytes(names[at] ?? '') + NOTE_BYTES < budget; at++)
    text += ` ${names[at] ?? ''}${at + 1 < names.length ? ',' : ''}`;
  return at < names.length ? `${text} and ${names.length - at} more)\n` : `${text})\n`;
}

function bytes(text: string): number {
  return Buffer.byteLength(text);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
