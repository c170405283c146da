import { setTimeout as sleep } from 'node:timers/promises';
import { simpleGit } from 'simple-git';
import type { Config } from '../config/load-config.ts';
import type { Failure } from '../../domain/failure.ts';
import type { Services } from '../services.ts';
import type { Project } from '../project/project.ts';
import { plural } from '../../domain/text/format.ts';
import { findWorkPlace, inspectWorkPlace } from '../repository/work-place.ts';
import type { Finding, Findings } from './finding.ts';

const SILENCE_MS = 10_000;

/**
 * Git, and the state of the repository, as a run looks at it before it makes worktrees. Without a repository a run can
 * start, but results mix with the user's own edits.
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
  // With workers in the user's own directory none of it keeps a run from starting.
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

async function isEnvCommitted(root: string, abort: AbortSignal): Promise<boolean> {
  const git = simpleGit({ baseDir: root, timeout: { block: SILENCE_MS }, abort });
  // Without a repository there is nothing committed, and that is told already.
  const listed = await git.raw('ls-files', '--', '.env').catch(() => '');
  return listed.trim() !== '';
}
