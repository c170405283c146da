import { loadConfig, type LoadedConfig } from '../config/load-config.ts';
import { formatProblem } from '../config/problem.ts';
import { fail } from '../../domain/failure.ts';
import type { Services } from '../services.ts';
import type { Project } from './project.ts';

/**
 * The project's configuration, overridden by `flags`, which are named by dotted path. Reports its warnings.
 *
 * Throws `Failed` ("config-invalid") with every problem there is.
 */
export function loadSettings(
  services: Services,
  project: Project,
  flags: Readonly<Record<string, unknown>> = {},
): LoadedConfig {
  const loaded = loadConfig({ file: project.configFile, envFile: project.envFile, env: services.env, flags });
  if (!loaded.ok) {
    fail(
      'config-invalid',
      `The configuration cannot be used:\n${loaded.error.map((problem) => `  ${formatProblem(problem)}`).join('\n')}`,
      'Fix it, then see what applies with `claude-orchestrator config show`.',
    );
  }
  for (const message of loaded.value.warnings) services.tell({ kind: 'configuration', message });
  return loaded.value;
}
