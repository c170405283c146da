/**
 * Whether some path could match both globs: `*`, `?`, `**`, `[…]` and `{a,b}`; a folder stands for all that is in it.
 *
 * Errs towards yes, since it is used to warn.
 */
export function globsOverlap(a: string, b: string): boolean {
  const others = alternatives(b).map(segmentsOf);
  return alternatives(a)
    .map(segmentsOf)
    .some((one) => others.some((other) => sequencesOverlap(one, other, '**', namesOverlap)));
}

/** More alternatives than this are not told apart. */
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

/** A character class counts as any character. */
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
