import { spawnSync } from 'node:child_process';

/** One thing to time: `run` returns how long it took, in milliseconds. */
export interface Case {
  readonly name: string;
  /** The case whose median this one is divided by. */
  readonly floor?: string;
  /** The largest ratio to its floor that is promised. */
  readonly promise?: number;
  readonly run: () => number | Promise<number>;
}

/** Times the cases in turn, A B C A B C …, so that a machine that changes its speed changes it for all of them. */
export async function compare(cases: readonly Case[], rounds: number): Promise<void> {
  const samples = new Map<string, number[]>(cases.map(({ name }) => [name, []]));
  for (let round = -1; round < rounds; round++) {
    for (const { name, run } of cases) {
      const took = await run();
      if (round >= 0) samples.get(name)?.push(took);
    }
  }
  const width = Math.max(...cases.map(({ name }) => name.length));
  console.log(`${'case'.padEnd(width)}  median ms  [min .. max]  ratio  promised`);
  for (const { name, floor, promise } of cases) {
    const own = samples.get(name) ?? [];
    const ratio = floor === undefined ? '' : (median(own) / median(samples.get(floor) ?? [])).toFixed(2);
    const range = `[${Math.min(...own).toFixed(1)} .. ${Math.max(...own).toFixed(1)}]`;
    const promised = promise === undefined ? '' : `≤ ${promise}`;
    console.log(
      `${name.padEnd(width)}  ${median(own).toFixed(1).padStart(9)}  ${range}  ${ratio}  ${promised}`,
    );
  }
}

/** The wall time of a whole process, in milliseconds. */
export function timeProcess(
  command: string,
  args: readonly string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv } = {},
): number {
  const start = performance.now();
  const { status, error, stderr } = spawnSync(command, args, {
    ...options,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  const took = performance.now() - start;
  if (error !== undefined || status !== 0) {
    throw new Error(`${command} ${args.join(' ')} ended with ${String(status)}: ${error?.message ?? stderr}`);
  }
  return took;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1
    ? (sorted[middle] ?? NaN)
    : ((sorted[middle - 1] ?? NaN) + (sorted[middle] ?? NaN)) / 2;
}
