import { sumUsage, totalCost } from '../../domain/attempt.ts';
import { Failed } from '../../domain/failure.ts';
import type { Result } from '../../domain/result.ts';
import type { TaskDraft, TaskId } from '../../domain/task.ts';
import { neutralise } from '../../domain/text/display-text.ts';
import { formatMoney } from '../../domain/text/format.ts';
import type { Manager, ManagerFailure } from '../../manager/manager.ts';
import type * as Planner from '../../manager/planning/draft-tasks.ts';
import type { TaskStore } from '../../store/store.ts';
import type { LoadedConfig } from '../config/load-config.ts';
import type { CallCost } from '../contract/usage.ts';
import { interruptible } from '../interrupt.ts';
import type { Project } from '../project/project.ts';
import { loadSettings } from '../project/settings.ts';
import type { Services } from '../services.ts';
import { keepReply, openKeptReply, type ReplyRequest } from './kept-reply.ts';

/** What it takes to ask for new tasks. */
export interface Planning {
  readonly services: Services;
  readonly project: Project;
  readonly settings: LoadedConfig;
  readonly store: TaskStore;
  /** Has the reply that is there already; the manager is asked where there is none. */
  readonly kept?: Manager | undefined;
}

/** Loads the settings, and the reply that a request names: what is wrong with them is told before anything is asked. */
export async function preparePlanning(
  services: Services,
  project: Project,
  store: TaskStore,
  request: ReplyRequest,
): Promise<Planning> {
  const settings = loadSettings(services, project);
  return { services, project, settings, store, kept: await openKeptReply(services, request) };
}

/** A question for new tasks. */
export interface TaskQuestion {
  readonly ask: (
    planner: typeof Planner,
    manager: Manager,
    signal: AbortSignal,
  ) => Promise<Result<Planner.DraftedTasks, ManagerFailure>>;
  /** The command that takes the reply once a person has mended it. */
  readonly command: readonly string[];
}

/** What the manager answered. */
export interface NewTasks {
  readonly drafts: readonly TaskDraft[];
  /** What was looked at, where the manager did research. */
  readonly sources: readonly string[];
  /** What reports tell of the answer: what was mended in the reply, and what the calls cost. */
  readonly answer: CallCost & { readonly mended: readonly string[] };
}

/**
 * Asks the manager for new tasks, which are not stored yet. Throws `Failed` as the manager did, and says what it cost
 * all the same; a reply that is paid for and cannot be used is kept.
 */
export async function askForTasks(planning: Planning, { ask, command }: TaskQuestion): Promise<NewTasks> {
  const { services, project, settings, store, kept } = planning;
  const { openManager } = await import('./manager.ts');
  const planner = await import('../../manager/planning/draft-tasks.ts');
  const drafted = await interruptible(services, 'Nothing was stored.', async (signal) => {
    const manager = kept ?? (await openManager(services, project, settings, store, signal));
    return ask(planner, manager, signal);
  });
  if (!drafted.ok) throw failureOf(drafted.error, project, command);
  const { drafts, sources, notes } = drafted.value;
  for (const note of notes) services.tell({ kind: 'progress', message: `mended: ${neutralise(note)}` });
  return { drafts, sources, answer: { mended: notes, ...callCost([drafted.value]) } };
}

function failureOf(failed: ManagerFailure, project: Project, command: readonly string[]): Failed {
  const { costUsd } = callCost([failed]);
  if (costUsd === 0) return new Failed(failed.failure);
  const kept = keepReply(project, command, failed);
  return new Failed({
    ...failed.failure,
    message: `${failed.failure.message}\nIt cost ${formatMoney(costUsd)}.`,
    ...(kept === undefined ? {} : { fix: kept }),
  });
}

/** Sums up what calls of the manager cost, whether they were answered or not. */
export function callCost(calls: readonly Pick<ManagerFailure, 'usage' | 'durationMs'>[]): CallCost {
  const usage = sumUsage(calls.flatMap((call) => call.usage));
  return {
    usage,
    costUsd: totalCost(usage),
    durationMs: calls.reduce((sum, { durationMs }) => sum + durationMs, 0),
  };
}

/** Stands for a text that nobody is asked about, since the reply to it is there. */
export const ANSWERED = 'The reply is there.';

const MAX_TITLE = 120;

/** A task as it was typed: the first line is the title, and the whole text is the description. */
export function draftAsTyped(id: TaskId, text: string): TaskDraft {
  const line = (text.trim().split(/[\r\n]/, 1)[0] ?? '').replace(/[\s\p{Cc}]+/gu, ' ').trim();
  const characters = Array.from(line);
  const title = characters.length <= MAX_TITLE ? line : `${characters.slice(0, MAX_TITLE - 1).join('')}…`;
  return {
    id,
    title: title === '' ? 'Untitled' : title,
    description: text.trim(),
    details: '',
    testStrategy: '',
    priority: 'medium',
    dependencies: [],
    size: null,
    estimateMinutes: null,
    touches: [],
    risk: null,
  };
}
