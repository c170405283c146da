import { Command, CommanderError } from 'commander';
import { Failed, type Failure } from '../domain/failure.ts';
import { EXIT, type Cli } from './cli.ts';
import packageJson from '../../package.json' with { type: 'json' };
import { addCommonOptions, type Program } from './command.ts';
import { exitCodes, topLevelHelp } from './help.ts';

/** Parses the command line and runs the command it names. Wrong usage is reported here, and sets `cli.exitCode`. */
export async function parseCommandLine(
  cli: Cli,
  program: Program,
  selected: string | undefined,
): Promise<void> {
  try {
    const command = await buildCommand(cli, program, selected);
    await command.parseAsync(cli.argv, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    cli.exitCode = error.exitCode === 0 ? EXIT.done : EXIT.usage;
    if (cli.exitCode !== EXIT.done && wantsJson(cli))
      throw new Failed(failureOf(error, whatHelps(program, selected)));
  }
}

function wantsJson({ argv }: Cli): boolean {
  return argv.includes('--json');
}

/** The command line that prints the help for what was typed. */
function whatHelps({ name, commands }: Program, selected: string | undefined): string {
  return commands.some((entry) => entry.name === selected) ? `${name} ${selected} --help` : `${name} --help`;
}

/** An error of the parser as a failure. */
function failureOf({ code, message }: CommanderError, help: string): Failure {
  const hint = `Run \`${help}\` for help.`;
  if (code === 'commander.help')
    return { reason: 'wrong-usage', message: 'No command was given.', fix: hint };
  const [what = '', suggestion] = message.replace(/^error: /, '').split('\n');
  const fix = suggestion === undefined ? hint : `${suggestion.replace(/^\((.*)\)$/, '$1')} ${hint}`;
  return {
    reason: 'wrong-usage',
    message: `${what.charAt(0).toUpperCase()}${what.slice(1).replace(/\.$/, '')}.`,
    fix,
  };
}

async function buildCommand(cli: Cli, binary: Program, selected: string | undefined): Promise<Command> {
  const help = whatHelps(binary, selected);
  const program = new Command(binary.name);
  // Commands made with `command()` inherit the settings; commands that are added get a copy of them.
  program
    .exitOverride()
    .configureOutput({
      writeOut: (text) => cli.stdout.write(text),
      // With --json, `parseCommandLine` reports what is wrong.
      writeErr: (text) => wantsJson(cli) || cli.stderr.write(text),
      getOutHelpWidth: () => cli.stdout.columns ?? 80,
      getErrHelpWidth: () => cli.stderr.columns ?? 80,
    })
    .configureHelp({ showGlobalOptions: true })
    .helpOption('-h, --help', 'print help')
    .showHelpAfterError(`(run "${help}" for help)`)
    .description(binary.description)
    .version(packageJson.version, '-V, --version', 'print the version');
  addCommonOptions(program);
  for (const entry of binary.commands) {
    if (entry.name === selected) {
      const { makeCommand } = await entry.load();
      const command = makeCommand(cli).copyInheritedSettings(program).summary(entry.summary);
      program.addCommand(command.addHelpText('after', `\nExit codes: ${exitCodes(entry.exits)}`));
    } else {
      program.command(entry.name).summary(entry.summary);
    }
  }
  program.helpInformation = () => topLevelHelp(binary, cli.stdout.columns ?? 80);
  return program;
}
