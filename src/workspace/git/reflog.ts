import { lstatSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** What the reflog of a worktree's HEAD says of moves that the tool has made. */
export const OWN_ACTION = 'orchestrator';

/** The environment with which git writes {@link OWN_ACTION}. */
export const OWN_REFLOG_ACTION = { GIT_REFLOG_ACTION: OWN_ACTION } as const;

/** What git has logged of the HEAD of a worktree since work began in it. */
export interface Reflog {
  /** The name of the work; null where the log does not have it. */
  readonly work: string | null;
  /** Commits that HEAD came to without a checkout or reset, oldest first, whether or not a ref still has them. */
  readonly commits: readonly string[];
  /** Those that were made here. What is merged or rebased may be somebody else's. */
  readonly made: ReadonlySet<string>;
  /** All commits that HEAD was at. */
  readonly visited: ReadonlySet<string>;
  /** Names that its worker gave to commands which moved HEAD, branches among them. */
  readonly names: ReadonlySet<string>;
  /** Commits that HEAD was moved to by a name or by a rebase, each with that name. */
  readonly moves: readonly { readonly commit: string; readonly to: string }[];
}

/** Starts the log again for work that begins at a commit. Everything that the old log led to is kept already. */
export async function beginReflog(admin: string, work: string, commit: string): Promise<void> {
  const who = 'claude-orchestrator <claude-orchestrator@localhost>';
  const when = `${Math.floor(Date.now() / 1000)} +0000`;
  await mkdir(join(admin, 'logs'), { recursive: true });
  // Git continues a log that exists, whatever core.logAllRefUpdates says.
  await writeFile(reflogFile(admin), `${commit} ${commit} ${who} ${when}\t${OWN_ACTION}: ${work}\n`);
}

/** Reads the log, or what was written since some Unix milliseconds. A log that is gone reads as empty. */
export function readReflog(admin: string, since = 0): Reflog {
  let log = emptyReflog(null);
  for (const { commit, at, message } of parseReflog(readRegularFile(reflogFile(admin)))) {
    // Git logs whole seconds.
    if (at < Math.floor(since / 1000)) continue;
    const begun = BEGUN.exec(message)?.[1];
    if (begun !== undefined) log = emptyReflog(begun);
    else if (!MOVED.test(message)) log.commits.add(commit);
    log.visited.add(commit);
    if (MADE.test(message)) log.made.add(commit);
    for (const name of NAMED.exec(message)?.slice(1) ?? []) log.names.add(name);
    const to = MOVED_TO.exec(message)?.[1];
    if (to !== undefined) log.moves.push({ commit, to });
  }
  return { ...log, commits: [...log.commits] };
}

/** One line of a reflog. */
export interface ReflogEntry {
  readonly commit: string;
  /** Unix seconds. */
  readonly at: number;
  readonly message: string;
}

/** Parses the reflog of any ref, the oldest entry first. */
export function parseReflog(text: string): ReflogEntry[] {
  return text.split('\n').flatMap((line) => {
    const [, commit, at, message = ''] =
      /^[0-9a-f]+ ([0-9a-f]{40,64}) (?:[^\t]*> (\d+) )?[^\t]*(?:\t(.*))?$/.exec(line) ?? [];
    return commit === undefined ? [] : [{ commit, at: Number(at), message }];
  });
}

/**
 * The text of a small file of git's; empty where there is none that can be read. A worker can put something in its
 * place that never ends, so only regular files are read.
 */
export function readRegularFile(file: string): string {
  try {
    return lstatSync(file).isFile() ? readFileSync(file, 'utf8') : '';
  } catch {
    return '';
  }
}

function reflogFile(admin: string): string {
  return join(admin, 'logs', 'HEAD');
}

function emptyReflog(work: string | null) {
  const sets = { commits: new Set<string>(), made: new Set<string>(), visited: new Set<string>() };
  return { work, ...sets, names: new Set<string>(), moves: [] as { commit: string; to: string }[] };
}

const BEGUN = new RegExp(`^${OWN_ACTION}: (${OWN_ACTION}/.+)$`);
/** Moves that make no commit. */
const MOVED = new RegExp(`^(?:${OWN_ACTION}\\b|checkout:|reset:)`);
const MADE = /^commit(?: \([a-z-]+\))?: /;
const MOVED_TO = /(?:^checkout: moving from \S+ to| \(start\): checkout) (\S+)$/;
const NAMED =
  /^(?:checkout: moving from (\S+) to (\S+)|Branch: renamed refs\/heads\/(\S+) to refs\/heads\/(\S+))$/;
