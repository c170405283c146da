import { createHash } from 'node:crypto';
import { createReadStream, realpathSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { fail } from '../../domain/failure.ts';
import type { SourceDocument } from '../../store/store.ts';
import type { Services } from '../services.ts';

/** The largest requirements document that is read, all its files together, in bytes. */
const MAX_DOCUMENT_BYTES = 200 * 1024;

/** What was read, and from which files. */
export interface Document {
  readonly text: string;
  readonly sources: readonly SourceDocument[];
}

/**
 * Reads one or several files as one document; `-` is stdin. Several files are joined under their names.
 *
 * Throws `Failed` where a file is missing, is not text, is empty or is too large, before anything is paid for.
 */
export async function readDocument(
  services: Services,
  { workingDir = '.' }: { readonly workingDir?: string | undefined },
  names: readonly string[],
  what: string,
): Promise<Document> {
  if (names.filter((name) => name === '-').length > 1) {
    fail('wrong-usage', 'stdin ("-") can be read only once.', 'Name "-" a single time.');
  }
  const folder = resolve(services.cwd, workingDir);
  const texts: string[] = [];
  const sources: SourceDocument[] = [];
  let bytes = 0;
  for (const name of names) {
    const data =
      name === '-' ? await readStdin(services, what) : await readFileCapped(resolve(folder, name), name);
    bytes += data.length;
    if (bytes > MAX_DOCUMENT_BYTES) failTooLarge(names, bytes);
    texts.push(decode(data, name === '-' ? 'stdin' : name));
    const digest = createHash('sha256').update(data).digest('hex');
    sources.push({ path: name === '-' ? null : realpathSync(resolve(folder, name)), digest });
  }
  const [first = ''] = texts;
  const named = texts.map((text, index) => `File: ${names[index] ?? ''}\n\n${text.trimEnd()}\n`);
  return { text: texts.length === 1 ? first : named.join('\n'), sources };
}

async function readStdin(services: Services, what: string): Promise<Buffer> {
  if (services.stdin.isTTY === true)
    services.tell({
      kind: 'prompt',
      message: `Reading ${what} from the terminal; end it with Ctrl-D on a line of its own.`,
    });
  return readCapped(services.stdin);
}

async function readFileCapped(path: string, name: string): Promise<Buffer> {
  try {
    const stats = statSync(path);
    if (stats.isDirectory()) {
      fail('file-unreadable', `${name} is a directory.`, 'Name the files in it that hold the requirements.');
    }
    if (stats.size > MAX_DOCUMENT_BYTES) failTooLarge([name], stats.size);
    return await readCapped(createReadStream(path));
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ENOTDIR') {
      fail('file-unreadable', `There is no file ${path}.`, 'Check the name, or use "-" to read stdin.');
    }
    if (code === 'EACCES' || code === 'EPERM') {
      fail('file-unreadable', `${path} may not be read.`, 'Check its permissions.');
    }
    if (code !== undefined) fail('file-unreadable', `${path} cannot be read (${code}).`, 'Check the file.');
    throw error;
  }
}

/** Stops reading at the limit, so that an endless device or pipe counts as too large. */
async function readCapped(stream: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stream) {
    const data = Buffer.from(chunk as Uint8Array);
    chunks.push(data);
    bytes += data.length;
    if (bytes > MAX_DOCUMENT_BYTES) break;
  }
  return Buffer.concat(chunks);
}

function decode(data: Buffer, name: string): string {
  if ((data[0] === 0xff && data[1] === 0xfe) || (data[0] === 0xfe && data[1] === 0xff)) {
    fail('file-unreadable', `${name} is UTF-16 text.`, 'Save it as UTF-8.');
  }
  const zero = data.indexOf(0);
  if (zero !== -1) {
    fail(
      'file-unreadable',
      `${name} is not text: there is a zero byte at offset ${zero}.`,
      'Give a text or Markdown file in UTF-8.',
    );
  }
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(data);
  } catch {
    return fail(
      'file-unreadable',
      `${name} is not valid UTF-8 text.`,
      'Save it as UTF-8; a PDF or Word file has to be exported as text first.',
    );
  }
  if (text.trim() === '')
    fail('file-unreadable', `${name} is empty.`, 'Write down what is to be built, one line is enough.');
  return text;
}

function failTooLarge(names: readonly string[], bytes: number): never {
  const more = bytes > MAX_DOCUMENT_BYTES * 2 ? '' : ' or more';
  fail(
    'prd-too-large',
    `${names.join(', ')}: ${Math.ceil(bytes / 1024)} KB${more}, but at most ${MAX_DOCUMENT_BYTES / 1024} KB are taken at once. Nothing was sent.`,
    'Split the document and parse the parts one after the other.',
  );
}
