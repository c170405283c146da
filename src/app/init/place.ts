import { existsSync, realpathSync, statSync } from 'node:fs';
import { dirname, parse, resolve } from 'node:path';
import { fail } from '../../domain/failure.ts';
import type { Cli } from '../../cli/cli.ts';
import type { CommonOptions } from '../../cli/options.ts';
import { projectIn, type Project } from '../project/project.ts';

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
  const project = projectIn(cli, root, options.tag ?? 'master');
  return given === undefined ? project : { ...project, configFile: given };
}

/** A project in the home directory would be found from every directory below it. */
export function refuseHome(cli: Pick<Cli, 'env'>, root: string): void {
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
