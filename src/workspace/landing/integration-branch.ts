import { commitAsUser, readCommitSettings, recordCommit, type CommitSettings } from '../git/commit.ts';
import { GitFailed, type Git, type GitResult } from '../git/git.ts';
import { isAncestor, mergeTrees } from '../git/merge.ts';
import { INTEGRATION_REFS, integrationRef, landedRef } from '../git/ref-names.ts';
import type { Change, ChangeText, LandingRequest } from '../workspace.ts';
import { findChange, findProtectedPaths, type ProtectedPaths } from './change.ts';
import { readDiff } from './diff-text.ts';
import { planSync, type SyncPlan } from './integration-sync.ts';
import { landingMessage } from './landing-message.ts';

/** The branch that results are for, and how their commits are named. */
export interface IntegrationOptions {
  /** Short name of the user's branch; null where HEAD is detached. */
  readonly branch: string | null;
  /** How messages of landing commits begin. */
  readonly prefix: string;
}

/** A change merged with the tip, in the object database only. */
export type MergedChange =
  | {
      readonly kind: 'combined';
      readonly tree: string;
      readonly onto: string;
      /** Has the tree, with the change and the tip as parents; null where the change is based on the tip already. */
      readonly commit: string | null;
    }
  | { readonly kind: 'conflict'; readonly onto: string; readonly files: readonly string[] };

/**
 * Checks that work could land, before anybody is paid for it. Throws `Failed` where the branch cannot be brought up to
 * date or no commit can be made in the user's name. Moves no ref.
 */
export async function prepareIntegration(
  git: Git,
  branch: string | null,
): Promise<SyncPlan & { readonly settings: CommitSettings }> {
  const settings = await readCommitSettings(git);
  // This commit only tests the signature. No ref has it.
  if (settings.sign)
    await commitAsUser(git, settings, { tree: 'HEAD^{tree}', parents: [], message: 'Can it be signed?\n' });
  return { settings, ...(await planSync(git, branch, settings)) };
}

/** The branch on which changes land, each as one commit. It is checked out nowhere. */
export class IntegrationBranch {
  /** The full name of its ref. */
  readonly ref: string;
  /** What people should know about the difference to their branch. */
  readonly notes: readonly string[];
  readonly #git: Git;
  readonly #options: IntegrationOptions;
  readonly #settings: CommitSettings;
  #tip: string;
  readonly #protected = new Map<string, Promise<ProtectedPaths>>();
  /** The current tip and those before it, as far as each landed on the one before. */
  readonly #tips: Set<string>;

  private constructor(
    git: Git,
    options: IntegrationOptions,
    settings: CommitSettings,
    { tip, notes }: { tip: string; notes: readonly string[] },
  ) {
    this.#git = git;
    this.#options = options;
    this.#settings = settings;
    this.ref = integrationRef(options.branch);
    this.notes = notes;
    this.#tip = tip;
    this.#tips = new Set([tip]);
  }

  /** Brings the branch up to date with the user's HEAD, or creates it; throws `Failed` where a person has to. */
  static async open(git: Git, options: IntegrationOptions): Promise<IntegrationBranch> {
    const { settings, moves, ...begun } = await prepareIntegration(git, options.branch);
    for (const move of moves) await git.run(['update-ref', ...move]);
    return new IntegrationBranch(git, options, settings, begun);
  }

  /** Returns the newest commit of the branch. */
  async tip(): Promise<string> {
    const found = await this.#git.commitAt(this.ref);
    if (found === this.#tip) return found;
    // Unless this commit has just landed, somebody else has moved the branch.
    if (found === undefined || !this.#tips.has(found)) this.#tips.clear();
    if (found !== undefined) return this.#advance(found);
    // Somebody has deleted the branch in the middle of a run, such as in a clean-up. That must not undo what landed.
    await this.#git.run(['update-ref', this.ref, this.#tip, '']);
    return this.#advance(this.#tip);
  }

  /**
   * Whether a commit is part of any integration branch: the user may have been on another branch when it landed. False
   * where the commit does not exist.
   */
  async contains(commit: string): Promise<boolean> {
    if ((await this.#git.commitAt(commit)) === undefined) return false;
    await this.tip();
    const holders = ['for-each-ref', '--count=1', '--contains', commit, INTEGRATION_REFS];
    return (await this.#git.run(holders)) !== '';
  }

  /** Finds what a captured commit changes; `protectedPaths` are globs of files that a worker must not change. */
  async changeOf(
    commit: string,
    protectedPaths: readonly string[],
    copied: ReadonlySet<string> = new Set(),
  ): Promise<Change> {
    const key = protectedPaths.join('\0');
    const found = this.#protected.get(key) ?? findProtectedPaths(this.#git, protectedPaths);
    this.#protected.set(key, found);
    // After a failure, the next call asks again.
    found.catch(() => this.#protected.delete(key));
    return findChange(this.#git, commit, await this.#baseOf(commit), {
      protectedPaths: await found,
      fromCheckout: copied,
    });
  }

  /** Finds the newest commit of the branch that a commit contains. */
  async #baseOf(commit: string): Promise<string> {
    // Most workers add only a few commits to the tip that they began at.
    for (let at = commit, steps = 0; steps < MAX_STEPS; steps++) {
      if (this.#tips.has(at)) return at;
      const [parent, second] = await Promise.all([this.#git.find(`${at}^1`), this.#git.find(`${at}^2`)]);
      if (parent === undefined || second !== undefined) break;
      at = parent;
    }
    return await this.#git.run(['merge-base', this.#tip, commit]);
  }

  #advance(tip: string): string {
    this.#tips.add(tip);
    return (this.#tip = tip);
  }

  /** Merges a change with the tip without touching a file. */
  async merge({ commit, tree, base }: Pick<Change, 'commit' | 'tree' | 'base'>): Promise<MergedChange> {
    // Only this process moves the branch. If somebody else does, landing notices.
    const onto = this.#tip;
    if (base === onto) return { kind: 'combined', tree, onto, commit: null };
    const merged = await mergeTrees(this.#git, onto, commit);
    if (merged.kind === 'conflict') return { ...merged, onto };
    const message = 'Merge what landed meanwhile\n';
    const both = await recordCommit(this.#git, { tree: merged.tree, parents: [commit, onto], message });
    return { kind: 'combined', tree: merged.tree, onto, commit: both };
  }

  /**
   * Moves the branch from `onto` to a new commit of the tree, after `intend` has recorded that commit. Undefined where
   * the branch is not at `onto` any more. Throws `Failed` where git cannot commit in the user's name.
   */
  async land(request: LandingRequest, intend: (commit: string) => void): Promise<string | undefined> {
    const { tree, onto } = request;
    const message = landingMessage(request, this.#options.prefix, this.#settings);
    const commit = await commitAsUser(this.#git, this.#settings, { tree, parents: [onto], message });
    intend(commit);
    this.#tips.add(commit);
    // A second ref moves in the same transaction, so that what landed stays reachable if somebody deletes the branch.
    const moves = [
      `update ${this.ref} ${commit} ${onto}`,
      `update ${landedRef(this.#options.branch)} ${commit}`,
    ];
    const move = (): Promise<GitResult> => this.#git.tryMoveRefs(moves).catch(asResult);
    let moved = await move();
    if (moved.exitCode !== 0 && (await this.tip()) === onto) moved = await move();
    if (moved.exitCode === 0) return this.#advance(commit);
    const tip = await this.tip();
    if (tip === onto) throw new GitFailed(['update-ref', '--stdin', ...moves], moved);
    return tip === commit ? commit : undefined;
  }

  /** Returns the text of a change, or of what was added since an earlier commit of the same task. */
  async read(
    change: Change,
    { since, maxBytes }: { readonly since: string | null; readonly maxBytes: number },
  ): Promise<ChangeText> {
    const from = since === null ? change.base : await this.#rebase(since, change.base);
    return readDiff(this.#git, from, change.commit, maxBytes);
  }

  /** An earlier commit as it would be on a newer base, because the task has not made what others landed meanwhile. */
  async #rebase(commit: string, base: string): Promise<string> {
    if (await isAncestor(this.#git, base, commit)) return commit;
    const merged = await mergeTrees(this.#git, base, commit);
    return merged.kind === 'clean' ? merged.tree : commit;
  }
}

const MAX_STEPS = 10;

/** A git that was killed has no exit code, and may have moved the refs before it ended. */
function asResult(error: unknown): GitResult {
  if (!(error instanceof GitFailed)) throw error;
  return { exitCode: error.exitCode, stdout: '', stderr: error.stderr };
}
