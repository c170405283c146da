import { neutralise } from '../../reporting/display-text.ts';
import { plural } from '../../reporting/format.ts';
import { styles } from '../../reporting/styles.ts';
import type { Cli } from '../cli.ts';
import { printJson, useColor, type CommonOptions } from '../options.ts';
import { openProjectStore, type Project } from '../project.ts';
import { existsSync } from 'node:fs';
import type { Repository } from './open-repository.ts';
import type { UnlandedWork } from './unlanded-work.ts';

/** Lists work that never landed, with the titles of its tasks where the task store knows them. */
export async function listUnlanded(
  cli: Cli,
  options: CommonOptions & { readonly all?: boolean },
  project: Project,
  repository: Repository,
): Promise<void> {
  const { unlandedWork } = await import('./unlanded-work.ts');
  const found = await unlandedWork(repository, options.all === true);
  const titles = await titlesOf(project, found);
  const work = found.map((each) => ({ ...each, title: titles.get(each.ref) ?? null }));
  if (options.json === true) printJson(cli, { work });
  else if (work.length > 0) {
    const { bold, dim } = styles(useColor(cli, options));
    const lines = work.flatMap(({ taskId, title, date, files, why, ref, older }) => [
      `${bold(`Task ${taskId}`)}  ${title === null ? '' : `${neutralise(title)}  `}${dim(date)}`,
      `    ${plural(files.length, 'file')}: ${namesOf(files)}`,
      `    kept ${neutralise(why)}${older === 0 ? '' : `, and ${older} earlier (--all)`}`,
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

/** A store that is gone or broken is no reason not to list: it may be why somebody recovers. */
async function titlesOf(project: Project, work: readonly UnlandedWork[]): Promise<Map<string, string>> {
  const titles = new Map<string, string>();
  if (work.length === 0 || !existsSync(project.databaseFile)) return titles;
  const store = await openProjectStore(project).catch(() => undefined);
  if (store === undefined) return titles;
  try {
    for (const { ref, taskId, runId } of work) {
      // Other lists have tasks of the same ids.
      const isOurs = store.attempts({ taskId, runId }).length > 0;
      const title = isOurs ? store.task(taskId)?.title : undefined;
      if (title !== undefined) titles.set(ref, title);
    }
  } finally {
    store.close();
  }
  return titles;
}
