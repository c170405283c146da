import { bashRule, type ProjectFiles, type Stack } from './stack.ts';

/** What `npm init` writes where there is no test yet. */
const PLACEHOLDER = /no test specified/i;

/** A script that goes on for ever proves nothing. */
const WATCHES = /(?:^|\s)--?watch(?:All)?(?!\S*=false)(?:\s|=|$)|\bnodemon\b/;

/** The first of each group that the project has proves a change. */
const PROVING = [['typecheck', 'type-check', 'check-types', 'check:types', 'types'], ['lint'], ['test']];

/** A Node.js project, by its `package.json`. */
export function detectJavaScript(files: ProjectFiles): Stack | undefined {
  if (!files.exists('package.json')) return undefined;
  const manifest = parseManifest(files.read('package.json'));
  const manager = packageManager(files, manifest.packageManager);
  const run = (script: string): string => {
    if (script === 'test') return manager === 'bun' ? 'bun run test' : `${manager} test`;
    return `${manager} run ${script}`;
  };
  const usable = (script: string): boolean => {
    const body = manifest.scripts[script];
    return typeof body === 'string' && body.trim() !== '' && !PLACEHOLDER.test(body) && !WATCHES.test(body);
  };
  const verify = PROVING.flatMap((names) => names.filter(usable).slice(0, 1)).map(run);
  const build = usable('build') ? [run('build')] : [];
  return {
    name: `Node.js (${manager})`,
    evidence: 'package.json',
    verify: verify.length === 0 ? build : verify,
    allowedTools: [...verify, ...build].map(bashRule),
  };
}

function packageManager(files: ProjectFiles, declared: unknown): string {
  const named = typeof declared === 'string' ? /^(npm|pnpm|yarn|bun)@/.exec(declared)?.[1] : undefined;
  if (named !== undefined) return named;
  const locks = [
    ['pnpm-lock.yaml', 'pnpm'],
    ['yarn.lock', 'yarn'],
    ['bun.lock', 'bun'],
    ['bun.lockb', 'bun'],
  ] as const;
  return locks.find(([lock]) => files.exists(lock))?.[1] ?? 'npm';
}

function parseManifest(text: string): { scripts: Record<string, unknown>; packageManager: unknown } {
  try {
    const manifest: unknown = JSON.parse(text.replace(/^\uFEFF/, ''));
    if (!isObject(manifest)) return { scripts: {}, packageManager: undefined };
    return {
      scripts: isObject(manifest['scripts']) ? { ...manifest['scripts'] } : {},
      packageManager: manifest['packageManager'],
    };
  } catch {
    return { scripts: {}, packageManager: undefined };
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
