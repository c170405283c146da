import { Failed } from '../../domain/failure.ts';
import { GitFailed, type Git } from '../git/git.ts';
import type { LandingRequest } from '../workspace.ts';

/** How the user has git make commits. */
export interface CommitSettings {
  readonly sign: boolean;
  /** The line that `format.signOff` asks for; empty where it does not. */
  readonly signedOffBy: string;
}

/** Reads `commit.gpgSign` and `format.signOff`. */
export async function readCommitSettings(git: Git): Promise<CommitSettings> {
  const isOn = async (key: string): Promise<boolean> =>
    (await git.attempt(['config', '--type=bool', '--get', key])).stdout.trim() === 'true';
  const [sign, signOff] = await Promise.all([isOn('commit.gpgSign'), isOn('format.signOff')]);
  if (!signOff) return { sign, signedOffBy: '' };
  const { exitCode, stdout, stderr } = await git.attempt(['var', 'GIT_COMMITTER_IDENT']);
  if (exitCode !== 0)
    throw explain(new GitFailed(['var', 'GIT_COMMITTER_IDENT'], { exitCode, stdout, stderr }));
  return { sign, signedOffBy: `Signed-off-by: ${stdout.replace(/>.*$/s, '>')}` };
}

/**
 * Makes a commit in the user's name, signed where they want that: never an unsigned one instead. Throws `Failed` where
 * git has no identity or cannot sign.
 */
export async function commitAsUser(
  git: Git,
  settings: CommitSettings,
  { tree, parents, message }: { tree: string; parents: readonly string[]; message: string },
): Promise<string> {
  const args = [
    '-c',
    'i18n.commitEncoding=UTF-8',
    'commit-tree',
    ...(settings.sign ? ['-S'] : []),
    ...parents.flatMap((parent) => ['-p', parent]),
    tree,
  ];
  const result = await git.attempt(args, { input: message });
  if (result.exitCode !== 0) throw explain(new GitFailed(args, result));
  return result.stdout.trimEnd();
}

/** The message of the commit by which a task lands: its title, the worker's summary, and whose it is. */
export function landingMessage(
  { task, attempt, summary }: LandingRequest,
  prefix: string,
  { signedOffBy }: CommitSettings,
): string {
  const title = oneLine(task.title);
  const trailers = [
    `Orchestrator-Task: ${task.id}`,
    `Orchestrator-Run: ${attempt.runId}`,
    `Orchestrator-Attempt: ${attempt.id}`,
    ...(signedOffBy === '' ? [] : [signedOffBy]),
  ];
  const body = plain(summary).split('\n').map(wrap).join('\n').trim();
  return [
    `${prefix}${title === '' ? `Task ${task.id}` : title}`.trim(),
    ...(body === '' ? [] : [body]),
    `${trailers.join('\n')}\n`,
  ].join('\n\n');
}

const WIDTH = 72;

function oneLine(text: string): string {
  return plain(text).replace(/\s+/g, ' ').trim();
}

/** Without what could make a terminal or a reader show something else than what is there. */
function plain(text: string): string {
  return (
    text
      .replace(/\r\n?/g, '\n')
      .replace(ESCAPE_SEQUENCE, '')
      // Those that reverse the order of what follows.
      .replace(/[\u202A-\u202E\u2066-\u2069]/g, '')
      .replace(/(?![\n\t])\p{Cc}/gu, '')
  );
}

const ESCAPE_SEQUENCE = new RegExp(
  String.raw`\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?)`,
  'g',
);

/** Breaks a long line between words; code and tables, which begin with a space or a mark, stay as they are. */
function wrap(line: string): string {
  const text = line.trimEnd();
  if (text.length <= WIDTH || /^[\s|`]/.test(text)) return text;
  const lines = [''];
  for (const word of text.split(' ')) {
    const current = lines.at(-1) ?? '';
    if (current !== '' && current.length + 1 + word.length > WIDTH) lines.push(word);
    else lines[lines.length - 1] = current === '' ? word : `${current} ${word}`;
  }
  return lines.join('\n');
}

/** What a person can act on, as such. */
function explain(failed: GitFailed): Error {
  const said = failed.stderr.trim();
  if (/tell me who you are|empty ident|no email was given|no name was given|auto-detect/i.test(said))
    return new Failed(
      {
        reason: 'repository-unusable',
        message: 'Git does not know in whose name to commit.',
        fix: 'git config --global user.name "Your Name" && git config --global user.email you@example.com',
      },
      { cause: failed },
    );
  if (/sign|gpg|secret key/i.test(said))
    return new Failed(
      {
        reason: 'repository-unusable',
        message: `Git could not sign a commit, and none was made without a signature: ${said}`,
        fix: 'Make `git commit-tree -S -m test HEAD^{tree}` work without a question, or set commit.gpgSign to false.',
      },
      { cause: failed },
    );
  return failed;
}
