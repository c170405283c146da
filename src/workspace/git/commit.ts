import { randomUUID } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TaskId } from '../../domain/task.ts';
import type { Git } from './git.ts';

const [NAME, EMAIL] = ['claude-orchestrator', 'claude-orchestrator@localhost'];

/** The identity of commits that are the tool's own records. */
export const OWN_IDENTITY: Readonly<Record<string, string>> = {
  GIT_AUTHOR_NAME: NAME,
  GIT_AUTHOR_EMAIL: EMAIL,
  GIT_COMMITTER_NAME: NAME,
  GIT_COMMITTER_EMAIL: EMAIL,
};

/** Makes a commit that is a record of ours; `tree` and `parents` are ids. */
export async function recordCommit(
  git: Git,
  record: { readonly tree: string; readonly parents: readonly string[]; readonly message: string },
): Promise<string> {
  const { tree, parents, message } = record;
  const who = `${NAME} <${EMAIL}> ${Math.floor(Date.now() / 1000)} +0000`;
  const lines = [`tree ${tree}`, ...parents.map((id) => `parent ${id}`), `author ${who}`, `committer ${who}`];
  const file = join(tmpdir(), `claude-orchestrator-${randomUUID()}`);
  try {
    await writeFile(file, `${lines.join('\n')}\n\n${message}`, { flag: 'wx', mode: 0o600 });
    return await git.writeCommit(file);
  } catch {
    // Such as a temporary directory that is full. A git of its own takes longer, and says what is wrong with the commit.
    const args = ['commit-tree', tree, ...parents.flatMap((id) => ['-p', id])];
    return await git.run(['-c', 'i18n.commitEncoding=UTF-8', ...args], {
      input: message,
      environment: OWN_IDENTITY,
    });
  } finally {
    await rm(file, { force: true });
  }
}

/** Whose work is kept, and why now. */
export interface KeepRequest {
  readonly runId: string;
  readonly taskId: TaskId;
  /** For the list of snapshots, e.g. `when its attempt was interrupted`. */
  readonly why: string;
  /** Where the work began: its parent, where the worktree itself cannot tell any more. */
  readonly base?: string | null;
  /** Files that are not part of the work, whether or not git ignores them. */
  readonly without?: readonly string[];
  /** When a worker began, in Unix milliseconds: what it wrote and git does not take is kept on the side. */
  readonly workingSince?: number | null;
  /** Makes what is kept the worktree's own index: nobody works there any more. */
  readonly takesIndex?: boolean;
}

/** Makes a commit of something that is kept of a task: `why` tells people what it is. */
export async function recordKept(
  git: Git,
  content: { readonly tree: string; readonly parents: readonly string[] },
  { runId, taskId, why }: Pick<KeepRequest, 'runId' | 'taskId' | 'why'>,
): Promise<string> {
  const subject = why.replace(/\p{Cc}+/gu, ' ').trim();
  const message = `${subject}\n\nOrchestrator-Task: ${taskId}\nOrchestrator-Run: ${runId}\n`;
  return await recordCommit(git, { ...content, message });
}
