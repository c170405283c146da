import type { Attempt } from '../domain/attempt.ts';
import type { Change, DiffReport, DiffRequest } from './contract/diff.ts';
import { withStore } from './project/open-store.ts';
import type { Project } from './project/project.ts';
import { redactorFor } from './project/redaction.ts';
import { findChange } from './repository/find-change.ts';
import { describePatch, streamPatch, type PatchStream, type Range } from './repository/patch.ts';
import { openRepository } from './repository/repository.ts';
import type { Services } from './services.ts';
import { findAttempts } from './tasks/attempts.ts';
import type { Git } from '../workspace/git/git.ts';

/** Tells what a task changed: as it landed, as it was kept, or as it is now in its workspace. */
export async function diff(project: Project, request: DiffRequest, services: Services): Promise<DiffReport> {
  const { change, patch } = await find(project, request, services);
  if (patch === undefined) return { ...change, from: null, to: null, files: [], patch: null };
  return { ...change, ...(await describePatch(patch.git, patch.range, request)) };
}

/** The same, with the patch as a stream. Like `git diff` it hides nothing, so that `git apply` takes it. */
export async function openDiff(
  project: Project,
  request: DiffRequest,
  services: Services,
): Promise<{ readonly change: Change; readonly patch: PatchStream | undefined }> {
  const { change, patch } = await find(project, request, services);
  return { change, patch: patch && streamPatch(patch.git, patch.range, request) };
}

async function find(
  project: Project,
  { id }: DiffRequest,
  services: Services,
): Promise<{ readonly change: Change; readonly patch?: { readonly git: Git; readonly range: Range } }> {
  const { task, attempts, whyNone } = await withStore(project, (store) => findAttempts(store, id));
  if (attempts.length === 0) return { change: noChange(task.id, whyNone) };
  const repository = await openRepository(services, project.root);
  const found = await findChange(repository, attempts);
  if (found.kind === 'none') {
    const why = redactorFor(services, project)(found.why);
    return { change: noChange(task.id, `Task ${task.id} has no change to show. ${why}`) };
  }
  const { kind, place, from, to, attempt } = found;
  return {
    change: { id: task.id, kind, attempt: attempt.number, outcome: outcomeOf(attempt), place, why: null },
    patch: { git: repository.git, range: { from, to } },
  };
}

function outcomeOf({ end }: Attempt): Change['outcome'] {
  return end?.outcome ?? null;
}

function noChange(id: string, why: string): Change {
  return { id, kind: 'none', attempt: null, outcome: null, place: null, why };
}
