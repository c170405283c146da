import { printJson, useColor } from '../print.ts';
import type { Attempt } from '../../domain/attempt.ts';
import type { AttemptOutcome } from '../../domain/outcome.ts';
import { redactValue } from '../../domain/redact.ts';
import { firstLine, neutralise } from '../../domain/text/display-text.ts';
import { plural } from '../../domain/text/format.ts';
import { styles } from '../../domain/text/styles.ts';
import type { Cli } from '../cli.ts';
import { type CommonOptions } from '../command.ts';
import { openProjectStore, type Project } from '../../app/project/project.ts';
import { redactorFor } from '../../app/project/redaction.ts';
import { existsSync } from 'node:fs';
import type { Repository } from '../../app/repository/repository.ts';
import type { UnlandedWork } from '../../app/repository/unlanded-work.ts';

/** Lists work that never landed, with the titles of its tasks and the ends of its attempts where the task store knows them. */
export async function listUnlanded(
  cli: Cli,
  options: CommonOptions & { readonly all?: boolean },
  project: Project,
  repository: Repository,
): Promise<void> {
  const { unlandedWork } = await import('../../app/repository/unlanded-work.ts');
  const found = await unlandedWork(repository, options.all === true);
  const known = await lookUp(project, found);
  const told = found.map((each) => ({ ...each, ...(known.get(each.ref) ?? { title: null, attempt: null }) }));
  const work = redactValue(told, redactorFor(cli, project));
  if (options.json === true) printJson(cli, { work });
  else if (work.length > 0) {
    const { bold, dim } = styles(useColor(cli, options));
    const lines = work.flatMap(({ taskId, title, date, files, why, ref, older, attempt }) => [
      `${bold(`Task ${taskId}`)}  ${title === null ? '' : `${neutralise(title)}  `}${dim(date)}`,
      `    ${plural(files.length, 'file')}: ${namesOf(files)}`,
      `    kept ${neutralise(why)}${older === 0 ? '' : `, and ${older} earlier (--all)`}`,
      ...(attempt === null ? [] : [`    ${endOf(attempt)}`]),
      `    ${ref}`,
    ]);
    const [first] = work;
    cli.stdout.write(`${lines.join('\n')}\n`);
    if (options.quiet !== true && first !== undefined)
      cli.stdout.write(
        `\nSee one with \`recover show ${first.taskId}\`; take it with \`recover restore ${first.taskId} --branch NAME\`.\n`,
      );
  } else if (options.quiet !== true) cli.stdout.write('Nothing is left that has not landed.\n');
}

const NAMES_SHOWN = 5;

function namesOf(files: readonly string[]): string {
  const more = files.length > NAMES_SHOWN ? `, and ${files.length - NAMES_SHOWN} more` : '';
  return `${files.slice(0, NAMES_SHOWN).map(neutralise).join(', ')}${more}`;
}

/** What the task store knows of work that is kept. */
interface Known {
  readonly title: string | null;
  /** The attempt it is of; `outcome` is null before its end. */
  readonly attempt: {
    readonly number: number;
    readonly outcome: AttemptOutcome | null;
    readonly message: string;
  } | null;
}

function endOf({ number, outcome, message }: NonNullable<Known['attempt']>): string {
  if (outcome === null) return `try ${number} has not ended`;
  const why = firstLine(message);
  return `try ${number} ended: ${outcome.replaceAll('-', ' ')}${why === '' ? '' : `: ${why}`}`;
}

/** A store that is gone or broken is no reason not to list: it may be why somebody recovers. */
async function lookUp(project: Project, work: readonly UnlandedWork[]): Promise<Map<string, Known>> {
  const known = new Map<string, Known>();
  if (work.length === 0 || !existsSync(project.databaseFile)) return known;
  const store = await openProjectStore(project).catch(() => undefined);
  if (store === undefined) return known;
  try {
    for (const each of work) {
      const { ref, taskId, runId } = each;
      const attempts = store.attempts({ taskId, runId });
      // Other lists have tasks of the same ids.
      if (attempts.length === 0) continue;
      const attempt = attemptOf(each, attempts);
      const { outcome = null, message = '' } = attempt?.end ?? {};
      known.set(ref, {
        title: store.task(taskId)?.title ?? null,
        attempt: attempt === undefined ? null : { number: attempt.number, outcome, message },
      });
    }
  } finally {
    store.close();
  }
  return known;
}

/** The attempt during or after which it was kept; git tells no more than the second, in which two may meet. */
function attemptOf({ date }: UnlandedWork, attempts: readonly Attempt[]): Attempt | undefined {
  if (attempts.length === 1) return attempts[0];
  const kept = Date.parse(date);
  const begun = attempts.filter(({ startedAt }) => Date.parse(startedAt) < kept + 1000);
  const last = begun.at(-1);
  return last !== undefined && (begun.length === 1 || Date.parse(last.startedAt) < kept) ? last : undefined;
}
