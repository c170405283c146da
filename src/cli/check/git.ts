import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { simpleGit, type SimpleGit } from 'simple-git';
import { gitTop } from '../init/place.ts';
import type { Project } from '../project.ts';
import { firstLineOf, type Finding, type Findings } from './finding.ts';

const SILENCE_MS = 10_000;

/** What each file in git's own folder says is unfinished. */
const UNFINISHED = [
  ['MERGE_HEAD', 'merge'],
  ['rebase-merge', 'rebase'],
  ['rebase-apply', 'rebase'],
  ['CHERRY_PICK_HEAD', 'cherry-pick'],
  ['REVERT_HEAD', 'revert'],
] as const;

/** Git, and the state of the repository; without one a run can start, but results mix with the user's own edits. */
export async function checkGit(
  { root }: Project,
  signal: AbortSignal,
  findings: Findings,
): Promise<Finding[]> {
  const git = simpleGit({ baseDir: root, timeout: { block: SILENCE_MS }, abort: signal });
  const version = await git.version().catch(() => undefined);
  if (version?.installed !== true)
    return [findings.warning('git was not found on PATH', 'Install it: https://git-scm.com/downloads')];
  const found = findings.ok(`git ${version.major}.${version.minor}.${version.patch}`);
  const top = gitTop(root);
  if (top === undefined)
    return [
      found,
      findings.warning(
        `${root} is not in a git repository`,
        'Run `git init` and commit what is there: then you can see and undo what workers changed.',
      ),
    ];
  try {
    return [found, ...(await checkRepository(git, findings))];
  } catch (error) {
    return [
      found,
      findings.warning(
        `the repository ${top} cannot be used: ${firstLineOf(error)}`,
        'Run `git status` there: git says how to mend it.',
      ),
    ];
  }
}

async function checkRepository(git: SimpleGit, findings: Findings): Promise<Finding[]> {
  const status = await git.status();
  const folder = (await git.raw('rev-parse', '--absolute-git-dir')).trim();
  const hasCommit = (await git.raw('rev-parse', '--verify', '--quiet', 'HEAD')).trim() !== '';
  const problems: Finding[] = [];
  if (!hasCommit)
    problems.push(
      findings.warning(
        'the repository has no commit yet',
        'Commit what is there: `git add -A && git commit`.',
      ),
    );
  const unfinished = UNFINISHED.find(([file]) => existsSync(join(folder, file)))?.[1];
  if (unfinished !== undefined)
    problems.push(
      findings.warning(
        `a ${unfinished} is unfinished`,
        `Finish it with \`git ${unfinished} --continue\`, or undo it with \`git ${unfinished} --abort\`.`,
      ),
    );
  if ((await git.raw('ls-files', '--', '.env')).trim() !== '')
    problems.push(
      findings.warning(
        '.env is committed, so its secrets are in the history',
        'Run `git rm --cached .env`, commit, and replace every key that was in it.',
      ),
    );
  if (problems.length > 0) return problems;
  const branch = status.current ?? 'no branch';
  const changes = status.files.length;
  return [
    findings.ok(`on ${branch}, ${changes === 0 ? 'nothing uncommitted' : `${changes} uncommitted files`}`),
  ];
}
