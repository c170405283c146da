import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Attempt } from '../domain/attempt.ts';
import { fail } from '../domain/failure.ts';
import { redactValue } from '../domain/redact.ts';
import { restoreToBranch, restoreToDirectory } from '../workspace/snapshots/restore.ts';
import type {
  KeptWork,
  RecoverListReport,
  RecoverListRequest,
  RecoverRestoreReport,
  RecoverRestoreRequest,
  RecoverShowReport,
  RecoverShowRequest,
} from './contract/recover.ts';
import { openProjectStore } from './project/open-store.ts';
import type { Project } from './project/project.ts';
import { redactorFor } from './project/redaction.ts';
import { describePatch, streamPatch, type PatchStream, type Range } from './repository/patch.ts';
import { baseOf, openRepository } from './repository/repository.ts';
import { findSnapshot, unlandedWork, type UnlandedWork } from './repository/unlanded-work.ts';
import type { Services } from './services.ts';
import type { Git } from '../workspace/git/git.ts';

/**
 * Lists work that never landed, with the titles of its tasks and the ends of its attempts where the task store knows
 * them. The repository alone is needed, so that it works when the store is lost.
 */
export async function recoverList(
  project: Project,
  { all }: RecoverListRequest,
  services: Services,
): Promise<RecoverListReport> {
  const found = await unlandedWork(await openRepository(services, project.root), all === true);
  const known = await lookUp(project, found);
  const work = found.map((each) => ({ ...each, ...(known.get(each.ref) ?? { title: null, attempt: null }) }));
  return redactValue({ work }, redactorFor(services, project));
}

/** Tells what is in a snapshot. */
export async function recoverShow(
  project: Project,
  request: RecoverShowRequest,
  services: Services,
): Promise<RecoverShowReport> {
  const { git, snapshot, range } = await find(project, request, services);
  return { ...snapshot, ...(await describePatch(git, range, request)) };
}

/** The same, with the patch as a stream. Like `git diff` it hides nothing, so that `git apply` takes it. */
export async function openSnapshot(
  project: Project,
  request: RecoverShowRequest,
  services: Services,
): Promise<{ readonly snapshot: KeptWork; readonly patch: PatchStream }> {
  const { git, snapshot, range } = await find(project, request, services);
  return { snapshot, patch: streamPatch(git, range, request) };
}

/** Makes a new branch of a snapshot, or writes its files to a new directory. Nothing else is changed. */
export async function recoverRestore(
  project: Project,
  { name, branch, to }: RecoverRestoreRequest,
  services: Services,
): Promise<RecoverRestoreReport> {
  if ((branch === undefined) === (to === undefined))
    fail(
      'wrong-usage',
      'Say where to restore it: to a new branch, or to a new directory.',
      `For example: \`recover restore ${name} --branch rescued\`, or \`--to ../rescued\`.`,
    );
  const repository = await openRepository(services, project.root);
  const { ref, commit } = await findSnapshot(repository, name);
  const directory = to === undefined ? null : resolve(services.cwd, to);
  if (branch !== undefined) await restoreToBranch(repository.git, commit, branch);
  else if (directory !== null) await restoreToDirectory(repository.git, commit, directory);
  return { ref, commit, branch: branch ?? null, directory };
}

async function find(
  project: Project,
  { name }: RecoverShowRequest,
  services: Services,
): Promise<{ readonly git: Git; readonly snapshot: KeptWork; readonly range: Range }> {
  const repository = await openRepository(services, project.root);
  const { git } = repository;
  const found = await findSnapshot(repository, name);
  const snapshot = redactValue(found, redactorFor(services, project));
  return {
    git,
    snapshot,
    range: { from: await baseOf(git, found.commit, null), to: found.commit },
  };
}

type Known = Pick<RecoverListReport['work'][number], 'title' | 'attempt'>;

/** A store that is gone or broken does not prevent a list: it may be why somebody recovers. */
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

/** The attempt during or after which it was kept. Git's dates are whole seconds, and two attempts may fall into one. */
function attemptOf({ date }: UnlandedWork, attempts: readonly Attempt[]): Attempt | undefined {
  if (attempts.length === 1) return attempts[0];
  const kept = Date.parse(date);
  const begun = attempts.filter(({ startedAt }) => Date.parse(startedAt) < kept + 1000);
  const last = begun.at(-1);
  return last !== undefined && (begun.length === 1 || Date.parse(last.startedAt) < kept) ? last : undefined;
}
