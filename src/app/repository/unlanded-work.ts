import type { KeptWork } from '../contract/recover.ts';
import { fail } from '../../domain/failure.ts';
import { parseTaskId, type TaskId } from '../../domain/task.ts';
import { Snapshots, type Snapshot } from '../../workspace/snapshots/snapshots.ts';
import { baseOf, integrationTips, type Repository } from './repository.ts';

/** Work that is kept and has not landed. */
export interface UnlandedWork extends KeptWork {
  /** The commit that it is compared with. */
  readonly base: string;
  /** Names of the files that differ from it. */
  readonly files: readonly string[];
  /** How many older snapshots of the same task and run there are. */
  readonly older: number;
}

/** Finds work that has not landed, the newest first: the newest snapshot of each task and run, or `all` snapshots. */
export async function unlandedWork(repository: Repository, all: boolean): Promise<UnlandedWork[]> {
  const found = await unlandedSnapshots(repository);
  const newest = new Map<string, Snapshot>();
  const counts = new Map<string, number>();
  for (const snapshot of found) {
    const key = placeOf(snapshot);
    counts.set(key, (counts.get(key) ?? 0) + 1);
    if ((newest.get(key)?.number ?? 0) < snapshot.number) newest.set(key, snapshot);
  }
  const work: UnlandedWork[] = [];
  for (const snapshot of all ? found : found.filter((each) => [...newest.values()].includes(each))) {
    const { commit } = snapshot;
    // A snapshot of what lay beside the work is compared with the commit that it was made on.
    const beside = snapshot.beside !== null ? await repository.git.commitAt(`${commit}^`) : undefined;
    const base = beside ?? (await baseOf(repository.git, commit, null));
    const names = ['diff', '--name-only', '-z', '--no-relative', base, commit, '--'];
    const { stdout } = await repository.git.attempt(names);
    const files = stdout.split('\0').filter((name) => name !== '');
    const older = all ? 0 : (counts.get(placeOf(snapshot)) ?? 1) - 1;
    work.push({ ...withoutLanded(snapshot), base, files, older });
  }
  return work;
}

/**
 * A snapshot by its ref (`refs/orchestrator/` may be left out), or the newest unlanded work of a task by its id. Throws
 * `Failed` where there is none.
 */
export async function findSnapshot(repository: Repository, name: string): Promise<KeptWork> {
  const taskId = parseTaskId(name.replace(/^#/, ''));
  if (taskId !== undefined) return withoutLanded(newestOf(await unlandedSnapshots(repository), taskId));
  const ref = name.startsWith(ROOT) ? name : `${ROOT}${name}`;
  const all = await new Snapshots(repository.git).list(null);
  const found = all.find((snapshot) => snapshot.ref === ref);
  if (found !== undefined) return withoutLanded(found);
  return fail(
    'wrong-usage',
    `${JSON.stringify(name)}: there is no such snapshot here.`,
    'Name a task, or a ref as `recover list` shows it.',
  );
}

const ROOT = 'refs/orchestrator/';

/** The folder of the snapshots that a later one takes the place of. A snapshot of refs is a state of its own. */
function placeOf({ ref, beside }: Snapshot): string {
  return beside === 'refs' ? ref : ref.slice(0, ref.lastIndexOf('/'));
}

function newestOf(found: readonly Snapshot[], taskId: TaskId): Snapshot {
  const own = found.filter((snapshot) => snapshot.taskId === taskId);
  const [latest] = own;
  if (latest === undefined)
    return fail(
      'wrong-usage',
      `No work of task ${taskId} is kept that has not landed.`,
      `\`recover list\` shows all there is; \`diff ${taskId}\` shows what landed.`,
    );
  // Snapshots of one second have the same date, so the number says which one of a run is the last.
  // A snapshot of what lay beside the work counts only where there is no other.
  const work = own.filter((each) => each.runId === latest.runId && each.beside === null);
  return (work.length > 0 ? work : own.filter((each) => placeOf(each) === placeOf(latest))).reduce(
    (newest, each) => (each.number > newest.number ? each : newest),
  );
}

/** The newest first. Work that landed on an integration branch, or is part of HEAD by now, needs no recovery. */
async function unlandedSnapshots({ git }: Repository): Promise<Snapshot[]> {
  const snapshots = new Snapshots(git);
  const head = await git.attempt(['rev-parse', '--verify', '--quiet', 'HEAD^{commit}']);
  const places = [...(await integrationTips(git)), ...(head.exitCode === 0 ? [head.stdout.trim()] : [])];
  let left: Snapshot[] = await snapshots.list(null);
  for (const place of places) {
    if (left.length === 0) return left;
    const landed = new Set((await snapshots.list(place)).filter((each) => each.landed).map(({ ref }) => ref));
    left = left.filter(({ ref }) => !landed.has(ref));
  }
  return left;
}

function withoutLanded({ ref, runId, taskId, number, commit, date, why }: Snapshot): KeptWork {
  return { ref, runId, taskId, number, commit, date, why };
}
