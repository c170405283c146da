/** What models say for the words that they are asked for, the first of these that is among those; never by likeness. */
const MEANINGS: readonly (readonly [words: string, meant: readonly string[]])[] = [
  ['urgent critical blocker highest severe must p0', ['critical', 'blocker', 'high']],
  ['high important major p1', ['high', 'major']],
  ['medium normal moderate mid average p2', ['medium', 'M']],
  ['low lowest minor trivial optional nit info p3 p4', ['low', 'minor']],
  ['small tiny xs', ['S']],
  ['large big', ['L']],
  ['huge xxl extra-large', ['XL']],
  ['approve accept accepted pass passed lgtm', ['approved']],
  ['reject fail failed', ['rejected']],
];

/** The one of `words` that a model meant; undefined where that is not certain. */
export function matchWord(said: string, words: readonly string[]): string | undefined {
  const plain = said
    .trim()
    .toLowerCase()
    .replace(/[\s_]+/g, '-');
  const same = words.find((word) => word.toLowerCase() === plain);
  if (same !== undefined) return same;
  const meant = MEANINGS.find(([forms]) => forms.split(' ').includes(plain))?.[1] ?? [];
  return meant.find((word) => words.includes(word));
}
