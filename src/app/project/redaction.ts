import { parse } from 'dotenv';
import { readConfigFile, readTextFile } from '../config/config-file.ts';
import { createRedactor, type Redact } from '../../domain/redact.ts';
import type { Services } from '../services.ts';
import type { Project } from './project.ts';

/**
 * The redactor of everything that this process shows, logs and sends. It knows the secrets in the environment, in
 * `.env` and in the configuration: all values whose name says that they are secret. The files are read as they are, so
 * that it also works where the configuration cannot be used. Without a project it knows only the environment.
 */
export function redactorFor(
  { env }: Pick<Services, 'env'>,
  project?: Pick<Project, 'envFile' | 'configFile'>,
): Redact {
  return createRedactor([
    ...secretsIn(env),
    ...(project === undefined
      ? []
      : [...secretsIn(envFile(project.envFile)), ...secretsIn(configFile(project.configFile))]),
  ]);
}

const SECRET_NAME = /(?:key|token|secret|passw(?:or)?d|passphrase|credentials?)$|webhook/i;

/** The texts whose name says that they are secret, at any depth. In a secret section all texts are secret. */
function secretsIn(value: object, isSecret = false): string[] {
  return Object.entries(value).flatMap(([name, inner]: [string, unknown]): string[] => {
    const isOne = isSecret || SECRET_NAME.test(name);
    if (typeof inner === 'string') return isOne ? [inner] : [];
    return typeof inner === 'object' && inner !== null ? secretsIn(inner, isOne) : [];
  });
}

function envFile(path: string): object {
  const text = readTextFile(path);
  return text.ok ? parse(text.value) : {};
}

function configFile(path: string | undefined): object {
  const value = path === undefined ? undefined : readConfigFile(path);
  return value?.ok === true ? value.value : {};
}
