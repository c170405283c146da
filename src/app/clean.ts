import type { LoadedConfig } from './config/load-config.ts';
import type { TaskStore } from '../store/store.ts';
import { listWorktrees, removeWorktree } from '../workspace/slots/idle-worktrees.ts';
import { findLayout, type Layout } from '../workspace/slots/layout.ts';
import { Snapshots, type Snapshot } from '../workspace/snapshots/snapshots.ts';
import type { Services } from './services.ts';
import { workingDirectory } from './repository/work-place.ts';
import { bytesBelow, measureAttempts, oldFiles, removeFiles, type OldFiles } from './project/transcripts.ts';
import type { Project } from './project/project.ts';
import { integrationTips, openRepository, type Repository } from './repository/repository.ts';
import { cacheDirectory } from './project/user-data.ts';

/** What `clean` removed, or would remove, and what it left; also the documented shape of `clean --json`. */
export interface CleanReport {
  /** False with `--dry-run`. */
  readonly removed: boolean;
  /** Files of attempts at tasks that are settled. */
  readonly transcripts: readonly OldFiles[];
  readonly worktrees: readonly OldFiles[];
  /** All that is in these is part of what landed. */
  readonly snapshots: readonly Pick<Snapshot, 'ref' | 'taskId'>[];
  /** What could not go, and why. */
  readonly kept: readonly { readonly path: string; readonly why: string }[];
  /** What that frees on the disk, snapshots aside: git gives their space back in its own time. */
  readonly bytes: number;
}

/** What it works on. */
export interface CleanContext {
  readonly services: Services;
  readonly project: Project;
  readonly settings: LoadedConfig;
  readonly store: TaskStore;
  /** Transcripts that are newer stay. */
  readonly keepDays: number;
}

/**
 * Finds what may go, and removes it unless it is only to be shown. Whoever calls it to remove holds the project, so
 * that no run begins meanwhile. What has not landed never goes.
 */
export async function clean(context: CleanContext, remove: boolean): Promise<CleanReport> {
  const { project, store, keepDays } = context;
  const transcripts = await oldFiles(project, store, keepDays, Date.now());
  if (remove) {
    await removeFiles(transcripts);
    await measureAttempts(project);
  }
  const place = await findPlace(context);
  const snapshots = place === undefined ? [] : await cleanSnapshots(place, remove);
  const { worktrees, kept } = place === undefined ? NONE : await cleanWorktrees(place, remove);
  // What was kept of a worktree before it went may be part of what landed too.
  if (remove && place !== undefined) await cleanSnapshots(place, remove);
  return {
    removed: remove,
    transcripts,
    worktrees,
    snapshots: snapshots.map(({ ref, taskId }) => ({ ref, taskId })),
    kept,
    bytes: [...transcripts, ...worktrees].reduce((sum, { bytes }) => sum + bytes, 0),
  };
}

/** A repository in which runs have made worktrees and snapshots. */
interface Place {
  readonly repository: Repository;
  readonly snapshots: Snapshots;
  readonly layout: Layout;
  readonly landed: readonly string[];
}

const NONE = { worktrees: [], kept: [] };

/** Undefined where nothing has landed yet, which is so without a repository too. */
async function findPlace({ services, project, settings }: CleanContext): Promise<Place | undefined> {
  const directory = workingDirectory(project, settings);
  const repository = await openRepository(services, directory).catch(() => undefined);
  if (repository === undefined) return undefined;
  const { git } = repository;
  const landed = await integrationTips(git);
  if (landed.length === 0) return undefined;
  const { root } = settings.config.workspace;
  const places = { workingDirectory: directory, cacheDirectory: cacheDirectory(services), root };
  return { repository, snapshots: new Snapshots(git), layout: await findLayout(git, places), landed };
}

async function cleanWorktrees(
  { repository, snapshots, layout, landed }: Place,
  remove: boolean,
): Promise<Pick<CleanReport, 'worktrees' | 'kept'>> {
  const { git, commonDirectory } = repository;
  const [base = 'HEAD'] = landed;
  const worktrees: OldFiles[] = [];
  const kept: { path: string; why: string }[] = [];
  for (const { directory, inUse } of await listWorktrees(layout.root, commonDirectory)) {
    const bytes = inUse === null ? await bytesBelow(directory) : 0;
    const why =
      inUse === null && remove
        ? await removeWorktree(directory, { git, snapshots, root: layout.root, commonDirectory, base })
        : inUse;
    if (why == null) worktrees.push({ directory, bytes });
    else kept.push({ path: directory, why });
  }
  return { worktrees, kept };
}

async function cleanSnapshots({ snapshots, landed }: Place, remove: boolean): Promise<Snapshot[]> {
  const found = new Map<string, Snapshot>();
  for (const tip of landed)
    for (const snapshot of await snapshots.list(tip)) if (snapshot.landed) found.set(snapshot.ref, snapshot);
  const gone = [...found.values()];
  if (remove) await snapshots.remove(gone);
  return gone;
}
