import { openRunLock } from '../store/run-lock.ts';
import { listWorktrees, removeWorktree } from '../workspace/slots/idle-worktrees.ts';
import { findLayout, type Layout } from '../workspace/slots/layout.ts';
import { Snapshots, type Snapshot } from '../workspace/snapshots/snapshots.ts';
import type { LoadedConfig } from './config/load-config.ts';
import type { CleanReport, CleanRequest, OldFiles } from './contract/clean.ts';
import { withStore } from './project/open-store.ts';
import type { Project } from './project/project.ts';
import { loadSettings } from './project/settings.ts';
import { bytesBelow, measureAttempts, oldFiles, removeFiles } from './project/transcripts.ts';
import { cacheDirectory } from './project/user-data.ts';
import { integrationTips, openRepository, type Repository } from './repository/repository.ts';
import { workingDirectory } from './repository/work-place.ts';
import type { Services } from './services.ts';

/**
 * Removes what nobody needs any more, or with `dryRun` tells what that is. What has not landed never goes. The project
 * is held while things are removed, so that no run begins meanwhile.
 */
export async function clean(
  project: Project,
  { dryRun, keepDays }: CleanRequest,
  services: Services,
): Promise<CleanReport> {
  const settings = loadSettings(services, project);
  const days = keepDays ?? settings.config.logs.keep_days ?? 0;
  const remove = dryRun !== true;
  return await withStore(project, async (store) => {
    const holder = `process ${services.pid}, which cleans up`;
    const lock = remove
      ? openRunLock(`${project.databaseFile}-run-lock`, () => store.lastRun(), { holder })
      : undefined;
    try {
      const transcripts = await oldFiles(project, store, days, Date.now());
      if (remove) {
        await removeFiles(transcripts);
        await measureAttempts(project);
      }
      return await cleanRepository(await findPlace(services, project, settings), transcripts, remove);
    } finally {
      lock?.release();
    }
  });
}

async function cleanRepository(
  place: Place | undefined,
  transcripts: readonly OldFiles[],
  remove: boolean,
): Promise<CleanReport> {
  const snapshots = place === undefined ? [] : await cleanSnapshots(place, remove);
  const { worktrees, kept } = place === undefined ? NONE : await cleanWorktrees(place, remove);
  // A snapshot that was made of a worktree before it went may hold nothing but what has landed.
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

const NONE: Pick<CleanReport, 'worktrees' | 'kept'> = { worktrees: [], kept: [] };

/** Undefined where nothing has landed yet, and so also where there is no repository. */
async function findPlace(
  services: Services,
  project: Project,
  settings: LoadedConfig,
): Promise<Place | undefined> {
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
