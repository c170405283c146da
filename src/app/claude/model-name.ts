import type { LoadedConfig } from '../config/load-config.ts';
import type { Failure } from '../../domain/failure.ts';
import { MODEL_LINES } from '../../manager/api-failure.ts';

type Role = 'manager' | 'worker';

/** Names that the Claude CLI knows besides those of model lines. */
const OTHER_NAMES = ['default', 'best', 'opusplan'];
/** Where one of these is set, a model may have any name. */
const OTHER_SERVERS = [
  'ANTHROPIC_BASE_URL',
  'CLAUDE_CODE_USE_BEDROCK',
  'CLAUDE_CODE_USE_VERTEX',
  'CLAUDE_CODE_USE_FOUNDRY',
];

/** Whether a name could be that of a Claude model: an alias, or an id. */
export function couldBeClaude(name: string): boolean {
  const plain = name.toLowerCase().replace(/\[.*\]$/, '');
  return plain.includes('claude') || [...MODEL_LINES, ...OTHER_NAMES].some((alias) => alias === plain);
}

/** Says without a call why the model of a role cannot be one of Anthropic's; undefined where it can be. */
export function checkModelName(
  { config, environment }: Pick<LoadedConfig, 'config' | 'environment'>,
  role: Role,
): Failure | undefined {
  const name = config.models[role].model;
  const whole = { ...environment, ...config.claude_cli.environment };
  if (couldBeClaude(name) || OTHER_SERVERS.some((variable) => (whole[variable] ?? '') !== ''))
    return undefined;
  return modelFailure(role, name, 'it is not a Claude model');
}

/** The failure of a model that does not exist. */
export function modelFailure(role: Role, name: string, why: string): Failure {
  return {
    reason: 'model-unavailable',
    message: `The model "${name}" of models.${role}.model cannot be used (${why}).`,
    fix: `Set models.${role}.model to the alias "${role === 'manager' ? 'opus' : 'sonnet'}", which follows the current model, or to a model's id.`,
  };
}
