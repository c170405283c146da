import type { TaskId } from '../../domain/task.ts';
import type { Collision } from '../contract/plan.ts';

/** How many pairs of globs are compared in a wave. The list of a wider wave would be too long to help anybody. */
const MAX_COMPARISONS = 100_000;

/** Finds, wave by wave, the tasks whose `touches` overlap, one entry for each set of tasks. */
export function findCollisions(
  waves: readonly (readonly { readonly id: TaskId; readonly touches: readonly string[] }[])[],
): Collision[] {
  return waves.flatMap((tasks, index) => {
    const touchedBy = new Map<string, Set<TaskId>>();
    for (const { id, touches } of tasks) {
      for (const path of touches) touchedBy.set(path, (touchedBy.get(path) ?? new Set()).add(id));
    }
    return collisionsOf(touchedBy).map((collision) => ({ wave: index + 1, ...collision }));
  });
}

function collisionsOf(touchedBy: ReadonlyMap<string, ReadonlySet<TaskId>>): Omit<Collision, 'wave'>[] {
  const paths = [...touchedBy.keys()];
  const compare = paths.length ** 2 <= MAX_COMPARISONS;
  const byTasks = new Map<string, { tasks: TaskId[]; paths: string[] }>();
  for (const path of paths) {
    const tasks = new Set(touchedBy.get(path));
    for (const other of compare ? paths : []) {
      if (other !== path && globsOverlap(path, other))
        for (const id of touchedBy.get(other) ?? []) tasks.add(id);
    }
    if (tasks.size < 2) continue;
    const key = [...tasks].sort().join(' ');
    const collision = byTasks.get(key);
    if (collision === undefined) byTasks.set(key, { tasks: [...tasks], paths: [path] });
    else collision.paths.push(path);
  }
  return [...byTasks.values()];
}

/**
 * Whether some path could match both globs: `*`, `?`, `**`, `[…]` and `{a,b}`; a folder stands for all that is in it.
 *
 * In doubt the answer is yes, since it is used to warn.
 */
export function globsOverlap(a: string, b: string): boolean {
  const others = alternatives(b).map(segmentsOf);
  return alternatives(a)
    .map(segmentsOf)
    .some((one) => others.some((other) => sequencesOverlap(one, other, '**', namesOverlap)));
}

/** More alternatives than this are treated as one that matches anything. */
const MAX_ALTERNATIVES = 64;

function alternatives(glob: string): string[] {
  const done: string[] = [];
  const open = [glob];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const braces = /\{([^{}]*)\}/.exec(next);
    if (braces === null) done.push(next);
    else {
      const [whole, choices = ''] = braces;
      for (const choice of choices.split(',')) {
        open.push(next.slice(0, braces.index) + choice + next.slice(braces.index + whole.length));
      }
    }
    if (done.length + open.length > MAX_ALTERNATIVES) return [glob.replace(/\{.*\}/, '**')];
  }
  return done;
}

function segmentsOf(glob: string): string[] {
  const segments = glob.split('/').filter((segment) => segment !== '' && segment !== '.');
  const last = segments.at(-1);
  const isFolder = glob.endsWith('/') || last === undefined || !/[.*?[\]]/.test(last);
  return isFolder ? [...segments, '**'] : segments;
}

function namesOverlap(a: string, b: string): boolean {
  return sequencesOverlap(
    charactersOf(a),
    charactersOf(b),
    '*',
    (one, other) => one === other || one === '?' || other === '?',
  );
}

/** A character class is treated as any character. */
function charactersOf(name: string): string[] {
  return Array.from(name.replace(/\[[^\]]*\]/g, '?').replace(/\*+/g, '*'));
}

/** Whether two patterns over elements, in which `many` stands for any number of them, have a sequence in common. */
function sequencesOverlap(
  a: readonly string[],
  b: readonly string[],
  many: string,
  overlap: (one: string, other: string) => boolean,
): boolean {
  // after[j]: whether what follows a's current element has a sequence in common with b from j on.
  let after = b.map((_, j) => b.slice(j).every((element) => element === many)).concat(true);
  for (const one of [...a].reverse()) {
    const here: boolean[] = [];
    here[b.length] = one === many && after[b.length] === true;
    for (let j = b.length - 1; j >= 0; j--) {
      const other = b[j] ?? '';
      if (one === many || other === many) here[j] = after[j] === true || here[j + 1] === true;
      else here[j] = after[j + 1] === true && overlap(one, other);
    }
    after = here;
  }
  return after[0] === true;
}
