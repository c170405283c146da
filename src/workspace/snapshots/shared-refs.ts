import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseLog, type LogLine } from '../git/reflog.ts';
import { readRegular } from '../git/regular-file.ts';

/** The branches and tags, by their full names, and the entries of the stash: all worktrees of a repository share them. */
export interface SharedRefs {
  readonly names: ReadonlySet<string>;
  readonly stash: readonly LogLine[];
}

/**
 * Reads them from git's own files: no process is worth it, since most workers make nothing of the kind. At once, since
 * each of the few small files takes longer to wait for than to read.
 */
export function readSharedRefs(commonDirectory: string): SharedRefs {
  const packed = readRegular(join(commonDirectory, 'packed-refs'));
  const names = new Set(
    Array.from(packed.matchAll(/^[0-9a-f]{40,64} (refs\/(?:heads|tags)\/.+)$/gm), ([, name = '']) => name),
  );
  for (const folder of ['refs/heads', 'refs/tags'])
    for (const name of looseRefs(commonDirectory, folder)) names.add(name);
  return { names, stash: parseLog(readRegular(join(commonDirectory, 'logs', 'refs', 'stash'))) };
}

/** What was there before a worker began: full names, and ids of entries. */
export interface Noted {
  readonly names: ReadonlySet<string>;
  readonly stash: ReadonlySet<string>;
}

/** Writes down beside a slot what is there now; a crash leaves the old note or the new one. */
export function noteSharedRefs(slot: string, commonDirectory: string): void {
  const { names, stash } = readSharedRefs(commonDirectory);
  const fresh = `${noteOf(slot)}.new`;
  writeFileSync(fresh, JSON.stringify({ names: [...names], stash: stash.map(({ commit }) => commit) }));
  renameSync(fresh, noteOf(slot));
}

/** What was written down last; undefined where that cannot be told. */
export function readNoted(slot: string): Noted | undefined {
  try {
    const { names, stash } = JSON.parse(readFileSync(noteOf(slot), 'utf8')) as Record<string, unknown>;
    if (!Array.isArray(names) || !Array.isArray(stash)) return undefined;
    return { names: new Set<string>(names), stash: new Set<string>(stash) };
  } catch {
    return undefined;
  }
}

/** Of a slot that is gone. */
export function forgetNoted(slot: string): void {
  rmSync(noteOf(slot), { force: true });
}

function noteOf(slot: string): string {
  return `${slot}.refs`;
}

function looseRefs(commonDirectory: string, folder: string): string[] {
  try {
    return readdirSync(join(commonDirectory, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && !entry.name.endsWith('.lock'))
      .map((entry) => join(entry.parentPath, entry.name).slice(join(commonDirectory, '/').length));
  } catch {
    return [];
  }
}
