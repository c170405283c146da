import { lstatSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** What git's own log says of moves of a worktree's HEAD that are ours. */
export const US = 'orchestrator';

/** Makes git say so. */
export const BY_US = { GIT_REFLOG_ACTION: US } as const;

/** What git has written down of a worktree since work began in it. */
export interface HeadLog {
  /** The name of that work; null where nobody has told it. */
  readonly work: string | null;
  /** Commits that were made, in that order, whether or not they are part of anything now. */
  readonly commits: readonly string[];
  /** Those of them that were there nowhere before: what is merged or rebased may be somebody else's. */
  readonly made: ReadonlySet<string>;
  /** All that it has been at. */
  readonly visited: ReadonlySet<string>;
  /** What its worker has named to move it, branches among them. */
  readonly names: ReadonlySet<string>;
  /** Where it was taken to by a name, or by a rebase, and that name. */
  readonly moves: readonly { readonly commit: string; readonly to: string }[];
}

/** Begins the log anew for work that starts at a commit; all that it led to before is kept. */
export async function beginHeadLog(admin: string, work: string, commit: string): Promise<void> {
  const who = 'claude-orchestrator <claude-orchestrator@localhost>';
  const when = `${Math.floor(Date.now() / 1000)} +0000`;
  await mkdir(join(admin, 'logs'), { recursive: true });
  // Git goes on with a log that is there, whatever core.logAllRefUpdates says.
  await writeFile(headLogOf(admin), `${commit} ${commit} ${who} ${when}\t${US}: ${work}\n`);
}

/** Reads it, or what was written since some Unix milliseconds; of a log that is gone nothing is known. */
export function readHeadLog(admin: string, since = 0): HeadLog {
  let log = emptyLog(null);
  for (const { commit, at, message } of parseLog(readRegular(headLogOf(admin)))) {
    // Git writes down whole seconds.
    if (at < Math.floor(since / 1000)) continue;
    const begun = BEGUN.exec(message)?.[1];
    if (begun !== undefined) log = emptyLog(begun);
    else if (!MOVED.test(message)) log.commits.add(commit);
    log.visited.add(commit);
    if (MADE.test(message)) log.made.add(commit);
    for (const name of NAMED.exec(message)?.slice(1) ?? []) log.names.add(name);
    const to = MOVED_TO.exec(message)?.[1];
    if (to !== undefined) log.moves.push({ commit, to });
  }
  return { ...log, commits: [...log.commits] };
}

/** A line of a log of git's. */
export interface LogLine {
  readonly commit: string;
  /** Unix seconds. */
  readonly at: number;
  readonly message: string;
}

/** Reads what git writes down of a ref, the oldest line first. */
export function parseLog(text: string): LogLine[] {
  return text.split('\n').flatMap((line) => {
    const [, commit, at, message = ''] =
      /^[0-9a-f]+ ([0-9a-f]{40,64}) (?:[^\t]*> (\d+) )?[^\t]*(?:\t(.*))?$/.exec(line) ?? [];
    return commit === undefined ? [] : [{ commit, at: Number(at), message }];
  });
}

function headLogOf(admin: string): string {
  return join(admin, 'logs', 'HEAD');
}

function emptyLog(work: string | null) {
  const sets = { commits: new Set<string>(), made: new Set<string>(), visited: new Set<string>() };
  return { work, ...sets, names: new Set<string>(), moves: [] as { commit: string; to: string }[] };
}

const BEGUN = new RegExp(`^${US}: (${US}/.+)$`);
/** Moves that make no commit. */
const MOVED = new RegExp(`^(?:${US}\\b|checkout:|reset:)`);
const MADE = /^commit(?: \([a-z-]+\))?: /;
const MOVED_TO = /(?:^checkout: moving from \S+ to| \(start\): checkout) (\S+)$/;
const NAMED =
  /^(?:checkout: moving from (\S+) to (\S+)|Branch: renamed refs\/heads\/(\S+) to refs\/heads\/(\S+))$/;

/**
 * The text of a small file; empty where there is none that can be read. Whoever may write there may have put something in
 * its place that never ends.
 */
export function readRegular(file: string): string {
  try {
    return lstatSync(file).isFile() ? readFileSync(file, 'utf8') : '';
  } catch {
    return '';
  }
}
