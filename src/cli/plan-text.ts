import { displayWidth, fit, neutralise, truncate, wrap } from '../domain/text/display-text.ts';
import { formatEstimate, formatMoney, plural } from '../domain/text/format.ts';
import type { Styles } from '../domain/text/styles.ts';
import type { HeldTask, PlannedTask, PlanPreview } from '../app/contract/plan.ts';
import type { Layout } from './tool-command.ts';

/** What would run when; no line is wider than the terminal. */
export function describePlan(
  plan: PlanPreview,
  { width: columns, style }: Pick<Layout, 'width' | 'style'>,
): string[] {
  const lines: string[] = [];
  if (plan.tasks === 0) lines.push('Nothing to run: no open task.');
  else {
    lines.push(style.bold(`${plural(plan.tasks, 'task')} in ${plural(plan.waves.length, 'wave')}`), '');
    const idWidth = Math.max(...plan.waves.flat().map(({ id }) => id.length));
    for (const [index, wave] of plan.waves.entries()) {
      lines.push(style.bold(`Wave ${index + 1}`) + style.dim(` · ${plural(wave.length, 'task')}`));
      for (const task of wave) lines.push(taskLine(task, idWidth, columns, style));
    }
    if (plan.waves.flat().some(({ estimated }) => !estimated))
      lines.push(style.dim(truncate('? no estimate yet: a middling size is assumed', columns)));
    lines.push('', ...summary(plan).flatMap((line) => hang(line, columns)));
  }
  if (plan.held.length > 0) {
    lines.push('', style.bold('Not in this plan'), ...plan.held.map((held) => heldLine(held, columns)));
  }
  return lines;
}

function taskLine(task: PlannedTask, idWidth: number, columns: number, style: Styles): string {
  const mark = task.critical ? '*' : ' ';
  const time = `${task.size ?? ''} ${Math.max(1, Math.round(task.minutes))} min${task.estimated ? ' ' : '?'}`;
  const start = `${mark} ${task.id.padStart(idWidth)}  `;
  const title = fit(neutralise(task.title), Math.max(1, columns - displayWidth(start) - time.length - 2));
  const line = truncate(`${start}${title}  ${time}`, columns);
  return task.critical ? style.cyan(line) : line;
}

function summary(plan: PlanPreview): [heading: string, text: string][] {
  const { criticalPath, collisions, workers, prediction, costUsd } = plan;
  const entries: [string, string][] = [
    [
      '* Critical path',
      `${criticalPath.tasks.join(' → ')} (${formatEstimate(criticalPath.minutes * 60_000)})`,
    ],
  ];
  for (const [index, { wave, tasks, paths }] of collisions.entries()) {
    const where = paths.map(neutralise).join(', ');
    entries.push([
      index === 0 ? 'Collisions' : '',
      `wave ${wave}: ${tasks.join(', ')} may both change ${where}`.replace(
        tasks.length === 2 ? '' : ' both',
        '',
      ),
    ]);
  }
  if (collisions.length === 0) entries.push(['Collisions', 'none expected']);
  for (const [index, { workers: count, minutes }] of prediction.entries()) {
    const chosen = count === workers ? ' (as configured)' : '';
    entries.push([
      index === 0 ? 'Time' : '',
      `${plural(count, 'worker')}: ${formatEstimate(minutes * 60_000)}${chosen}`,
    ]);
  }
  entries.push([
    'Cost',
    costUsd === null
      ? 'unknown: no task of this project has been finished yet'
      : `about ${formatMoney(costUsd)}, by what this project's tasks have cost`,
  ]);
  return entries;
}

const HEADING = 17;

function hang([heading, text]: [string, string], columns: number): string[] {
  const room = columns - HEADING;
  if (room < 20) return wrap(`${heading} ${text}`.trim(), Math.max(1, columns));
  return wrap(text, room).map((line, index) => `${fit(index === 0 ? heading : '', HEADING)}${line}`);
}

function heldLine(held: HeldTask, columns: number): string {
  const why = held.waitingFor.length > 0 ? `waits for ${held.waitingFor.join(', ')}` : held.status;
  const title = truncate(neutralise(held.title), Math.max(8, columns - held.id.length - why.length - 7));
  return truncate(`  ${held.id}  ${title} (${why})`, columns);
}
