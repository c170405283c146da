import type { Delivery } from '../../domain/event.ts';
import { holderOf } from './to-checkout.ts';
import type { Git } from '../git/git.ts';
import { Left, takeCommand, type Taking } from './undelivered.ts';
import { isAncestor } from '../git/merge.ts';
import { componentOf, shortRef } from '../git/ref-names.ts';
import { shellQuote } from '../../domain/text/shell-quote.ts';

/** Puts the results on a branch that is there for them, `orchestrator-main` for those of `main`; only ever forwards. */
export async function toBranchOfItsOwn(
  git: Git,
  options: Taking & { readonly target: string | null; readonly tip: string },
): Promise<Delivery> {
  const { integrationRef, target, tip } = options;
  const name = `orchestrator-${componentOf(target)}`;
  const ref = `refs/heads/${name}`;
  const holder = await holderOf(git, ref);
  if (holder !== undefined)
    throw new Left(`The branch ${name} is checked out in ${holder}.`, [
      takeCommand(options, { directory: holder }),
    ]);
  const from = await git.commitAt(ref);
  const isForward = from === undefined || (await isAncestor(git, from, tip));
  const args = ['update-ref', '-m', 'orchestrator: deliver', ref, tip, from ?? ''];
  const moved = isForward ? await git.exclusive(() => git.attempt(args)) : undefined;
  if (moved?.exitCode !== 0)
    throw new Left(
      isForward
        ? `The branch ${name} could not be made: ${moved?.stderr.trim() ?? ''}`
        : `The branch ${name} has commits that are not among the results, so it was not moved.`,
      [`git branch -- ${shellQuote(`${name}-${tip.slice(0, 8)}`)} ${shellQuote(shortRef(integrationRef))}`],
    );
  const take = takeCommand({ ...options, integrationRef: ref });
  return { kind: 'branch', commit: tip, message: `The results are on the branch ${name}.`, commands: [take] };
}
