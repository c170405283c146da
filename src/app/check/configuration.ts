import { existsSync, statSync } from 'node:fs';
import type { Config, ConfigProblem } from '../config/load-config.ts';
import { formatProblem } from '../config/problem.ts';
import type { Services } from '../services.ts';
import type { Project } from '../project/project.ts';
import type { Finding, Findings } from './finding.ts';

/** Every problem and every warning of the configuration. */
export function checkConfiguration(
  { configFile }: Project,
  problems: readonly ConfigProblem[],
  warnings: readonly string[],
  findings: Findings,
): Finding[] {
  if (problems.length > 0)
    return problems.map((problem) => {
      const { fix, ...rest } = problem;
      return findings.failure(
        formatProblem(rest),
        fix ?? 'Mend it; `claude-orchestrator config schema` tells every key.',
      );
    });
  const found =
    configFile === undefined
      ? findings.warning(
          'there is no orchestrator_config.json, so defaults apply',
          'Run `claude-orchestrator init`.',
        )
      : findings.ok(configFile);
  return [found, ...warnings.map((warning) => findings.warning(warning))];
}

/** Whether others can read `.env`. */
export function checkEnvFile(services: Services, { envFile }: Project, findings: Findings): Finding[] {
  if (!existsSync(envFile)) return [findings.ok('no .env; the environment is used')];
  const mode = statSync(envFile).mode & 0o777;
  // Windows has no such modes.
  if (services.platform !== 'win32' && (mode & 0o077) !== 0)
    return [
      findings.warning(
        `other users can read ${envFile} (mode ${mode.toString(8)})`,
        `Run \`chmod 600 ${envFile}\`.`,
      ),
    ];
  return [findings.ok(envFile)];
}

/** Whether anything but the worker's word proves a change. */
export function checkVerify({ verify }: Config, findings: Findings): Finding[] {
  if (verify.commands.length > 0) return [findings.ok(verify.commands.join(' · '))];
  return [
    findings.warning(
      "no verify command is set, so nothing but a worker's word proves its change",
      'Put the commands that test your project into verify.commands, such as ["npm test"].',
    ),
  ];
}
