import { redactValue } from '../domain/redact.ts';
import { checkClaude, checkKey, checkLogin, checkModels } from './check/claude.ts';
import {
  checkConfiguration,
  checkEnvFile,
  checkHook,
  checkSlack,
  checkVerify,
  checkWebhook,
} from './check/configuration.ts';
import { runCheck } from './check/finding.ts';
import { checkDisk, checkGit, checkNode } from './check/machine.ts';
import { checkDriver, checkLimits, checkRuns, checkStore } from './check/store.ts';
import { inspectClaude } from './claude/claude-cli.ts';
import { mergeEnvFile, secretsOf } from './config/environment.ts';
import { loadConfig, type LoadedConfig } from './config/load-config.ts';
import { configSchema } from './config/schema.ts';
import type { CheckReport, Finding } from './contract/check.ts';
import { interruptible } from './interrupt.ts';
import type { Project } from './project/project.ts';
import { redactorFor } from './project/redaction.ts';
import type { Services } from './services.ts';

/** Tells what keeps a run from starting, what could be better, and the fix for each. Nothing is changed. */
export async function check(project: Project, services: Services): Promise<CheckReport> {
  const findings = await interruptible(services, 'Nothing was changed.', (signal) =>
    runChecks(services, project, signal),
  );
  const checks = redactValue(findings, redactorFor(services, project));
  return { canRun: checks.every(({ status }) => status !== 'failure'), root: project.root, checks };
}

const CLAUDE_TIMEOUT_MS = 10_000;

/** Defaults would say that nobody is notified, as if that were what the configuration says. */
const NOT_READ = 'not checked: the configuration cannot be used';

/** Does all checks at once, each with a time limit of its own; the findings come in a fixed order. */
async function runChecks(services: Services, project: Project, signal: AbortSignal): Promise<Finding[]> {
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
    runCheck('node', (of) => checkNode(services, of)),
    runCheck('git', (of) => checkGit(services, project, config, signal, of)),
    runCheck('config', (of) =>
      checkConfiguration(project, result.ok ? [] : result.error, settings.warnings, of),
    ),
    runCheck('verify', (of) => checkVerify(config, of)),
    runCheck('.env', (of) => checkEnvFile(services, project, of)),
    runCheck('claude', async (of) => checkClaude(command, await claude, of)),
    runCheck('login', async (of) => checkLogin(config, secrets, await claude, of)),
    runCheck('key', (of) => checkKey(config, secrets, environment['ANTHROPIC_BASE_URL'], of)),
    runCheck('limits', async (of) => checkLimits(services, project, settings, await claude, of)),
    runCheck('models', (of) => checkModels(settings, signal, of)),
    runCheck('sqlite', (of) => checkDriver(of)),
    runCheck('store', (of) => checkStore(project, of)),
    runCheck('runs', (of) => checkRuns(services, project, of)),
    runCheck('disk', (of) => checkDisk(project, of)),
    runCheck('slack', (of) => (result.ok ? checkSlack(config, of) : [of.skipped(NOT_READ)])),
    runCheck('webhook', (of) => (result.ok ? checkWebhook(config, of) : [of.skipped(NOT_READ)])),
    runCheck('hook', (of) => (result.ok ? checkHook(settings, project, of) : [of.skipped(NOT_READ)])),
  ]);
  return findings.flat();
}

/** What the other checks use while the configuration cannot be used: defaults, and what else can be read. */
function withoutFile({ env }: Services, { envFile }: Project): LoadedConfig {
  const { environment } = mergeEnvFile(env, envFile);
  const config = configSchema.parse({});
  return { config, origins: new Map(), warnings: [], secrets: secretsOf(environment), environment };
}
