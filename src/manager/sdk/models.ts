import { z } from 'zod';
import type { Failure } from '../../domain/failure.ts';
import { err, ok, type Result } from '../../domain/result.ts';
import { MODEL_LINES, modelUnavailable } from '../api-failure.ts';
import { callWithRetries, type Deadline, type SdkConnection } from './exchange.ts';

/** A model that can be used. */
export interface ResolvedModel {
  readonly id: string;
  /** In tokens. */
  readonly maxInput: number;
  /** False if the server has a models list and this model is not on it. */
  readonly isListed: boolean;
  readonly maxOutput: number;
  /** A note for people, e.g. that it is about to be retired. Empty if there is none. */
  readonly note: string;
}

/** A field that is ignored unless it has the expected form. Gateways and older servers leave fields out. */
const maybe = <T extends z.ZodType>(schema: T) => schema.nullish().catch(null);

const modelSchema = z.object({
  id: z.string().min(1),
  created_at: maybe(z.string()),
  line: maybe(z.string()),
  lifecycle: maybe(z.string()),
  retires_at: maybe(z.string()),
  max_input_tokens: maybe(z.number().min(1)),
  max_tokens: maybe(z.number().min(1)),
});
type Model = z.infer<typeof modelSchema>;

/** No server has more. An endless list must not be read for ever. */
const MAX_MODELS = 1_000;

const DEFAULT_MAX_INPUT = 200_000;
const DEFAULT_MAX_OUTPUT = 32_000;

/**
 * Finds the model that `models.manager.model` names, by the models list. An alias (`opus`) names the newest model of that
 * line. An id that is not on the list is used unchanged, since the API accepts more ids than it lists.
 */
export async function resolveModel(
  connection: SdkConnection,
  name: string,
  deadline: Deadline,
): Promise<Result<ResolvedModel, Failure>> {
  const listed = await callWithRetries(connection, name, deadline, async (client, { signal }) => {
    const models: Model[] = [];
    const lifecycle = ['active', 'deprecated', 'retired'] as const;
    let seen = 0;
    try {
      for await (const listed of client.models.list({ lifecycle: [...lifecycle] }, { signal })) {
        const model = modelSchema.safeParse(listed);
        if (model.success) models.push(model.data);
        if (++seen >= MAX_MODELS) break;
      }
    } catch (error) {
      // The SDK throws this for an answer that is not a list, such as null. Other failures have errors of their own.
      if (!(error instanceof TypeError)) throw error;
    }
    return models;
  });
  const isAlias = MODEL_LINES.some((line) => line === name);
  // A gateway may have no models list at all. Then only an id can be used.
  if (!listed.ok && listed.error.reason !== 'model-unavailable') return listed;
  const models = listed.ok ? listed.value : [];
  if (models.length === 0) return isAlias ? err(noList(name)) : ok(unlisted(name));
  return isAlias ? newestOf(name, models) : byId(name, models);
}

function newestOf(line: string, models: readonly Model[]): Result<ResolvedModel, Failure> {
  const usable = models
    .filter((model) => lineOf(model) === line && !isRetired(model))
    .sort((a, b) => Number(isDeprecated(a)) - Number(isDeprecated(b)) || releasedAt(b) - releasedAt(a));
  const newest = usable[0];
  return newest === undefined
    ? err({
        ...modelUnavailable(line, 'the models list has no model of that line'),
        // The usual advice is to use the alias, which does not work here.
        fix: 'Set models.manager.model to the id of a model that the server has.',
      })
    : ok(resolved(newest));
}

function byId(id: string, models: readonly Model[]): Result<ResolvedModel, Failure> {
  const model = models.find((own) => own.id === id);
  if (model === undefined) return ok({ ...unlisted(id), isListed: false, note: 'not in the models list' });
  return isRetired(model) ? err(modelUnavailable(id, 'it is retired')) : ok(resolved(model));
}

function resolved(model: Model): ResolvedModel {
  const until =
    (model.retires_at ?? null) === null ? '' : `, retires ${model.retires_at?.slice(0, 10) ?? ''}`;
  return {
    id: model.id,
    isListed: true,
    maxInput: model.max_input_tokens ?? DEFAULT_MAX_INPUT,
    maxOutput: model.max_tokens ?? DEFAULT_MAX_OUTPUT,
    note: isDeprecated(model) ? `deprecated${until}` : '',
  };
}

function unlisted(id: string): ResolvedModel {
  return { id, isListed: true, maxInput: DEFAULT_MAX_INPUT, maxOutput: DEFAULT_MAX_OUTPUT, note: '' };
}

/** Older servers and gateways do not name the line, but the id contains it. */
function lineOf(model: Model): string | undefined {
  return model.line ?? MODEL_LINES.find((own) => model.id.startsWith(`claude-${own}-`));
}

function isRetired({ lifecycle }: Model): boolean {
  return lifecycle === 'retired';
}

function isDeprecated({ lifecycle }: Model): boolean {
  return lifecycle === 'deprecated';
}

function releasedAt(model: Model): number {
  const time = Date.parse(model.created_at ?? '');
  return Number.isNaN(time) ? 0 : time;
}

function noList(alias: string): Failure {
  return {
    reason: 'model-unavailable',
    message: `The alias "${alias}" of models.manager.model cannot be resolved: the server has no models list, or an empty one.`,
    fix: 'Set models.manager.model to the id of a model that the server has.',
  };
}
