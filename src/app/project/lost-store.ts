import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Failed, type Failure } from '../../domain/failure.ts';
import { formatClock } from '../../domain/text/clock.ts';
import { formatDuration, plural } from '../../domain/text/format.ts';
import type { StoreCopyReport } from '../contract/recover.ts';
import { listCopies, readCopy, type CopyContent, type StoreCopy } from '../../store/store-copies.ts';
import { shellQuote } from '../../domain/text/shell-quote.ts';
import { STATE_FOLDER, type Project } from './project.ts';

/** A copy of a task store and what is in it; the counts are null where it cannot be read. */
export interface KnownCopy extends StoreCopy {
  readonly tasks: number | null;
  readonly done: number | null;
  readonly attempts: number | null;
  readonly openRun: CopyContent['openRun'];
}

const UNREADABLE = { tasks: null, done: null, attempts: null, openRun: null };

/** The copies of a project's store, the newest first. */
export function copiesOf(project: Pick<Project, 'copies'>): KnownCopy[] {
  return listCopies(folderOf(project)).map((copy) => ({ ...copy, ...(readCopy(copy.file) ?? UNREADABLE) }));
}

/** The newest copy that can be read: the one that is brought back. */
export function newestCopy(project: Pick<Project, 'copies'>, root?: string): KnownCopy | undefined {
  for (const copy of listCopies(folderOf(project, root))) {
    const content = readCopy(copy.file);
    if (content !== undefined) return { ...copy, ...content };
  }
  return undefined;
}

/** `from 14:30 (2h 05m ago), with 12 tasks, 3 of them done`. */
export function describeCopy(
  { takenAt, tasks, done }: Pick<StoreCopyReport, 'takenAt' | 'tasks' | 'done'>,
  now = Date.now(),
): string {
  const taken = Date.parse(takenAt);
  const age = `from ${formatClock(taken, now)} (${formatDuration(now - taken)} ago)`;
  if (tasks === null) return `${age}, which cannot be read`;
  return `${age}, with ${plural(tasks, 'task')}${done === 0 ? '' : `, ${done} of them done`}`;
}

/** What to say where the task list of a project is gone or empty, and a copy of it is kept; undefined without a copy. */
export function copyNotice(project: Project): { message: string; fix: string } | undefined {
  for (let root = project.root; ; root = dirname(root)) {
    const isOurs = root === project.root;
    const isThere = existsSync(isOurs ? project.databaseFile : join(root, STATE_FOLDER, 'tasks.db'));
    const isInUse = isThere && (!isOurs || holdsTasks(project));
    const copy = isInUse ? undefined : newestCopy(project, root);
    if (copy !== undefined && copy.tasks !== 0) {
      const flags = `${isOurs ? '' : ` --working-dir ${shellQuote(root)}`}${isThere ? ' --replace' : ''}`;
      return {
        message: `A copy of the task list ${isOurs ? 'that was here' : `of ${root}`} is kept: ${describeCopy(copy)}.`,
        fix: `\`claude-orchestrator recover store${flags}\` brings it back.`,
      };
    }
    if (root === dirname(root)) return undefined;
  }
}

/** A failure because of a missing store, with the copy that could take its place. */
export function withLostStore(failure: Failure, project: Project): Failed {
  const notice = copyNotice(project);
  return new Failed(
    notice === undefined
      ? failure
      : { ...failure, message: `${failure.message} ${notice.message}`, fix: notice.fix },
  );
}

/** Whether any list of the store has tasks. An empty list beside others is not the rest of a lost store. */
function holdsTasks({ databaseFile }: Project): boolean {
  return (readCopy(databaseFile)?.tasks ?? 0) > 0;
}

function folderOf({ copies }: Pick<Project, 'copies'>, root?: string): string {
  try {
    return copies.folder(root);
  } catch {
    // A directory that cannot be looked at has no copies that could be found.
    return '';
  }
}
