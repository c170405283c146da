import { readFileSync, statSync } from 'node:fs';
import { err, ok, type Result } from '../../domain/result.ts';
import { findSyntaxProblem } from './json-syntax.ts';
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

/** The text of a small UTF-8 file; the error is what keeps it from being read. */
export function readTextFile(file: string): Result<string, string> {
  try {
    const stats = statSync(file);
    // Reading a pipe or a device would wait for ever.
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
