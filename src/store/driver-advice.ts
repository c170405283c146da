import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** The line of better-sqlite3 that runs on every Node this program runs on. */
const PACKAGE = 'better-sqlite3@12';

/**
 * What makes SQLite loadable for the installation of this program that `here`, a directory of it, belongs to: the one
 * command that works for this way of installing it, and what works for all. `isMissing` tells a package that npm left
 * out, as it does with an optional one that it cannot build, from one that has no binary for this Node.
 */
export function adviseOnDriver(
  here: string,
  isMissing: boolean,
  exists: (path: string) => boolean = existsSync,
): string {
  const command = repair(here, isMissing, exists);
  const newer = 'Use Node.js 22.13 or newer, which has SQLite built in';
  return command === undefined
    ? `${newer}.`
    : `${newer}; or run \`${command}\`, which says why if it cannot be built (it may need Python 3, make and a C++ compiler).`;
}

function repair(here: string, isMissing: boolean, exists: (path: string) => boolean): string | undefined {
  const home = packageHome(here, exists);
  if (home === undefined) return undefined;
  const modules = dirname(home);
  // A clone, where npm installs what package.json asks for.
  if (basename(modules) !== 'node_modules')
    return npm(isMissing ? 'install' : 'rebuild', `--prefix "${home}"`, isMissing ? '' : 'better-sqlite3');
  const above = dirname(modules);
  if (basename(dirname(above)) === '_npx')
    return `npx --package ${PACKAGE} --package claude-orchestrator claude-orchestrator`;
  const where = exists(join(above, 'package.json')) ? `--prefix "${above}"` : globalPrefix(above);
  // Beside this program, where it is found; inside of it, npm would install everything that develops it.
  return where && npm(isMissing ? 'install' : 'rebuild', where, isMissing ? PACKAGE : 'better-sqlite3');
}

/**
 * npm keeps global packages in PREFIX/lib/node_modules; other package managers have places of their own. Which packages
 * may run install scripts, it is told here in a global installation, and only in the files of a project's own.
 */
function globalPrefix(above: string): string | undefined {
  return basename(above) === 'lib'
    ? `--global --allow-scripts=better-sqlite3 --prefix "${dirname(above)}"`
    : undefined;
}

/** Where npm was told to run no install scripts, the binary would be left out again. */
function npm(verb: 'install' | 'rebuild', where: string, what: string): string {
  return ['npm', verb, '--ignore-scripts=false', where, what].filter((word) => word !== '').join(' ');
}

/** The root of the package that a directory is in. */
function packageHome(here: string, exists: (path: string) => boolean): string | undefined {
  for (let at = here; ; at = dirname(at)) {
    if (exists(join(at, 'package.json'))) return at;
    if (at === dirname(at)) return undefined;
  }
}
