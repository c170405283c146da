import { fstatSync, realpathSync } from 'node:fs';
import { Failed, type Failure, type FailureReason } from '../domain/failure.ts';
import type { Redact } from '../domain/redact.ts';
import packageJson from '../../package.json' with { type: 'json' };
import { EXIT, makeCli, type Cli, type Output } from './cli.ts';
import { VALUE_OPTIONS, type Program } from './command.ts';
import { CLAUDE_ORCHESTRATOR, TASK_MASTER } from './commands.ts';
import { FileOutput } from './file-output.ts';
import { topLevelHelp } from './help.ts';

/** Runs `claude-orchestrator` in this process. */
export async function claudeOrchestrator(): Promise<void> {
  await runProcess(CLAUDE_ORCHESTRATOR);
}

/** Runs `task-master` in this process. */
export async function taskMaster(): Promise<void> {
  await runProcess(TASK_MASTER);
}

/** The errors of a write that nobody reads any more. A closed terminal has an error of its own. */
const READER_GONE: ReadonlySet<string> = new Set(['EPIPE', 'ENXIO', 'ERR_STREAM_DESTROYED']);
const TERMINAL_GONE = 'EIO';

/** How long the process may stay alive after its command has ended. Whatever keeps it alive longer is a bug. */
const EXIT_GRACE_MS = 3000;

async function runProcess(program: Program): Promise<void> {
  hideSqliteWarning();
  let cli: Cli;
  try {
    cli = processCli();
  } catch (error) {
    // The working directory was deleted.
    const failure = await refusalOf(error);
    if (failure === undefined) throw error;
    process.stderr.write(formatFailure(failure));
    process.exitCode = EXIT.usage;
    return;
  }
  const output = watchOutput(cli);
  await runCli(cli, program);
  process.exitCode = cli.exitCode === 0 && output.isLost ? EXIT.usage : cli.exitCode;
  setTimeout(() => process.exit(), EXIT_GRACE_MS).unref();
}

/**
 * Watches for lost output. A reader such as `head` that closes the pipe has what it wanted, and a closed terminal reads
 * no more. Any other loss is reported, and changes the exit code. The command continues in all cases.
 */
function watchOutput(cli: Cli): { readonly isLost: boolean } {
  const output = { isLost: false };
  for (const stream of [cli.stdout, cli.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      const code = error.code ?? '';
      if (READER_GONE.has(code) || (code === TERMINAL_GONE && stream.isTTY === true)) return;
      if (output.isLost) return;
      output.isLost = true;
      // Node reports an error of a pipe or a terminal late, when the command may have ended already.
      if (process.exitCode === EXIT.done) process.exitCode = EXIT.usage;
      void import('../app/system-error.ts').then(({ describeLostOutput }) =>
        cli.stderr.write(`error: Not all of the output could be written: ${describeLostOutput(error)}.\n`),
      );
    });
  }
  return output;
}

/** Runs one command line and sets `cli.exitCode`. Every expected failure is printed here and nowhere else. */
export async function runCli(cli: Cli, program: Program): Promise<void> {
  const args = cli.argv;
  const [only = '--help'] = args;
  // Version and help are asked for so often that they do not wait for the parser. `-v` is `--verbose`, but alone it has
  // nothing to be verbose about, so it means the version, as in most tools.
  if (args.length <= 1 && ['--version', '-V', '-v'].includes(only)) {
    cli.stdout.write(`${packageJson.version}\n`);
    return;
  }
  if (args.length <= 1 && ['--help', '-h', 'help'].includes(only)) {
    cli.stdout.write(topLevelHelp(program, cli.stdout.columns ?? 80));
    return;
  }
  try {
    const { parseCommandLine } = await import('./program.ts');
    await parseCommandLine(cli, program, commandName(args));
  } catch (error) {
    const { redactorFor } = await import('../app/project/redaction.ts');
    cli.exitCode = await report(cli, error, redactorFor(cli));
  }
}

/** The first argument that is neither an option nor the value of one. */
function commandName(args: readonly string[]): string | undefined {
  for (let index = 0; index < args.length; index++) {
    const arg = args[index];
    if (arg === undefined || arg === '--') return undefined;
    if (VALUE_OPTIONS.has(arg)) index++;
    else if (!arg.startsWith('-')) return arg === 'help' ? args[index + 1] : arg;
  }
  return undefined;
}

/** What the system refused. The module is loaded only after something has gone wrong. */
async function refusalOf(error: unknown): Promise<Failure | undefined> {
  const { describeSystemError } = await import('../app/system-error.ts');
  return describeSystemError(error);
}

async function report(cli: Cli, error: unknown, redact: Redact): Promise<number> {
  const failure = error instanceof Failed ? error.failure : await refusalOf(error);
  if (failure === undefined) {
    const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
    cli.stderr.write(`This is a bug in claude-orchestrator, please report it:\n${redact(detail)}\n`);
    return EXIT.bug;
  }
  const { fix } = failure;
  const shown: Failure = {
    ...failure,
    message: redact(failure.message),
    ...(fix === undefined ? {} : { fix: redact(fix) }),
  };
  if (cli.argv.includes('--json')) cli.stdout.write(`${JSON.stringify({ error: shown })}\n`);
  else cli.stderr.write(formatFailure(shown));
  return failure.reason === 'interrupted' && cli.interruptExit !== undefined
    ? cli.interruptExit
    : EXIT_CODES[failure.reason];
}

function formatFailure(failure: Failure): string {
  return `error: ${failure.message}\n${failure.fix === undefined ? '' : `  ${failure.fix.replaceAll('\n', '\n  ')}\n`}`;
}

const EXIT_CODES: Readonly<Record<FailureReason, number>> = {
  'wrong-usage': EXIT.usage,
  'config-invalid': EXIT.usage,
  'no-project': EXIT.usage,
  'file-unreadable': EXIT.usage,
  'file-unwritable': EXIT.usage,
  'store-unusable': EXIT.usage,
  'repository-unusable': EXIT.usage,
  'task-not-found': EXIT.usage,
  'task-needed': EXIT.usage,
  'dependency-cycle': EXIT.usage,
  'plan-invalid': EXIT.tasksFailed,
  'prd-too-large': EXIT.usage,
  'run-in-progress': EXIT.usage,
  'cli-missing': EXIT.usage,
  unauthenticated: EXIT.notAuthenticated,
  billing: EXIT.notAuthenticated,
  'model-unavailable': EXIT.usage,
  'usage-limited': EXIT.usageLimit,
  'over-budget': EXIT.overBudget,
  'manager-unavailable': EXIT.tasksFailed,
  interrupted: EXIT.interrupted,
  'system-error': EXIT.usage,
};

/** Users of this tool cannot change that Node's own SQLite is experimental, so they are not warned about it. */
function hideSqliteWarning(): void {
  const emitWarning: (warning: string | Error, ...rest: never[]) => void = process.emitWarning.bind(process);
  process.emitWarning = (warning: string | Error, ...rest: never[]) => {
    if (!String(warning).startsWith('SQLite is an experimental feature')) emitWarning(warning, ...rest);
  };
}

/** Files are written by our own code, pipes and terminals by Node's. */
function outputOf(stream: NodeJS.WriteStream & { readonly fd: number }): Output {
  const kind = fstatSync(stream.fd);
  return kind.isFile() || (kind.isCharacterDevice() && !stream.isTTY) ? new FileOutput(stream.fd) : stream;
}

function processCli(): Cli {
  return makeCli({
    argv: process.argv.slice(2),
    env: process.env,
    cwd: process.cwd(),
    pid: process.pid,
    platform: process.platform,
    nodeVersion: process.version,
    nodePath: process.execPath,
    // An installed program is a link. Its files lie beside the target of the link.
    scriptPath: realpathSync(process.argv[1] ?? '.'),
    stdin: process.stdin,
    stdout: outputOf(process.stdout),
    stderr: outputOf(process.stderr),
    onSignal: (listener) => {
      const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
      for (const signal of signals) process.on(signal, listener);
      return () => {
        for (const signal of signals) process.off(signal, listener);
      };
    },
    kill: (pid, signal) => process.kill(pid, signal),
  });
}
