import { execFileSync } from 'node:child_process';

/** Bundles a TypeScript program into one file that every supported Node runs as it is. */
export function bundle(entry: string, outfile: string): void {
  // CommonJS dependencies call require for Node's own modules.
  const banner =
    "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);";
  const options = ['bundle', 'format=esm', 'platform=node', 'target=node20', 'external:better-sqlite3'];
  // The command, since esbuild's module refuses to be bundled itself, which a benchmark is.
  execFileSync(
    'node_modules/.bin/esbuild',
    [
      entry,
      `--outfile=${outfile}`,
      `--banner:js=${banner}`,
      '--log-level=warning',
      ...options.map((o) => `--${o}`),
    ],
    { stdio: 'inherit' },
  );
}
