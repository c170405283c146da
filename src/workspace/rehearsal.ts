import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Failed, type Failure } from '../domain/failure.ts';
import { Git, type GitOptions, type GitResult } from './git/git.ts';
import { prepareIntegration } from './landing/integration-branch.ts';
import { orFailed } from './worktrees.ts';

/**
 * Why a run would be refused when it brings its integration branch up to date; undefined where it would not. Does what
 * the run does, but moves no ref, and what it writes is thrown away.
 */
export async function rehearseIntegration(
  directory: string,
  environment: Readonly<Record<string, string | undefined>>,
  branch: string | null,
): Promise<Failure | undefined> {
  try {
    await orFailed(async () => {
      const scratch = await mkdtemp(join(tmpdir(), 'claude-orchestrator-'));
      try {
        const objects = ['rev-parse', '--path-format=absolute', '--git-path', 'objects'];
        const kept = await new Git(directory, environment).run(objects);
        await prepareIntegration(new ScratchGit(directory, environment, { scratch, kept }), branch);
      } finally {
        await rm(scratch, { recursive: true, force: true });
      }
    });
    return undefined;
  } catch (error) {
    if (!(error instanceof Failed)) throw error;
    return error.failure;
  }
}

/** Git whose commands write their objects somewhere else than into the repository, whose own they read. */
class ScratchGit extends Git {
  readonly #objects: Readonly<Record<string, string>>;

  constructor(
    directory: string,
    environment: Readonly<Record<string, string | undefined>>,
    { scratch, kept }: { readonly scratch: string; readonly kept: string },
  ) {
    super(directory, environment);
    this.#objects = {
      GIT_OBJECT_DIRECTORY: scratch,
      GIT_ALTERNATE_OBJECT_DIRECTORIES: `"${kept.replace(/["\\]/g, '\\$&')}"`,
    };
  }

  override attempt(args: readonly string[], options: GitOptions = {}): Promise<GitResult> {
    return super.attempt(args, { ...options, environment: { ...options.environment, ...this.#objects } });
  }
}
