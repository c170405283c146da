import { loadConfig, type LoadedConfig } from './config/load-config.ts';
import { mergeEnvFile, secretsOf } from './config/environment.ts';
import { configSchema } from './config/schema.ts';
import { inspectClaude } from './claude/claude-cli.ts';
import type { Services } from './services.ts';
import type { Project } from './project/project.ts';
import { checkClaude, checkKey, checkLogin } from './check/claude.ts';
import { checkConfiguration, checkEnvFile, checkVerify } from './check/configuration.ts';
import { check, type Finding } from './check/finding.ts';
import { checkGit } from './check/git.ts';
import { checkLimits } from './check/limits.ts';
import { checkDisk, checkNode } from './check/machine.ts';
import { checkModels } from './check/models.ts';
import { checkHook, checkSlack, checkWebhook } from './check/notifications.ts';
import { checkDriver, checkRuns, checkStore } from './check/store.ts';

const CLAUDE_TIMEOUT_MS = 10_000;

/** The defaults tell nobody, which would pass for an answer. */
const NOT_READ = 'not checked: the configuration cannot be used';

/** Does all checks at once, each with a time limit of its own; the findings come in a fixed order. */
export async function runChecks(
  services: Services,
  project: Project,
  signal: AbortSignal,
): Promise<Finding[]> {
  const sources = { file: project.configFile, envFile: project.envFile, env: services.env };
  const result = loadConfig(sources);
  const settings = result.ok ? result.value : withoutFile(services, project);
  const { config, secrets, environment } = settings;
  const { command } = config.claude_cli;
  const claude = inspectClaude(command, {
    cwd: project.root,
    env: { ...environment, ...config.claude_cli.environment },
    timeoutMs: CLAUDE_TIMEOUT_MS,
    signal,
    kill: services.kill,
  });
  const findings = await Promise.all([
    check('node', (of) => checkNode(services, of)),
    check('git', (of) => checkGit(services, project, config, signal, of)),
    check('config', (of) =>
      checkConfiguration(project, result.ok ? [] : result.error, settings.warnings, of),
    ),
    check('verify', (of) => checkVerify(config, of)),
    check('.env', (of) => checkEnvFile(services, project, of)),
    check('claude', async (of) => checkClaude(command, await claude, of)),
    check('login', async (of) => checkLogin(config, secrets, await claude, of)),
    check('key', (of) => checkKey(config, secrets, environment['ANTHROPIC_BASE_URL'], of)),
    check('limits', async (of) => checkLimits(services, project, settings, await claude, of)),
    check('models', (of) => checkModels(settings, signal, of)),
    check('sqlite', (of) => checkDriver(of)),
    check('store', (of) => checkStore(project, of)),
    check('runs', (of) => checkRuns(services, project, of)),
    check('disk', (of) => checkDisk(project, of)),
    check('slack', (of) => (result.ok ? checkSlack(config, of) : [of.skipped(NOT_READ)])),
    check('webhook', (of) => (result.ok ? checkWebhook(config, of) : [of.skipped(NOT_READ)])),
    check('hook', (of) => (result.ok ? checkHook(settings, project, of) : [of.skipped(NOT_READ)])),
  ]);
  return findings.flat();
}

/** What the other checks go by while the configuration cannot be used: defaults, and what else is readable. */
function withoutFile({ env }: Services, { envFile }: Project): LoadedConfig {
  const { environment } = mergeEnvFile(env, envFile);
  const config = configSchema.parse({});
  return { config, origins: new Map(), warnings: [], secrets: secretsOf(environment), environment };
}
