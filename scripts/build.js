import { readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pid } from 'node:process';
import { rolldown } from 'rolldown';

/**
 * Bundles with code splitting: `import()` becomes a chunk of its own, so a command loads only what it needs.
 * Dependencies are bundled too, which saves more than half of the start-up time of `run`; better-sqlite3 cannot be,
 * since it is native and optional. The new build takes the place of the old one only when it is complete.
 */
const fresh = `dist.${pid}`;

/** What most commands share goes into few files: opening one costs Node most of a millisecond. */
const groups = [
  // What `--help` needs comes first, so that it is not drawn into one of the others.
  {
    name: 'start',
    test: /[\\/](package\.json|src[\\/](domain[\\/](failure|text[\\/]display-text)|cli[\\/](cli|command|fold|help))\.ts)$/,
    priority: 1,
  },
  // Whatever is no `--version` or `--help` needs the parser.
  { name: 'parser', test: /[\\/](node_modules[\\/]commander[\\/]|src[\\/]cli[\\/](print|program)\.ts)/ },
  { name: 'store', test: /[\\/]src[\\/]store[\\/]/ },
  {
    name: 'tasks',
    test: /[\\/]src[\\/](domain[\\/](?!redact|secret)|app[\\/](tasks[\\/]|project[\\/](open-store|process-look-up|project|user-data)\.ts)|cli[\\/](status|summary|table|task|tool|usage)[\w-]*\.ts)/,
  },
];

/**
 * commander loads child_process for commands that are programs of their own, which we have none of; without it the
 * tool starts some milliseconds sooner.
 */
const withoutChildProcesses = {
  name: 'commander-without-child-processes',
  resolveId: (id, importer) =>
    /^(node:)?child_process$/.test(id) && /[\\/]node_modules[\\/]commander[\\/]/.test(importer ?? '')
      ? '\0nothing'
      : null,
  load: (id) => (id === '\0nothing' ? 'export default {};' : null),
};

const bundle = await rolldown({
  input: { main: 'src/cli/main.ts', 'stand-in-worker': 'src/simulator/stand-in-worker.ts' },
  platform: 'node',
  external: ['better-sqlite3'],
  plugins: [withoutChildProcesses],
  transform: { target: 'node20' },
});
const { output } = await bundle.write({ dir: fresh, format: 'esm', minify: true, codeSplitting: { groups } });
await bundle.close();
await writeFile(join(fresh, 'THIRD-PARTY-NOTICES.txt'), await licensesOf(output));
await rm('dist', { recursive: true, force: true });
await rename(fresh, 'dist');

/** The licences of everything that was bundled, which ask to be passed on. */
async function licensesOf(chunks) {
  const modules = chunks.flatMap((chunk) => (chunk.type === 'chunk' ? chunk.moduleIds : []));
  const folders = modules.map((id) => /^.*[\\/]node_modules[\\/](?:@[^\\/]+[\\/])?[^\\/]+/.exec(id)?.[0]);
  const texts = [];
  for (const folder of [...new Set(folders)].filter((found) => found !== undefined).sort()) {
    const { name, version, license } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'));
    const file = (await readdir(folder)).find((entry) => /^licen[cs]e/i.test(entry));
    const text = file === undefined ? license : await readFile(join(folder, file), 'utf8');
    texts.push(`${name} ${version}\n\n${text.trim()}\n`);
  }
  return texts.join(`\n${'-'.repeat(80)}\n\n`);
}
