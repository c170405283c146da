import { readFileSync, statSync } from 'node:fs';
import { err, ok, type Result } from '../../domain/result.ts';
import type { ConfigProblem } from './problem.ts';

const LARGEST_BYTES = 1_000_000;

/** The object in a configuration file, or the one reason why there is none. */
export function readConfigFile(file: string): Result<Record<string, unknown>, ConfigProblem> {
  const problem = (message: string, fix?: string): { ok: false; error: ConfigProblem } =>
    err({ path: '', source: file, message, ...(fix === undefined ? {} : { fix }) });
  const text = readTextFile(file);
  if (!text.ok) return problem(text.error);
  if (text.value.trim() === '') return problem('the file is empty', 'write at least {}');
  const syntax = findSyntaxProblem(text.value);
  if (syntax !== undefined) return problem(`line ${syntax.line}, column ${syntax.column}: ${syntax.message}`);
  const value: unknown = JSON.parse(text.value);
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return problem('expected an object in braces');
  return ok(value as Record<string, unknown>);
}

/** The text of a small UTF-8 file; the error says why it cannot be read. */
export function readTextFile(file: string): Result<string, string> {
  try {
    const stats = statSync(file);
    // Reading a pipe or a device would wait forever.
    if (!stats.isFile())
      return err(stats.isDirectory() ? 'this is a directory, not a file' : 'not a regular file');
    if (stats.size > LARGEST_BYTES)
      return err(`the file has ${stats.size} bytes; at most ${LARGEST_BYTES} are read`);
    return ok(new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(file)));
  } catch (error) {
    if (error instanceof TypeError) return err('the file is not UTF-8 text');
    return err(error instanceof Error ? `cannot be read: ${error.message}` : String(error));
  }
}

/** The first mistake in a JSON text, with its place counted from 1. */
export interface SyntaxProblem {
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

const DEEPEST = 64;

/**
 * Finds the first mistake in a JSON text, or undefined if there is none. This is stricter than `JSON.parse`: a key
 * that occurs twice is a mistake, and so is nesting deeper than 64 levels.
 */
export function findSyntaxProblem(text: string): SyntaxProblem | undefined {
  try {
    const scanner = new Scanner(text);
    scanner.value(0);
    scanner.end();
    return undefined;
  } catch (error) {
    if (!(error instanceof Mistake)) throw error;
    const before = text.slice(0, error.offset).split('\n');
    return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1, message: error.message };
  }
}

class Mistake extends Error {
  readonly offset: number;

  constructor(offset: number, message: string) {
    super(message);
    this.offset = offset;
  }
}

class Scanner {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  value(depth: number): void {
    if (depth > DEEPEST) this.#fail(`nested deeper than ${DEEPEST} levels`);
    switch (this.#next()) {
      case '{':
        this.#object(depth);
        return;
      case '[':
        this.#array(depth);
        return;
      case '"':
        this.#string();
        return;
      case "'":
        return this.#fail('expected a value, got a single quote: JSON has double quotes only');
      default:
        this.#literal();
    }
  }

  end(): void {
    if (this.#next() !== '') this.#fail(`expected the end of the file, got ${this.#got()}`);
  }

  #object(depth: number): void {
    const keys = new Set<string>();
    this.#at++;
    if (this.#take('}')) return;
    do {
      if (this.#next() === '}' && keys.size > 0) this.#fail('a comma before "}" is one too many');
      if (this.#next() !== '"') this.#fail(`expected a key in double quotes, got ${this.#got()}`);
      const start = this.#at;
      const key = this.#string();
      if (keys.has(key)) this.#fail(`the key ${JSON.stringify(key)} occurs twice`, start);
      keys.add(key);
      if (!this.#take(':')) this.#fail(`expected ":" after the key, got ${this.#got()}`);
      this.value(depth + 1);
    } while (this.#take(','));
    if (!this.#take('}')) this.#fail(`expected "," or "}", got ${this.#got()}`);
  }

  #array(depth: number): void {
    this.#at++;
    if (this.#take(']')) return;
    do {
      if (this.#next() === ']') this.#fail('a comma before "]" is one too many');
      this.value(depth + 1);
    } while (this.#take(','));
    if (!this.#take(']')) this.#fail(`expected "," or "]", got ${this.#got()}`);
  }

  #string(): string {
    const start = this.#at;
    const end = this.#match(/"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*/y);
    if (this.#text[this.#at] === '"') {
      this.#at++;
      return JSON.parse(this.#text.slice(start, this.#at)) as string;
    }
    if (this.#text[end] === '\\') this.#fail('unknown escape; write a backslash as "\\\\"');
    return this.#fail('a string without its closing double quote', start);
  }

  #literal(): void {
    const start = this.#at;
    this.#match(/(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)(?![\w.+-])/y);
    if (this.#at === start) this.#fail(`expected a value, got ${this.#got()}`);
  }

  #match(pattern: RegExp): number {
    pattern.lastIndex = this.#at;
    this.#at += pattern.exec(this.#text)?.[0].length ?? 0;
    return this.#at;
  }

  /** The next character that is not white space, or the empty string at the end. */
  #next(): string {
    this.#match(/[ \t\r\n]*/y);
    return this.#text[this.#at] ?? '';
  }

  #take(character: string): boolean {
    if (this.#next() !== character) return false;
    this.#at++;
    return true;
  }

  #got(): string {
    const rest = this.#text.slice(this.#at, this.#at + 2);
    if (rest === '') return 'the end of the file';
    if (rest === '//' || rest === '/*') return 'a comment, which JSON does not have';
    return JSON.stringify(
      /^[\w.+-]+/.exec(this.#text.slice(this.#at, this.#at + 30))?.[0] ??
        String.fromCodePoint(rest.codePointAt(0) ?? 0),
    );
  }

  #fail(message: string, offset = this.#at): never {
    throw new Mistake(offset, message);
  }
}
