import { spawnSync } from 'node:child_process';
import { build } from 'esbuild';

/** `npm run chaos`: bundles the campaign and runs it with the arguments given. */
const outfile = 'node_modules/.cache/claude-orchestrator-chaos/run-program.js';
await build({
  entryPoints: ['tests/chaos/run-program.ts'],
  outfile,
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  external: ['better-sqlite3'],
  banner: {
    js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
  },
});
const { status } = spawnSync(process.execPath, [outfile, ...process.argv.slice(2)], { stdio: 'inherit' });
process.exitCode = status ?? 1;
