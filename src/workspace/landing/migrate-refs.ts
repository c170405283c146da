import { join } from 'node:path';
import type { Git } from '../git/git.ts';
import { isAncestor } from '../git/merge.ts';
import {
  deliveredRef,
  integrationRef,
  landedRef,
  OWN_REFS,
  ownerOfWork,
  shortRef,
} from '../git/ref-names.ts';

/**
 * Moves the refs that an earlier version has made to their new names. The old ones were among the user's branches and
 * could collide with them. `slots` is the folder of the tool's worktrees. Returns what people should know.
 */
export async function migrateRefs(git: Git, slots: string): Promise<string[]> {
  const format = '%(refname)%00%(objectname)%00%(worktreepath)%00%(contents)%00';
  const listed = await git.run(['for-each-ref', `--format=${format}`, ...OLD_PLACES]);
  if (listed === '') return [];
  const fields = listed.split('\0').map((field) => field.replace(/^\n/, ''));
  const found = Array.from({ length: Math.floor(fields.length / 4) }, (_, index) => {
    const [ref = '', commit = '', checkedOut = '', message = ''] = fields.slice(index * 4, index * 4 + 4);
    return { ref, commit, checkedOut, message };
  });
  const input: string[] = [];
  const notes: string[] = [];
  let branches = 0;
  for (const old of found) {
    const to = renameRef(old.ref);
    if (to === undefined || !(await isOurs(git, old, to))) continue;
    const isSlot = old.checkedOut.startsWith(join(slots, '/'));
    if (isSlot)
      await git.run(['update-ref', '--no-deref', 'HEAD', old.commit], { directory: old.checkedOut });
    const isUsers = old.checkedOut !== '' && !isSlot;
    input.push(...(await commandsFor(git, old, to, isUsers)));
    if (isUsers)
      notes.push(
        `${shortRef(old.ref)}, of an earlier version, stays: it is checked out in ${old.checkedOut}.`,
      );
    else if (old.ref.startsWith(BRANCHES)) branches++;
  }
  if (input.length > 0)
    await git.exclusive(() => git.run(['update-ref', '--stdin'], { input: input.join('') }));
  if (branches > 0)
    notes.push(
      `${branches === 1 ? 'A branch' : `${branches} branches`} of an earlier version (orchestrator/…) moved to ` +
        `${OWN_REFS}, out of the way of yours.`,
    );
  return notes;
}

interface OldRef {
  readonly ref: string;
  readonly commit: string;
  /** The worktree in which it is checked out; empty where there is none. */
  readonly checkedOut: string;
  readonly message: string;
}

const BRANCHES = 'refs/heads/orchestrator/';
const OLD = {
  integration: `${BRANCHES}integration/`,
  landed: `${OWN_REFS}landed/`,
  delivered: `${OWN_REFS}delivered/`,
} as const;
const OLD_PLACES = [BRANCHES, OLD.landed, OLD.delivered];

function renameRef(ref: string): string | undefined {
  const after = (place: string): string | null => {
    const name = ref.slice(place.length);
    return name === 'detached' ? null : name;
  };
  if (ref.startsWith(OLD.integration)) return integrationRef(after(OLD.integration));
  if (ref.startsWith(OLD.delivered)) return deliveredRef(after(OLD.delivered));
  if (ref.startsWith(OLD.landed)) {
    const name = after(OLD.landed);
    return landedRef(name === null ? null : decode(name));
  }
  const name = ref.slice('refs/heads/'.length);
  return ownerOfWork(name) === undefined ? undefined : `refs/${name}`;
}

function decode(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}

/**
 * Whether the tool has made a ref; by now, a person may have made a branch of such a name. An integration branch is the
 * tool's if its message says so or it has no commits of its own, and if no branch has the new name yet.
 */
async function isOurs(git: Git, { ref, commit, message }: OldRef, to: string): Promise<boolean> {
  if (!ref.startsWith(OLD.integration)) return true;
  if ((await git.commitAt(to)) !== undefined) return false;
  if (/^Orchestrator-Run: |^Merge .+ into orchestrator\/integration\//m.test(message)) return true;
  const own = await git.commitAt(`refs/heads/${ref.slice(OLD.integration.length)}`);
  return own !== undefined && (await isAncestor(git, commit, own));
}

/** Returns lines for `git update-ref --stdin`. */
async function commandsFor(git: Git, { ref, commit }: OldRef, to: string, stays: boolean): Promise<string[]> {
  const there = await git.commitAt(to);
  const isTaken = there !== undefined && there !== commit;
  return [
    `update ${isTaken ? `${OWN_REFS}dropped/${commit}` : to} ${commit}\n`,
    ...(stays ? [] : [`delete ${ref} ${commit}\n`]),
  ];
}
