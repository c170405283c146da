import { mkdir, readFile, writeFile } from 'node:fs/promises';
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
}

/** Begins the log anew for work that starts at a commit; all that it led to before is kept. */
export async function beginHeadLog(admin: string, work: string, commit: string): Promise<void> {
  const who = 'claude-orchestrator <claude-orchestrator@localhost>';
  const when = `${Math.floor(Date.now() / 1000)} +0000`;
  await mkdir(join(admin, 'logs'), { recursive: true });
  // Git goes on with a log that is there, whatever core.logAllRefUpdates says.
  await writeFile(fileOf(admin), `${commit} ${commit} ${who} ${when}\t${US}: ${work}\n`);
}

/** Reads it; of a log that is gone nothing is known. */
export async function readHeadLog(admin: string): Promise<HeadLog> {
  const text = await readFile(fileOf(admin), 'utf8').catch(() => '');
  let work: string | null = null;
  let commits = new Set<string>();
  for (const line of text.split('\n')) {
    const [, commit, message = ''] = /^[0-9a-f]+ ([0-9a-f]{40,64}) [^\t]*(?:\t(.*))?$/.exec(line) ?? [];
    if (commit === undefined) continue;
    const begun = BEGUN.exec(message)?.[1];
    if (begun !== undefined) [work, commits] = [begun, new Set()];
    else if (!MOVED.test(message)) commits.add(commit);
  }
  return { work, commits: [...commits] };
}

const BEGUN = new RegExp(`^${US}: (${US}/.+)$`);
/** Moves that make no commit. */
const MOVED = new RegExp(`^(?:${US}\\b|checkout:|reset:)`);

function fileOf(admin: string): string {
  return join(admin, 'logs', 'HEAD');
}
