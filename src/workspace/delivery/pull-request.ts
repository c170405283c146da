import { execa } from 'execa';
import type { Delivery } from '../../domain/event.ts';
import { shellQuote } from '../../domain/text/shell-quote.ts';
import type { Git } from '../git/git.ts';
import { Undelivered } from './undelivered.ts';

/** The text of a pull request, and the run that its branch is named after. */
export interface PullRequest {
  /** Part of the name of the branch to push, so that each run has its own. */
  readonly runId: string;
  readonly title: string;
  /** Markdown: tasks, reviews, cost. */
  readonly body: string;
}

/** What is offered, and for which branch of the user's. */
export interface PullRequestOptions {
  readonly tip: string;
  /** Short name of the integration branch. */
  readonly branch: string;
  readonly target: string | null;
  readonly pullRequest: PullRequest;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** Pushes the results to a branch of their own and opens a pull request. Without `gh`, it returns the two commands. */
export async function openPullRequest(git: Git, offer: PullRequestOptions): Promise<Delivery> {
  const { tip, branch, target, pullRequest, environment } = offer;
  const remote = await findRemote(git, target);
  if (remote === undefined)
    throw new Undelivered('git.deliver is "pr", but the repository has no remote.', [
      `git merge --no-edit ${shellQuote(branch)}`,
    ]);
  const name = `orchestrator-${pullRequest.runId}`;
  const base = target === null ? [] : ['--base', await findBase(git, target)];
  const create = ['pr', 'create', '--head', name, ...base, '--title', pullRequest.title];
  const pushCommand = `git push ${words(['--', remote, `${branch}:refs/heads/${name}`])}`;
  const createCommand = `gh ${words([...create, '--fill'])}`;
  const gh = (args: readonly string[], input = '') => runGh(git.directory, environment, args, input);
  if ((await gh(['--version'])).exitCode !== 0)
    throw new Undelivered(`gh was not found, so no pull request was opened; the results are on ${branch}.`, [
      pushCommand,
      createCommand,
    ]);
  const pushed = await git.attempt(
    [...STALL_LIMIT, 'push', '--quiet', '--', remote, `${tip}:refs/heads/${name}`],
    { hooks: true },
  );
  if (pushed.exitCode !== 0)
    throw new Undelivered(`Pushing to ${remote} failed: ${inOneLine(pushed.stderr)}`, [
      pushCommand,
      createCommand,
    ]);
  const created = await gh([...create, '--body-file', '-'], pullRequest.body);
  // A pull request from an earlier try shows the new commits without further action.
  const url =
    urlIn(created.exitCode === 0 ? created.stdout : '') ??
    urlIn((await gh(['pr', 'view', name, '--json', 'url', '--jq', '.url'])).stdout);
  if (created.exitCode !== 0 && url === undefined)
    throw new Undelivered(`${name} was pushed to ${remote}, but gh said: ${inOneLine(created.stderr)}`, [
      createCommand,
    ]);
  const message = `The results are offered as a pull request: ${url ?? name}.`;
  return { kind: 'pull-request', commit: tip, message, commands: [] };
}

/** Ends a push when the server has sent nothing for a minute. */
const STALL_LIMIT = ['-c', 'http.lowSpeedLimit=1', '-c', 'http.lowSpeedTime=60'];
const GH_TIMEOUT_MS = 120_000;

async function findRemote(git: Git, target: string | null): Promise<string | undefined> {
  const remotes = (await git.run(['remote'])).split('\n');
  const own = target === null ? undefined : await readConfig(git, `branch.${target}.remote`);
  return [own, 'origin', remotes.length === 1 ? remotes[0] : undefined].find(
    (name) => name !== undefined && name !== '' && remotes.includes(name),
  );
}

/** The name of the user's branch at the remote. */
async function findBase(git: Git, target: string): Promise<string> {
  return (await readConfig(git, `branch.${target}.merge`))?.replace(/^refs\/heads\//, '') ?? target;
}

async function readConfig(git: Git, key: string): Promise<string | undefined> {
  const { exitCode, stdout } = await git.attempt(['config', '--get', key]);
  return exitCode === 0 ? stdout.trimEnd() : undefined;
}

async function runGh(
  directory: string,
  environment: Readonly<Record<string, string | undefined>>,
  args: readonly string[],
  input: string,
) {
  const { exitCode, stdout, stderr, message } = await execa('gh', args, {
    cwd: directory,
    env: { ...environment, GH_PROMPT_DISABLED: '1', GH_NO_UPDATE_NOTIFIER: '1' },
    extendEnv: false,
    input,
    reject: false,
    timeout: GH_TIMEOUT_MS,
  });
  return { exitCode: exitCode ?? -1, stdout, stderr: stderr === '' ? (message ?? '') : stderr };
}

function urlIn(text: string): string | undefined {
  return /https?:\/\/\S+/.exec(text)?.[0];
}

function inOneLine(text: string): string {
  return text.trim().split('\n').slice(0, 5).join(' · ');
}

function words(args: readonly string[]): string {
  return args.map(shellQuote).join(' ');
}
