import { loadConfig, type LoadedConfig } from '../config/config.ts';
import { formatProblem } from '../config/problem.ts';
import { fail } from '../../domain/failure.ts';
import type { Cli } from '../../cli/cli.ts';
import type { CommonOptions } from '../../cli/options.ts';
import type { Project } from './project.ts';

/**
 * The project's configuration, `flags` over it by dotted path; warnings go to stderr.
 *
 * Throws `Failed` ("config-invalid") with every problem there is.
 */
export function loadSettings(
  cli: Cli,
  options: CommonOptions,
  project: Project,
  flags: Readonly<Record<string, unknown>> = {},
): LoadedConfig {
  const loaded = loadConfig({ file: project.configFile, envFile: project.envFile, env: cli.env, flags });
  if (!loaded.ok) {
    fail(
      'config-invalid',
      `The configuration cannot be used:\n${loaded.error.map((problem) => `  ${formatProblem(problem)}`).join('\n')}`,
      'Mend it, then see what applies with `claude-orchestrator config show`.',
    );
  }
  if (options.quiet !== true)
    for (const warning of loaded.value.warnings) cli.stderr.write(`warning: ${warning}\n`);
  return loaded.value;
}
