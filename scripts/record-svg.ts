import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { parseArgs } from 'node:util';
import { framesOf } from './recording.ts';
import { drawSvg } from './recording-svg.ts';
import { runOnTerminal } from '../tests/rig/terminal.ts';

/** Records a program on a real terminal as a picture that moves: `node scripts/run-ts.js scripts/record-svg.ts docs/demo.svg -- COMMAND…`. */
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    columns: { type: 'string', default: '100' },
    rows: { type: 'string', default: '30' },
    /** Seconds between two pictures. */
    every: { type: 'string', default: '0.5' },
    title: { type: 'string', default: 'A recorded terminal session' },
    /** Only the last picture. */
    still: { type: 'boolean', default: false },
  },
});
const [file, ...command] = positionals;
if (file === undefined || command.length === 0) {
  throw new Error(
    'Usage: node scripts/run-ts.js scripts/record-svg.ts [--columns N] [--rows N] [--still] FILE.svg -- COMMAND…',
  );
}
const columns = Number(values.columns);
const rows = Number(values.rows);
const env = { ...process.env, TERM: 'xterm-256color', CI: undefined, NO_COLOR: undefined };
const terminal = runOnTerminal(command, { columns, rows, env });
const { exit } = await terminal.ended;
if (exit !== 0) throw new Error(`${command.join(' ')} ended with ${exit}; nothing was recorded.`);

const frames = framesOf(terminal.outputs, { columns, rows, everySeconds: Number(values.every) });
const svg = drawSvg(values.still ? frames.slice(-1) : frames, { columns, title: values.title });
mkdirSync(dirname(file), { recursive: true });
writeFileSync(file, svg);
console.log(`${file}: ${frames.length} pictures, ${Math.ceil(svg.length / 1024)} kB`);
