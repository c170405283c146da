import { readDiff } from './diff-text.ts';
import { findChange, findProtectedPaths, type ProtectedPaths } from './change.ts';
import { GitFailed, type Git, type GitResult } from '../git/git.ts';
import { landingMessage } from './landing-message.ts';
import { isAncestor, mergeTrees } from '../git/merge.ts';
import { commitAsUser, readCommitSettings, recordCommit, type CommitSettings } from '../git/commit.ts';
import { INTEGRATION_REFS, integrationRef, landedRef } from '../git/ref-names.ts';
import { planSync, type SyncPlan } from './integration-sync.ts';
import type { Change, ChangeText, LandingRequest } from '../workspace.ts';

/** Whose results come together, and how their commits are called. */
export interface IntegrationOptions {
  /** Short name of the user's branch; null where HEAD is detached. */
  readonly branch: string | null;
  /** What messages of landing commits begin with. */
  readonly prefix: string;
}

/** A change merged onto the tip, in the object database only. */
export type Merge =
  | {
      readonly kind: 'combined';
      readonly tree: string;
      readonly onto: string;
      /** Holds the tree, and has the change and the tip as parents; null where the change stands on the tip already. */
      readonly commit: string | null;
    }
  | { readonly kind: 'conflict'; readonly onto: string; readonly files: readonly string[] };

/**
 * What comes before anybody is paid for work that could not land: throws `Failed` where the branch cannot be brought up
 * to date, or no commit can be made in the user's name. Moves no ref.
 */
export async function prepareIntegration(
  git: Git,
  branch: string | null,
): Promise<SyncPlan & { readonly settings: CommitSettings }> {
  const settings = await readCommitSettings(git);
  // Nothing refers to this commit.
  if (settings.sign)
    await commitAsUser(git, settings, { tree: 'HEAD^{tree}', parents: [], message: 'Can it be signed?\n' });
  return { settings, ...(await planSync(git, branch, settings)) };
}

/** The branch on which finished tasks come together, each as one commit. It is checked out nowhere. */
export class IntegrationBranch {
  /** The full name of its ref. */
  readonly ref: string;
  /** What people should know about how it stands to their branch. */
  readonly notes: readonly string[];
  readonly #git: Git;
  readonly #options: IntegrationOptions;
  readonly #settings: CommitSettings;
  #tip: string;
  readonly #protected = new Map<string, Promise<ProtectedPaths>>();
  /** Tips that each came to be by landing on the one before; the last one is the tip. */
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

  /** Brings the branch up to date with the user's HEAD, or makes it; throws `Failed` where only a person can do that. */
  static async open(git: Git, options: IntegrationOptions): Promise<IntegrationBranch> {
    const { settings, moves, ...begun } = await prepareIntegration(git, options.branch);
    for (const move of moves) await git.run(['update-ref', ...move]);
    return new IntegrationBranch(git, options, settings, begun);
  }

  /** The newest commit of the branch. */
  async tip(): Promise<string> {
    const found = await this.#git.commitAt(this.ref);
    if (found === this.#tip) return found;
    // Unless it has landed just now, somebody else has moved it.
    if (found === undefined || !this.#tips.has(found)) this.#tips.clear();
    if (found !== undefined) return this.#moveOn(found);
    // What landed is in nobody's way: a clean-up of branches in the middle of a run must not undo it.
    await this.#git.run(['update-ref', this.ref, this.#tip, '']);
    return this.#moveOn(this.#tip);
  }

  /**
   * Whether a commit is part of the branch, or of that for another branch of the user's, who may have been on that one
   * when it landed; one that does not exist is not.
   */
  async contains(commit: string): Promise<boolean> {
    if ((await this.#git.commitAt(commit)) === undefined) return false;
    await this.tip();
    const holders = ['for-each-ref', '--count=1', '--contains', commit, INTEGRATION_REFS];
    return (await this.#git.run(holders)) !== '';
  }

  /** What a captured commit changes; `protectedPaths` are globs of files that a worker must not change. */
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

  /** The newest commit of the branch that a commit contains. */
  async #baseOf(commit: string): Promise<string> {
    // Most workers add a commit or a few to what was the tip when they began.
    for (let at = commit, steps = 0; steps < NEAR; steps++) {
      if (this.#tips.has(at)) return at;
      const [parent, second] = await Promise.all([this.#git.find(`${at}^1`), this.#git.find(`${at}^2`)]);
      if (parent === undefined || second !== undefined) break;
      at = parent;
    }
    return await this.#git.run(['merge-base', this.#tip, commit]);
  }

  #moveOn(tip: string): string {
    this.#tips.add(tip);
    return (this.#tip = tip);
  }

  /** Merges a change onto the tip, without touching any file. */
  async merge({ commit, tree, base }: Pick<Change, 'commit' | 'tree' | 'base'>): Promise<Merge> {
    // We alone move the branch. Should somebody else have, landing finds out.
    const onto = this.#tip;
    if (base === onto) return { kind: 'combined', tree, onto, commit: null };
    const merged = await mergeTrees(this.#git, onto, commit);
    if (merged.kind === 'conflict') return { ...merged, onto };
    const message = 'Merge what landed meanwhile\n';
    const both = await recordCommit(this.#git, { tree: merged.tree, parents: [commit, onto], message });
    return { kind: 'combined', tree: merged.tree, onto, commit: both };
  }

  /**
   * Moves the branch from `onto` to a new commit of the tree, after `intend` has written that commit down. Undefined
   * where the branch is not at `onto` any more. Throws `Failed` where git cannot commit in the user's name.
   */
  async land(request: LandingRequest, intend: (commit: string) => void): Promise<string | undefined> {
    const { tree, onto } = request;
    const message = landingMessage(request, this.#options.prefix, this.#settings);
    const commit = await commitAsUser(this.#git, this.#settings, { tree, parents: [onto], message });
    intend(commit);
    this.#tips.add(commit);
    // In one transaction with a second name, so that no clean-up of branches makes what landed unreachable.
    const moves = [
      `update ${this.ref} ${commit} ${onto}`,
      `update ${landedRef(this.#options.branch)} ${commit}`,
    ];
    const move = (): Promise<GitResult> => this.#git.tryMoveRefs(moves).catch(asResult);
    let moved = await move();
    if (moved.exitCode !== 0 && (await this.tip()) === onto) moved = await move();
    if (moved.exitCode === 0) return this.#moveOn(commit);
    const tip = await this.tip();
    if (tip === onto) throw new GitFailed(['update-ref', '--stdin', ...moves], moved);
    return tip === commit ? commit : undefined;
  }

  /** The text of a change, or of what came to it since an earlier commit of the same task. */
  async read(
    change: Change,
    { since, maxBytes }: { readonly since: string | null; readonly maxBytes: number },
  ): Promise<ChangeText> {
    const from = since === null ? change.base : await this.#carry(since, change.base);
    return readDiff(this.#git, from, change.commit, maxBytes);
  }

  /** An earlier commit as it would be on a newer base: what others landed meanwhile is not the task's doing. */
  async #carry(commit: string, base: string): Promise<string> {
    if (await isAncestor(this.#git, base, commit)) return commit;
    const merged = await mergeTrees(this.#git, base, commit);
    return merged.kind === 'clean' ? merged.tree : commit;
  }
}

const NEAR = 10;

/** A git that was killed has no exit code, and may have done what it was asked all the same. */
function asResult(error: unknown): GitResult {
  if (!(error instanceof GitFailed)) throw error;
  return { exitCode: error.exitCode, stdout: '', stderr: error.stderr };
}
