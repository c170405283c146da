import type { LeftOut } from '../workspace/workspace.ts';

/** Each file that is no part of a change, and why, on a line of its own; empty where there is none. */
export function listLeftOut(leftOut: LeftOut | undefined): string {
  return parts(leftOut)
    .map((part) => `- ${part}`)
    .join('\n');
}

/** The same in one sentence, for the user, of work that has landed without them. */
export function describeLeftOut(leftOut: LeftOut | undefined): string {
  const told = parts(leftOut).join('; ');
  return told === ''
    ? ''
    : `Its worker also wrote what is no part of what landed, and is kept (\`recover list\`): ${told}.`;
}

const SHOWN = 5;

function parts(leftOut: LeftOut | undefined): string[] {
  const { files = [], more = 0 } = leftOut ?? {};
  const shown = files.slice(0, SHOWN).map(({ path, why }) => `${path} (${why})`);
  const hidden = files.length - shown.length;
  return [
    ...shown,
    ...(hidden > 0 ? [`${hidden} more`] : []),
    ...(more > 0 ? [`${more} that were too many or too large to be kept`] : []),
  ];
}
