import { parse } from 'dotenv';
import { readConfigFile, readTextFile } from '../config/config-file.ts';
import { createRedactor, type Redact } from '../../domain/redact.ts';
import type { Services } from '../services.ts';
import type { Project } from './project.ts';

/**
 * The one redactor of whatever this process shows, logs and sends: it knows the values of all variables whose name says
 * that they are secret, of the environment and of `.env`, and what the configuration says of the kind. It takes them as
 * they stand, so that a configuration that cannot be used changes nothing; without a project it knows the environment.
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

/** The texts whose name says that they are secret, however deep; in a secret section all of them. */
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
