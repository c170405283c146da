import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';

/** Runs `record-svg.ts`, which Node 20 cannot read as it is. */
const folder = await mkdtemp(join(tmpdir(), 'record-svg-'));
const outfile = join(folder, 'record-svg.mjs');
try {
  await build({
    entryPoints: ['scripts/record-svg.ts'],
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
