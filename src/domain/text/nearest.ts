/** The one of `names` that `name` was most likely meant to be; undefined if none is near. */
export function nearest(name: string, names: Iterable<string>): string | undefined {
  const wanted = normal(name);
  let best: string | undefined;
  // Two changes turn almost any short word into another: bash into tcsh, todo into foo.
  let least = (wanted.length <= 4 ? 1 : Math.max(2, Math.floor(wanted.length / 3))) + 1;
  for (const candidate of names) {
    const distance = editDistance(wanted, normal(candidate), least);
    if (distance < least) [best, least] = [candidate, distance];
  }
  return best;
}

/** Unifies spellings that people mix up: `maxWorkers`, `max-workers` and `MAX_WORKERS` are the same name. */
function normal(name: string): string {
  return name
    .slice(0, 100)
    .replaceAll(/([a-z])([A-Z])/g, '$1_$2')
    .replaceAll('-', '_')
    .toLowerCase();
}

/** How many insertions, deletions, replacements and swaps of neighbours turn `a` into `b`, but at most `limit`. */
function editDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) >= limit) return limit;
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = at(last, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1);
      let distance = Math.min(replaced, at(last, j) + 1, at(row, j - 1) + 1);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        distance = Math.min(distance, at(beforeLast, j - 2) + 1);
      row.push(distance);
    }
    [beforeLast, last] = [last, row];
  }
  return Math.min(at(last, b.length), limit);
}

function at(row: readonly number[], index: number): number {
  return row[index] ?? Infinity;
}
