import { configValue, loadConfig } from './config/load-config.ts';
import { configKeys } from './config/schema.ts';
import { hideSecrets, lastFour } from './config/secrets.ts';
import type { ConfigShowReport, ConfigValidateReport } from './contract/config.ts';
import type { Project } from './project/project.ts';
import { loadSettings } from './project/settings.ts';
import type { Services } from './services.ts';

/** Tells what applies, and where each value comes from. */
export function configShow(project: Project, services: Services): ConfigShowReport {
  const { config, origins, secrets, warnings } = loadSettings(services, project);
  const shown = (secret: string | null): string | null => (secret === null ? null : lastFour(secret));
  return {
    file: project.configFile ?? null,
    values: configKeys().map((key) => ({
      key,
      value: hideSecrets(key, configValue(config, key)),
      origin: origins.get(key) ?? { source: 'default', name: '' },
    })),
    secrets: {
      ANTHROPIC_API_KEY: shown(secrets.apiKey),
      ANTHROPIC_AUTH_TOKEN: shown(secrets.authToken),
      CLAUDE_CODE_OAUTH_TOKEN: shown(secrets.oauthToken),
    },
    warnings,
  };
}

/** Tells every problem of the configuration. */
export function configValidate(project: Project, { env }: Pick<Services, 'env'>): ConfigValidateReport {
  const loaded = loadConfig({ file: project.configFile, envFile: project.envFile, env });
  return {
    valid: loaded.ok,
    file: project.configFile ?? null,
    problems: loaded.ok ? [] : loaded.error,
    warnings: loaded.ok ? loaded.value.warnings : [],
  };
}
