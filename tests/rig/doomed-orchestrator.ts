// A program that starts one attempt as an orchestrator does, reports it on stdout, and waits to be killed.
import { WorkerPool } from '../../src/domain/worker-pool.ts';
import { Gates } from '../../src/worker/gates/gates.ts';
import { createLocalWorker } from '../../src/worker/local-worker.ts';
import { createProcessTable } from '../../src/worker/process/process-table.ts';
import { createCommandRunner } from '../../src/worker/gates/run-command.ts';
import type { Assignment } from '../../src/worker/worker.ts';
import { createSharedDirectory } from '../../src/workspace/shared-directory.ts';
import type { ClaudeSettings } from '../../src/worker/claude/command.ts';

const { claude, assignment, project, verifyCommands } = JSON.parse(process.argv[2] ?? '') as {
  claude: ClaudeSettings;
  assignment: Assignment;
  project: string;
  verifyCommands: string[];
};
const kill = (pid: number, signal: NodeJS.Signals): boolean => process.kill(pid, signal);
const processes = createProcessTable({ platform: process.platform, pid: process.pid, kill });
const worker = createLocalWorker({
  claude,
  project,
  verifyCommands,
  workspaces: createSharedDirectory(assignment.attempt.directory),
  processes,
  timeouts: { totalMs: 90_000, stallMs: 60_000, graceMs: 10_000, afterResultMs: 60_000 },
  gates: new Gates({
    commands: verifyCommands,
    run: createCommandRunner({
      table: processes,
      environment: process.env,
      timeoutMs: 60_000,
      graceMs: 10_000,
    }),
    verdicts: { get: () => undefined, put: () => undefined },
    withCheckout: null,
    warn: () => undefined,
  }),
  reviewer: null,
  maxReviewRounds: 2,
  onReviewLimit: 'fail',
  landing: new WorkerPool(1),
  snapshotMs: 60_000,
  now: Date.now,
});
const tell = (told: object): boolean => process.stdout.write(`${JSON.stringify(told)}\n`);
await worker.run(
  assignment,
  {
    onSpawn: (identity) => tell({ identity }),
    onPhase: (phase) => tell({ phase }),
    onProgress: ({ action }) => tell({ action }),
    onWorkspace: () => undefined,
    onLanding: () => undefined,
    onLimits: () => undefined,
    onWarning: () => undefined,
  },
  new AbortController().signal,
);
