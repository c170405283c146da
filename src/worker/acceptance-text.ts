import type { Review } from '../domain/attempt.ts';
import type { AttemptOutcome } from '../domain/outcome.ts';
import type { Change, ExcludedFiles } from '../workspace/workspace.ts';

/** Lists each file that is not part of a change, with the reason, one a line. Empty if there is none. */
export function listExcluded(excluded: ExcludedFiles | undefined): string {
  return parts(excluded)
    .map((part) => `- ${part}`)
    .join('\n');
}

/** Says the same in one sentence, for the user, about work that has landed without these files. */
export function describeExcluded(excluded: ExcludedFiles | undefined): string {
  const told = parts(excluded).join('; ');
  return told === ''
    ? ''
    : `Its worker also wrote files that are not part of what landed. They are kept (\`recover list\`): ${told}.`;
}

const MAX_EXCLUDED = 5;

function parts(excluded: ExcludedFiles | undefined): string[] {
  const { files = [], more = 0 } = excluded ?? {};
  const shown = files.slice(0, MAX_EXCLUDED).map(({ path, why }) => `${path} (${why})`);
  const hidden = files.length - shown.length;
  return [
    ...shown,
    ...(hidden > 0 ? [`${hidden} more`] : []),
    ...(more > 0 ? [`${more} that were too many or too large to be kept`] : []),
  ];
}

/** Finds why a change must not land whatever the gates say. Undefined if there is no such reason. */
export function findRefusal(change: Change): { outcome: AttemptOutcome; message: string } | undefined {
  const { protectedFiles, copied, unresolved } = change;
  if (copied.length > 0)
    return {
      outcome: 'permission-denied',
      message:
        `It would commit ${list(copied)}, which git ignores in your checkout and which was only copied to its worktree ` +
        '(workspace.copy, .worktreeinclude). If it belongs to the repository, commit it yourself.',
    };
  if (protectedFiles.length > 0)
    return {
      outcome: 'permission-denied',
      message:
        `It changed files that workers must not change: ${list(protectedFiles)}. If that is what you want, take ` +
        'them out of git.protected_paths, and `run` again; what it wrote is kept (`recover`).',
    };
  if (unresolved.length > 0)
    return { outcome: 'conflict', message: `Marks of a conflict are left in ${list(unresolved)}.` };
  return undefined;
}

/** The message for a change that conflicts with what has landed. */
export function describeConflict(files: readonly string[]): string {
  return `The change conflicts with work that landed meanwhile, in ${list(files)}.`;
}

const MAX_FILES = 10;

function list(files: readonly string[]): string {
  const more = files.length > MAX_FILES ? ` and ${files.length - MAX_FILES} more` : '';
  return `${files.slice(0, MAX_FILES).join(', ')}${more}`;
}

/** The message for a change that the review did not accept. */
export function describeReview({ round, summary, findings }: Review): string {
  const lines = findings.map(({ id, severity, file, line, title }) => {
    const where = file === null ? '' : ` ${file}${line === null ? '' : `:${line}`}`;
    return `${id} (${severity})${where}: ${title}`;
  });
  return [`Not accepted in review round ${round}: ${summary}`, ...lines].join('\n');
}
