import { fail } from '../domain/failure.ts';
import { nearest } from '../domain/text/nearest.ts';
import { PRIORITIES, RISKS, SIZES, type TaskChanges } from '../domain/task.ts';
import type { EditReport, EditRequest } from './contract/edit.ts';
import { withStore } from './project/open-store.ts';
import type { Project } from './project/project.ts';
import { parseId } from './tasks/ids.ts';

/** The word that clears an optional value. */
export const NONE = 'none';

/** Changes the fields of one task that the request names, and no others. */
export async function edit(project: Project, request: EditRequest): Promise<EditReport> {
  const id = parseId(request.id);
  const changes = parseChanges(request);
  const changed = Object.keys(changes);
  if (changed.length === 0)
    fail(
      'wrong-usage',
      `The command does not say what to change in task ${id}.`,
      `Give at least one of ${FLAGS.join(', ')}; no editor is opened.`,
    );
  return { task: await withStore(project, (store) => store.editTask(id, changes)), changed };
}

const FLAGS = [
  '--title',
  '--description',
  '--details',
  '--test-strategy',
  '--priority',
  '--size',
  '--estimate',
  '--touches',
  '--risk',
];

/** Turns the request into changes. The first wrong value is refused, with what was expected. */
export function parseChanges(request: Omit<EditRequest, 'id'>): TaskChanges {
  const { title, description, details, testStrategy, priority, size, estimate, touches, risk } = request;
  if (title?.trim() === '') fail('wrong-usage', '--title: the title must not be empty.');
  return {
    ...(title === undefined ? {} : { title: title.trim() }),
    ...(description === undefined ? {} : { description }),
    ...(details === undefined ? {} : { details }),
    ...(testStrategy === undefined ? {} : { testStrategy }),
    ...(priority === undefined ? {} : { priority: oneOf('--priority', priority, PRIORITIES) }),
    ...(size === undefined ? {} : { size: isNone(size) ? null : oneOf('--size', size, SIZES) }),
    ...(estimate === undefined ? {} : { estimateMinutes: parseMinutes(estimate) }),
    ...(touches === undefined ? {} : { touches: parseGlobs(touches) }),
    ...(risk === undefined ? {} : { risk: isNone(risk) ? null : oneOf('--risk', risk, RISKS) }),
  };
}

/** Reads one of a few words, in any case. */
function oneOf<T extends string>(flag: string, text: string, words: readonly T[]): T {
  const wanted = text.trim().toLowerCase();
  const found = words.find((word) => word.toLowerCase() === wanted);
  if (found !== undefined) return found;
  // Any two letters are close to each other, so a suggestion for a single letter would be a guess.
  const meant = wanted.length > 1 ? nearest(wanted, words) : undefined;
  fail(
    'wrong-usage',
    `${flag}: expected one of ${words.join(', ')}, got ${JSON.stringify(text)}.`,
    meant === undefined ? undefined : `Did you mean "${meant}"?`,
  );
}

/** More than a worker could ever need: a year. */
const MAX_MINUTES = 525_600;

function parseMinutes(text: string): number | null {
  if (isNone(text)) return null;
  const match = /^(?:(\d+(?:\.\d+)?)\s*h)?\s*(?:(\d+(?:\.\d+)?)\s*(?:m|min)?)?$/.exec(
    text.trim().toLowerCase(),
  );
  const minutes = match === null ? NaN : Number(match[1] ?? 0) * 60 + Number(match[2] ?? 0);
  if (minutes > 0 && minutes <= MAX_MINUTES) return minutes;
  fail(
    'wrong-usage',
    `--estimate: expected minutes such as 45, 45m or 1h30m, or "${NONE}", got ${JSON.stringify(text)}.`,
  );
}

function parseGlobs(text: string): string[] {
  if (isNone(text)) return [];
  const globs = text
    .split(',')
    .map((glob) => glob.trim())
    .filter((glob) => glob !== '');
  return [...new Set(globs)];
}

function isNone(text: string): boolean {
  return text.trim().toLowerCase() === NONE;
}
