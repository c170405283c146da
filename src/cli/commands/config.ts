import { printJson, useColor } from '../print.ts';
import { Argument, Command } from 'commander';
import { configValue, loadConfig, type LoadedConfig } from '../../app/config/load-config.ts';
import { variableOf } from '../../app/config/environment.ts';
import { formatProblem } from '../../app/config/problem.ts';
import { configJsonSchema, configKeys } from '../../app/config/schema.ts';
import { lastFour, redact } from '../../app/config/secrets.ts';
import { styles } from '../../domain/text/styles.ts';
import { EXIT, type Cli } from '../cli.ts';
import { onRun, type CommonOptions, withExamples } from '../command.ts';
import { findProject } from '../../app/project/project.ts';
import { loadSettings } from '../../app/project/settings.ts';

const ACTIONS = ['show', 'schema', 'validate'] as const;

/** `config`: what applies and where it comes from; the schema; every problem. */
export function makeCommand(cli: Cli): Command {
  const command = new Command('config')
    .description(
      'Show the effective configuration with the origin of each value, print its JSON Schema, or check it. ' +
        `Every key can be set by a variable too, e.g. ${variableOf('execution.max_workers')}=5.`,
    )
    .addArgument(new Argument('[action]', 'what to do').choices(ACTIONS).default('show'));
  withExamples(command, ['config', 'config show --json', 'config validate']);
  return onRun(command, cli, (options, [action]) => {
    switch (action) {
      case 'schema':
        cli.stdout.write(`${JSON.stringify(configJsonSchema(), null, 2)}\n`);
        return undefined;
      case 'validate':
        return validate(cli, options);
      default:
        show(cli, options);
        return undefined;
    }
  });
}

function show(cli: Cli, options: CommonOptions): void {
  const project = findProject(cli, options);
  const loaded = loadSettings(cli, project);
  const values = configKeys().map((key) => ({
    key,
    value: redact(key, configValue(loaded.config, key)),
    origin: loaded.origins.get(key) ?? { source: 'default', name: '' },
  }));
  const secrets = credentialsOf(loaded);
  if (options.json === true) {
    printJson(cli, { file: project.configFile ?? null, values, secrets, warnings: loaded.warnings });
    return;
  }
  const { bold, dim } = styles(useColor(cli, options));
  const wide = Math.max(...values.map(({ key }) => key.length));
  const lines = values.map(({ key, value, origin }) => {
    const text = `${key.padEnd(wide)}  ${JSON.stringify(value)}`;
    if (origin.source === 'default') return dim(text);
    const name = origin.name === '' || origin.name === project.configFile ? '' : ` ${origin.name}`;
    return `${text}  ${bold(`(${origin.source}${name})`)}`;
  });
  const keys = Object.entries(secrets).map(
    ([name, value]) => `${name.padEnd(wide)}  ${value ?? dim('not set')}`,
  );
  cli.stdout.write(
    `${dim(`file: ${project.configFile ?? 'none, so defaults apply'}`)}\n${[...lines, '', ...keys].join('\n')}\n`,
  );
}

function validate(cli: Cli, options: CommonOptions): number | undefined {
  const project = findProject(cli, options);
  const loaded = loadConfig({ file: project.configFile, envFile: project.envFile, env: cli.env });
  const problems = loaded.ok ? [] : loaded.error;
  const warnings = loaded.ok ? loaded.value.warnings : [];
  if (options.json === true)
    printJson(cli, { valid: loaded.ok, file: project.configFile ?? null, problems, warnings });
  else {
    for (const problem of problems) cli.stderr.write(`error: ${formatProblem(problem)}\n`);
    for (const warning of warnings) cli.stderr.write(`warning: ${warning}\n`);
    if (loaded.ok && options.quiet !== true)
      cli.stdout.write(`${project.configFile ?? 'The defaults (there is no configuration file)'}: valid\n`);
  }
  return loaded.ok ? undefined : EXIT.usage;
}

function credentialsOf({ secrets }: LoadedConfig): Record<string, string | null> {
  const shown = (secret: string | null): string | null => (secret === null ? null : lastFour(secret));
  return {
    ANTHROPIC_API_KEY: shown(secrets.apiKey),
    ANTHROPIC_AUTH_TOKEN: shown(secrets.authToken),
    CLAUDE_CODE_OAUTH_TOKEN: shown(secrets.oauthToken),
  };
}
