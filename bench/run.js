import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { basename } from 'node:path';
import { build } from 'esbuild';

/** Runs the benchmarks that are named, or all: `npm run bench -- start-up dispatch`. */
const all = readdirSync('bench')
  .filter((file) => file.endsWith('.bench.ts'))
  .map((file) => basename(file, '.bench.ts'));
const names = process.argv.length > 2 ? process.argv.slice(2) : all;
const outdir = 'node_modules/.cache/claude-orchestrator-bench';
await build({
  entryPoints: names.map((name) => `bench/${name}.bench.ts`),
  outdir,
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  external: ['better-sqlite3'],
  banner: {
    js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
  },
});
for (const name of names) {
  console.log(`\n## ${name}\n`);
  const { status } = spawnSync(process.execPath, [`${outdir}/${name}.bench.js`], { stdio: 'inherit' });
  if (status !== 0) process.exitCode = 1;
}
