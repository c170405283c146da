import { randomUUID } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Failed } from '../../domain/failure.ts';
import { GitFailed, type Git } from './git.ts';

const [NAME, EMAIL] = ['claude-orchestrator', 'claude-orchestrator@localhost'];

/** The identity of commits that are the tool's own records. */
export const OWN_IDENTITY: Readonly<Record<string, string>> = {
  GIT_AUTHOR_NAME: NAME,
  GIT_AUTHOR_EMAIL: EMAIL,
  GIT_COMMITTER_NAME: NAME,
  GIT_COMMITTER_EMAIL: EMAIL,
};

/** Makes a commit in the tool's own name; `tree` and `parents` are ids. */
export async function recordCommit(
  git: Git,
  record: { readonly tree: string; readonly parents: readonly string[]; readonly message: string },
): Promise<string> {
  const { tree, parents, message } = record;
  const who = `${NAME} <${EMAIL}> ${Math.floor(Date.now() / 1000)} +0000`;
  const lines = [`tree ${tree}`, ...parents.map((id) => `parent ${id}`), `author ${who}`, `committer ${who}`];
  const file = join(tmpdir(), `claude-orchestrator-${randomUUID()}`);
  try {
    await writeFile(file, `${lines.join('\n')}\n\n${message}`, { flag: 'wx', mode: 0o600 });
    return await git.writeCommit(file);
  } catch {
    // The temporary directory may be full. `git commit-tree` takes longer, and says what is wrong with the commit.
    const args = ['commit-tree', tree, ...parents.flatMap((id) => ['-p', id])];
    return await git.run(['-c', 'i18n.commitEncoding=UTF-8', ...args], {
      input: message,
      environment: OWN_IDENTITY,
    });
  } finally {
    await rm(file, { force: true });
  }
}

/** The user's git settings for commits. */
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
 * Makes a commit in the user's name. If the user wants signatures, an unsigned commit is never made instead. Throws
 * `Failed` where git has no identity or cannot sign.
 */
export async function commitAsUser(
  git: Git,
  settings: CommitSettings,
  { tree, parents, message }: { tree: string; parents: readonly string[]; message: string },
): Promise<string> {
  const options = [...(settings.sign ? ['-S'] : []), ...parents.flatMap((parent) => ['-p', parent])];
  const args = ['-c', 'i18n.commitEncoding=UTF-8', 'commit-tree', ...options, tree];
  const result = await git.attempt(args, { input: message });
  if (result.exitCode !== 0) throw explain(new GitFailed(args, result));
  return result.stdout.trimEnd();
}

/** Turns failures that a person can fix into `Failed`. */
function explain(failed: GitFailed): Error {
  const said = failed.stderr.trim();
  const because = (message: string, fix: string): Failed =>
    new Failed({ reason: 'repository-unusable', message, fix }, { cause: failed });
  if (/tell me who you are|empty ident|no email was given|no name was given|auto-detect/i.test(said))
    return because(
      'Git does not know in whose name to commit.',
      'git config --global user.name "Your Name" && git config --global user.email you@example.com',
    );
  if (/sign|gpg|secret key/i.test(said))
    return because(
      `Git could not sign a commit, and none was made without a signature: ${said}`,
      'Make `git commit-tree -S -m test HEAD^{tree}` work without a question, or set commit.gpgSign to false.',
    );
  return failed;
}
