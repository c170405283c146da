import type Crypto from 'node:crypto';
import { realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { homedir } from 'node:os';
import { basename, join } from 'node:path';
import type { Services } from '../services.ts';

// node:crypto takes milliseconds to load, and most commands do not need it, so it is loaded on demand.
const load = createRequire(import.meta.url);

/** Where the usage ledger of this user is kept. */
export function ledgerFile(services: Pick<Services, 'env' | 'platform'>): string {
  return join(userDataFolder(services), 'usage.db');
}

/**
 * What is kept of the project at `root` outside of it, so that it outlives whatever happens to the project's folder.
 * The folder is named after the project and its real path; it need not be there.
 */
export function projectDataFolder(services: Pick<Services, 'env' | 'platform'>, root: string): string {
  const path = realpathSync(root);
  const { createHash } = load('node:crypto') as typeof Crypto;
  const id = createHash('sha256').update(path).digest('hex').slice(0, 12);
  const name = basename(path)
    .replace(/[^\w.-]+/g, '-')
    .slice(0, 40);
  return join(userDataFolder(services), 'projects', `${name}-${id}`);
}

/** Where copies of a project's task store are kept, and what is done where one cannot be made. */
export interface CopiesPlace {
  /** The folder of this project, or of another one. */
  readonly folder: (root?: string) => string;
  readonly failed: (message: string) => void;
}

/** The place of the copies of the project at `root`. Nothing is looked up before it is called. */
export function copiesPlace(
  services: Pick<Services, 'env' | 'platform' | 'tell'>,
  root: string,
): CopiesPlace {
  return {
    folder: (of = root) => join(projectDataFolder(services, of), 'copies'),
    failed: (message) => services.tell({ kind: 'warning', message }),
  };
}

/** The home directory of this user. */
export function homeOf({ env }: Pick<Services, 'env'>): string {
  const given = env['HOME'];
  return given === undefined || given === '' ? homedir() : given;
}

/** The cache folder of this user, for files that can be made again. */
export function cacheDirectory(services: Pick<Services, 'env' | 'platform'>): string {
  const given = services.env['XDG_CACHE_HOME'];
  if (given !== undefined && given.startsWith('/')) return given;
  return services.platform === 'darwin' ? `${homeOf(services)}/Library/Caches` : `${homeOf(services)}/.cache`;
}

/** The folder of this tool's data for this user, by the conventions of the platform. */
function userDataFolder(services: Pick<Services, 'env' | 'platform'>): string {
  const given = services.env['XDG_STATE_HOME'];
  const custom = services.platform === 'darwin' ? ['Library', 'Application Support'] : ['.local', 'state'];
  const root = given !== undefined && given.startsWith('/') ? given : join(homeOf(services), ...custom);
  return join(root, 'claude-orchestrator');
}
