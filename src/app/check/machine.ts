import { randomUUID } from 'node:crypto';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { simpleGit } from 'simple-git';
import { messageOf, type Failure } from '../../domain/failure.ts';
import { firstLine } from '../../domain/text/display-text.ts';
import { formatBytes, plural } from '../../domain/text/format.ts';
import type { Config } from '../config/load-config.ts';
import type { Project } from '../project/project.ts';
import { measureAttempts, WORTH_TELLING_BYTES } from '../project/transcripts.ts';
import { findWorkPlace, inspectWorkPlace } from '../repository/work-place.ts';
import type { Services } from '../services.ts';
import type { Finding } from '../contract/check.ts';
import type { Findings } from './finding.ts';

const TOO_LITTLE_BYTES = 100e6;
const LITTLE_BYTES = 2e9;

/** The Node that runs the tool. One that is too old was refused at the start. */
export function checkNode(services: Services, { ok }: Findings): Finding[] {
  return [ok(`Node.js ${services.nodeVersion}`)];
}

/** Whether there is room on the disk, and whether the project can be written to. */
export async function checkDisk(project: Project, findings: Findings): Promise<Finding[]> {
  const { root, stateFolder } = project;
  const folder = existsSync(stateFolder) ? stateFolder : root;
  const problem = tryToWrite(folder);
  if (problem !== undefined)
    return [
      findings.failure(
        `${folder} cannot be written to: ${problem}`,
        'Make it writable for you, or free some disk space.',
      ),
    ];
  const { bavail, bsize } = await statfs(folder);
  const free = bavail * bsize;
  const message = `${formatBytes(free)} free, ${folder} is writable`;
  const fix = 'Free some space: transcripts and workspaces need it.';
  const used = existsSync(stateFolder) ? await measureAttempts(project) : 0;
  const tidy =
    used < WORTH_TELLING_BYTES
      ? []
      : [
          findings.warning(
            `${formatBytes(used)} of transcripts are kept`,
            '`claude-orchestrator clean --dry-run` shows what of it may go; `logs.keep_days` keeps them for a time only.',
          ),
        ];
  if (free < TOO_LITTLE_BYTES) return [findings.failure(message, fix), ...tidy];
  return [free < LITTLE_BYTES ? findings.warning(message, fix) : findings.ok(message), ...tidy];
}

/** Writes a file to find out: permissions, quotas and read-only mounts all count. */
function tryToWrite(folder: string): string | undefined {
  const file = join(folder, `.check.${randomUUID()}.tmp`);
  try {
    writeFileSync(file, 'x', { flag: 'wx' });
    return undefined;
  } catch (error) {
    return firstLine(messageOf(error));
  } finally {
    rmSync(file, { force: true });
  }
}

const SILENCE_MS = 10_000;

/**
 * Looks at git and at the repository as a run does before it makes worktrees. A run can start without a repository, but
 * then its results mix with the user's own edits.
 */
export async function checkGit(
  services: Services,
  project: Project,
  config: Config,
  signal: AbortSignal,
  findings: Findings,
): Promise<Finding[]> {
  const { root } = project;
  const look = async () => {
    const place = await findWorkPlace(services, project, config);
    return { ...(await inspectWorkPlace(services, config, place)), isIsolated: place.isIsolated };
  };
  const looked = await Promise.race([
    Promise.all([look(), isEnvCommitted(root, signal)]),
    sleep(SILENCE_MS, undefined, { signal, ref: false }).catch(() => undefined),
  ]);
  if (looked === undefined)
    return [
      findings.failure(
        `git did not answer within ${SILENCE_MS / 1000} s`,
        'Run `git status` there and, where your commits are signed, `git commit-tree -S -m test HEAD^{tree}`: neither may wait for anything.',
      ),
    ];
  const [{ version, branch, uncommitted, results, failures, notes, isIsolated }, envIsCommitted] = looked;
  const found = version === null ? [] : [findings.ok(`git ${version}`)];
  // Where workers share the user's directory, none of this keeps a run from starting.
  const tell = ({ message, fix }: Failure) =>
    isIsolated ? findings.failure(message, fix) : findings.warning(message, fix);
  const problems = failures.map(tell);
  if (envIsCommitted)
    problems.push(
      findings.warning(
        '.env is committed, so its secrets are in the history',
        'Run `git rm --cached .env`, commit, and replace every key that was in it.',
      ),
    );
  if (problems.length > 0) return [...found, ...problems];
  const state = [
    uncommitted === 0 ? 'nothing uncommitted' : plural(uncommitted, 'uncommitted file'),
    ...(results === 0 ? [] : [`${results} with results of a run, staged`]),
  ].join(', ');
  return [
    ...found,
    findings.ok(`on ${branch ?? 'no branch'}, ${state}`),
    ...notes.map((note) => findings.ok(note)),
  ];
}

/** Asked with a time limit and an abort of its own: a git that hangs must not outlive the check. */
async function isEnvCommitted(root: string, abort: AbortSignal): Promise<boolean> {
  const git = simpleGit({ baseDir: root, timeout: { block: SILENCE_MS }, abort });
  // Without a repository nothing is committed, and another finding says so.
  const listed = await git.raw('ls-files', '--', '.env').catch(() => '');
  return listed.trim() !== '';
}
