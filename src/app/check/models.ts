import type { LoadedConfig } from '../config/load-config.ts';
import { couldBeClaude, impossibleModel, noSuchModel } from '../claude/model-name.ts';
import type { Finding, Findings } from './finding.ts';

const TIMEOUT_MS = 8000;

const REACH =
  'See whether this machine reaches the API: network, proxy, ANTHROPIC_BASE_URL; then run `check` again.';

/** Whether the configured models exist, by the models list, which costs nothing. */
export async function checkModels(
  settings: LoadedConfig,
  signal: AbortSignal,
  findings: Findings,
): Promise<Finding[]> {
  const { config, secrets, environment } = settings;
  const { apiKey } = secrets;
  const roles = ['manager', 'worker'] as const;
  const impossible = roles.flatMap((role) => impossibleModel(settings, role) ?? []);
  if (impossible.length > 0) return impossible.map(({ message, fix }) => findings.failure(message, fix));
  if (apiKey === null) return [findings.skipped('not checked: the models list needs an API key')];
  const { resolveModel } = await import('../../manager/sdk/models.ts');
  const connection = {
    apiKey,
    baseUrl: environment['ANTHROPIC_BASE_URL'],
    timeoutMs: TIMEOUT_MS,
    silenceMs: TIMEOUT_MS,
    maxRetries: 0,
    baseMs: 0,
    maxMs: 0,
    random: Math.random,
  };
  const at = performance.now() + TIMEOUT_MS;
  const results = await Promise.all(
    roles.map((role) => resolveModel(connection, config.models[role].model, { at, signal })),
  );
  const found: string[] = [];
  const problems = new Map<string, Finding>();
  for (const [index, role] of roles.entries()) {
    const result = results[index];
    if (result?.ok === true) {
      const { id, note, isListed } = result.value;
      if (!isListed) {
        const { message, fix } = noSuchModel(role, id, "it is not in the server's models list");
        const told = `models.${role}.model is "${id}", which is not in the server's models list`;
        problems.set(
          role,
          couldBeClaude(id)
            ? findings.warning(told, 'See whether it is spelled right: not every id is on the list.')
            : findings.failure(message, fix),
        );
        continue;
      }
      found.push(
        `${role} ${config.models[role].model}${id === config.models[role].model ? '' : ` = ${id}`}${note === '' ? '' : ` (${note})`}`,
      );
    } else if (result !== undefined) {
      const { reason, message, fix } = result.error;
      const text = message.replaceAll('models.manager.model', `models.${role}.model`);
      // A network that is down now may be up when the run starts, and it is down for both models.
      // What is said of the manager stands: its name is in the message.
      if (reason === 'manager-unavailable' || reason === 'usage-limited') {
        if (!problems.has(reason)) problems.set(reason, findings.warning(`not checked: ${text}`, REACH));
      } else
        problems.set(
          text,
          findings.failure(text, fix?.replaceAll('models.manager.model', `models.${role}.model`)),
        );
    }
  }
  return [...(found.length === 0 ? [] : [findings.ok(found.join(', '))]), ...problems.values()];
}
