import { existsSync, realpathSync, statSync } from 'node:fs';
import { dirname, join, parse, resolve } from 'node:path';
import { fail } from '../../failure.ts';
import type { Cli } from '../cli.ts';
import type { CommonOptions } from '../options.ts';
import { CONFIG_FILE, STATE_FOLDER, type Project } from '../project.ts';
import { copiesPlace } from '../user-data.ts';

/** Where `init` makes a project: here, whatever lies further up. */
export function placeForProject(cli: Cli, options: CommonOptions): Project {
  const given = options.config === undefined ? undefined : resolve(cli.cwd, options.config);
  const root =
    options.workingDir === undefined && given !== undefined
      ? dirname(given)
      : resolve(cli.cwd, options.workingDir ?? '.');
  if (!existsSync(root) || !statSync(root).isDirectory())
    fail('wrong-usage', `There is no directory ${root}.`, 'Make it first, or give another one.');
  refuseHome(cli, root);
  return {
    root,
    configFile: given ?? join(root, CONFIG_FILE),
    envFile: join(root, '.env'),
    stateFolder: join(root, STATE_FOLDER),
    databaseFile: join(root, STATE_FOLDER, 'tasks.db'),
    tag: options.tag ?? 'master',
    copies: copiesPlace(cli, root),
  };
}

/** The top of the git repository that a directory is in, or undefined if it is in none. */
export function gitTop(directory: string): string | undefined {
  for (let at = directory; ; at = dirname(at)) {
    if (existsSync(join(at, '.git'))) return at;
    if (at === dirname(at)) return undefined;
  }
}

/** A project in the home directory would be found from every directory below it. */
function refuseHome(cli: Cli, root: string): void {
  const real = realpathSync(root);
  const home = cli.env['HOME'] ?? cli.env['USERPROFILE'] ?? '';
  const isHome = home !== '' && existsSync(home) && realpathSync(home) === real;
  if (!isHome && real !== parse(real).root) return;
  fail(
    'wrong-usage',
    `${root} is ${isHome ? 'your home directory' : 'the root of the file system'}, where workers must not work.`,
    'Change into the repository that is to be worked on, and run `claude-orchestrator init` there.',
  );
}
