import { existsSync, realpathSync, statSync } from 'node:fs';
import { dirname, parse, resolve } from 'node:path';
import { fail } from '../../domain/failure.ts';
import type { Services } from '../services.ts';
import { projectIn, type Project, type ProjectRequest } from '../project/project.ts';

/** Where `init` makes a project: here, whatever lies further up. */
export function placeForProject(services: Services, options: ProjectRequest): Project {
  const given = options.config === undefined ? undefined : resolve(services.cwd, options.config);
  const root =
    options.workingDir === undefined && given !== undefined
      ? dirname(given)
      : resolve(services.cwd, options.workingDir ?? '.');
  if (!existsSync(root) || !statSync(root).isDirectory())
    fail('wrong-usage', `There is no directory ${root}.`, 'Make it first, or give another one.');
  refuseHome(services, root);
  const project = projectIn(services, root, options.tag ?? 'master');
  return given === undefined ? project : { ...project, configFile: given };
}

/** A project in the home directory would be found from every directory below it. */
export function refuseHome(services: Pick<Services, 'env'>, root: string): void {
  const real = realpathSync(root);
  const home = services.env['HOME'] ?? services.env['USERPROFILE'] ?? '';
  const isHome = home !== '' && existsSync(home) && realpathSync(home) === real;
  if (!isHome && real !== parse(real).root) return;
  fail(
    'wrong-usage',
    `${root} is ${isHome ? 'your home directory' : 'the root of the file system'}, where workers must not work.`,
    'Change into the repository that is to be worked on, and run `claude-orchestrator init` there.',
  );
}
