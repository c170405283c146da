import { isAbsolute, relative, resolve, sep } from 'node:path';
import type { Git } from '../git/git.ts';

/** What a worker must not change, wherever in the repository it is and in whatever case it is written. */
export interface Guarded {
  /** Files and folders in lower case; `everywhere`: in any folder. */
  readonly plain: readonly { readonly path: string; readonly everywhere: boolean }[];
  /** For git, where something in it stands for many names. */
  readonly pathspecs: readonly string[];
}

/** Finds it for these globs. Some disks make no difference of cases. Hooks that the repository has within itself belong to it. */
export async function guardedPaths(git: Git, globs: readonly string[]): Promise<Guarded> {
  const hooks = await hooksFolder(git);
  const found = globs.flatMap((glob) => {
    const path = glob.replace(/^(\.?\/)+/, '').replace(/(\/\*\*)?\/*$/, '');
    if (path === '') return [];
    return { path, everywhere: !isAbsolute(glob) && !path.includes('/') };
  });
  const isPlain = ({ path }: { readonly path: string }): boolean => !/[*?[\\]/.test(path);
  return {
    plain: [
      ...found.filter(isPlain),
      ...(hooks === undefined ? [] : [{ path: hooks, everywhere: false }]),
    ].map(({ path, everywhere }) => ({ path: lowerCase(path), everywhere })),
    pathspecs: found
      .filter((one) => !isPlain(one))
      .flatMap(({ path, everywhere }) => (everywhere ? [path, `**/${path}`] : [path]))
      .flatMap((path) => [`:(top,glob,icase)${path}`, `:(top,glob,icase)${path}/**`]),
  };
}

/** Whether a file is one of those that are named without anything that stands for many names. */
export function isGuarded({ plain }: Guarded, file: string): boolean {
  const name = lowerCase(file);
  return plain.some(
    ({ path, everywhere }) =>
      `${name}/`.startsWith(`${path}/`) || (everywhere && `/${name}/`.includes(`/${path}/`)),
  );
}

/** As git does it: it leaves letters beyond ASCII as they are. */
function lowerCase(text: string): string {
  return text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

async function hooksFolder(git: Git): Promise<string | undefined> {
  // With the user's own hooks in force, or the answer would be where ours are switched off to.
  const [configured, top] = await Promise.all([
    git.attempt(['config', '--type=path', '--get', 'core.hooksPath'], { hooks: true }),
    git.run(['rev-parse', '--show-toplevel']),
  ]);
  const path = configured.stdout.trim();
  if (path === '') return undefined;
  const inside = relative(top, resolve(top, path)).split(sep);
  // husky's is generated and calls those beside it.
  if (inside.at(-1) === '_') inside.pop();
  return inside[0] === '..' || inside.join('') === '' ? undefined : inside.join('/');
}
