// A program that follows a transcript to its end and prints what it found and how much memory that took, as JSON.
import { LineSplitter } from '../../src/domain/text/line-splitter.ts';
import { tailFile } from '../../src/worker/claude/tail-file.ts';
import { Transcript } from '../../src/worker/claude/transcript.ts';

const transcript = new Transcript(false);
const counts = new Map<string, number>();
const lines = new LineSplitter((line) => {
  const { kind } = transcript.add(line);
  counts.set(kind, (counts.get(kind) ?? 0) + 1);
});
const before = process.cpuUsage();
await tailFile(process.argv[2] ?? '', {
  onChunk: (chunk) => lines.push(chunk),
  written: AbortSignal.abort(),
});
lines.end();
const { user, system } = process.cpuUsage(before);
const { result, usage } = transcript.facts();
process.stdout.write(
  JSON.stringify({
    result: result?.num_turns,
    usage,
    counts: Object.fromEntries(counts),
    cpuMs: Math.round((user + system) / 1000),
    peakRssMb: Math.round(process.resourceUsage().maxRSS / 1024),
  }),
);
