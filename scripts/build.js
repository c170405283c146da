import { rename, rm } from 'node:fs/promises';
import { pid } from 'node:process';
import { build } from 'esbuild';

/**
 * Bundles with code splitting: `import()` becomes a chunk of its own, so a command loads only what it needs.
 * Dependencies are bundled too, which saves more than half of the start-up time of `run`; better-sqlite3 cannot be,
 * since it is native and optional. The new build takes the place of the old one only when it is complete.
 */
const fresh = `dist.${pid}`;
await build({
  entryPoints: { main: 'src/cli/main.ts', 'stand-in-worker': 'src/simulator/stand-in-worker.ts' },
  outdir: fresh,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  minify: true,
  keepNames: true,
  legalComments: 'external',
  external: ['better-sqlite3'],
  // CommonJS dependencies call require for Node's own modules.
  banner: {
    js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
  },
  logLevel: 'warning',
});
await rm('dist', { recursive: true, force: true });
await rename(fresh, 'dist');
