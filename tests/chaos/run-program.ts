import { parseArgs } from 'node:util';
import { runCampaign } from './campaign.ts';

/** `npm run chaos -- [--kills N] [--per-boundary N] [--parallel N] [--seed N] [--keep]`. */
const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '200' },
    'per-boundary': { type: 'string', default: '1' },
    parallel: { type: 'string', default: '2' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    keep: { type: 'boolean', default: false },
  },
});
const say = (line: string): void => void process.stdout.write(`${line}\n`);

say(`seed ${values.seed}`);
const began = performance.now();
const { boundaries, moments, lives, violations } = await runCampaign({
  seed: Number(values.seed),
  perBoundary: Number(values['per-boundary']),
  moments: Number(values.kills),
  parallel: Number(values.parallel),
  keep: values.keep,
  say,
});
for (const [name, count] of [...boundaries].sort(([a], [b]) => a.localeCompare(b))) say(`${count} × ${name}`);
const seconds = Math.round((performance.now() - began) / 1000);
say(
  `${boundaries.size} boundaries, ${moments} moments, ${lives} repositories, ${seconds} s: ${violations.length} violations (seed ${values.seed})`,
);
process.exitCode = violations.length === 0 ? 0 : 1;
