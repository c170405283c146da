import { accessSync, constants, statSync, type Stats } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { Attempt } from '../../domain/attempt.ts';
import type { Stamped } from '../../domain/event.ts';
import { Failed, fail, messageOf } from '../../domain/failure.ts';
import { redactValue, type Redact } from '../../domain/redact.ts';
import type { ChangeSize } from '../../reporting/html/report-model.ts';
import type { TaskStore } from '../../store/store.ts';
import type { Notice, Services } from '../services.ts';
import { workingDirectory } from '../repository/work-place.ts';
import type { RunJob } from './job.ts';

/**
 * Where the report will be, for what a person gave as `--report`. Throws `Failed` ("file-unwritable") where no file can
 * be made there, so that this is known before a night of work and not after it.
 */
export function checkReportFile({ cwd }: Pick<Services, 'cwd'>, given: string): string {
  const file = resolve(cwd, given);
  const refuse = (why: string): never =>
    fail('file-unwritable', `--report: ${why}.`, 'Name a file in a directory that you may write to.');
  if (given.trim() === '') refuse('expected the name of a file, got nothing');
  const directory = dirname(file);
  if (!isDirectory(directory)) refuse(`there is no directory ${directory}`);
  const found = look(file, refuse);
  if (found?.isDirectory() === true || /[/\\]$/.test(given)) refuse(`${file} is a directory`);
  if (found !== undefined && !found.isFile()) refuse(`${file} is no ordinary file`);
  if (!isWritable(directory)) refuse(`you may not write in ${directory}`);
  if (found !== undefined && !isWritable(file)) refuse(`you may not change ${file}`);
  return file;
}

/** What a report is made from. */
type ReportSource = Pick<RunJob, 'project' | 'settings' | 'store'> & {
  readonly services: Pick<Services, 'cwd' | 'env'>;
};

/**
 * Writes the report of a run into the file that `checkReportFile` gave, and says so. Never rejects: a run does not fail by
 * its report, so what went wrong is a warning.
 */
export async function writeReport(
  { services, project, settings, store }: ReportSource,
  { runId, file, redact }: { readonly runId: string; readonly file: string; readonly redact: Redact },
): Promise<Notice> {
  try {
    const run = store.run(runId);
    if (run === undefined) return { kind: 'note', message: 'There is no report: the run did not begin.' };
    const attempts = store.attempts({ runId });
    const sizes = await sizesOf(services, workingDirectory(project, settings), attempts);
    const source = {
      run,
      attempts,
      tasks: store.tasks(),
      usage: store.usage({ runId }),
      events: eventsOf(store, runId, attempts),
      spentUsd: store.unfinishedSpending(),
      history: store.finishedWork(),
      now: Date.now(),
    };
    const [{ reportOf }, { renderReport }, { writeFileWhole }] = await Promise.all([
      import('../../reporting/html/report-model.ts'),
      import('../../reporting/html/render-report.ts'),
      import('../project/write-file.ts'),
    ]);
    const report = reportOf({ ...redactValue(source, redact), sizes });
    const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
    writeFileWhole(checkReportFile(services, file), renderReport(report, timeZone), 0o644);
    return { kind: 'note', message: `the report is in ${file}` };
  } catch (error) {
    const why = error instanceof Failed ? error.failure.message : String(error);
    return { kind: 'warning', message: `The report was not written: ${why}` };
  }
}

/** A name may be too long, a link may lead in a circle. */
function look(file: string, refuse: (why: string) => never): Stats | undefined {
  try {
    return statSync(file, { throwIfNoEntry: false });
  } catch (error) {
    return refuse(messageOf(error));
  }
}

function isDirectory(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** What the report tells of events; those of attempts that were taken over are kept with the run that began them. */
function eventsOf(store: TaskStore, runId: string, attempts: readonly Attempt[]): Stamped[] {
  const takenOver = new Map(
    attempts.filter((attempt) => attempt.runId !== runId).map(({ id, runId: of }) => [id, of]),
  );
  const others = [...new Set(takenOver.values())].flatMap((other) =>
    store
      .events({ runId: other })
      .filter((event) => event.type === 'attempt-phase' && takenOver.has(event.attemptId)),
  );
  return [...others, ...store.events({ runId })];
}

/** Of everything that landed, by attempt; empty where git cannot tell. */
async function sizesOf(
  { env }: Pick<Services, 'env'>,
  directory: string,
  attempts: readonly Attempt[],
): Promise<Map<number, ChangeSize>> {
  const landed = attempts.flatMap(({ id, end }) => (end?.commit == null ? [] : [{ id, commit: end.commit }]));
  if (landed.length === 0) return new Map();
  const [{ Git }, { changeSizes }] = await Promise.all([
    import('../../workspace/git/git.ts'),
    import('../repository/patch.ts'),
  ]);
  const git = new Git(directory, env);
  const sizes = await changeSizes(
    git,
    landed.map(({ commit }) => commit),
  ).catch(() => undefined);
  return new Map(
    landed.flatMap(({ id, commit }): [number, ChangeSize][] => {
      const size = sizes?.get(commit);
      return size === undefined ? [] : [[id, size]];
    }),
  );
}
