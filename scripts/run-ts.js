import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';

/** Runs a program of this folder that Node 20 cannot read as it is: `node scripts/run-ts.js FILE.ts ARGUMENTS…`. */
const [file] = process.argv.splice(2, 1);
const folder = await mkdtemp(join(tmpdir(), 'run-ts-'));
const outfile = join(folder, 'program.mjs');
try {
  await build({
    entryPoints: [file],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
  });
  await import(pathToFileURL(outfile).href);
} finally {
  await rm(folder, { recursive: true, force: true });
}
