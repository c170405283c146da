/** A model as `/v1/models` describes it. */
interface ModelInfo {
  readonly id: string;
  readonly type: 'model';
  readonly display_name: string;
  readonly created_at: string;
  readonly line: string;
  readonly lifecycle: 'active' | 'deprecated';
  readonly deprecated_at: string | null;
  readonly retires_at: string | null;
  readonly max_input_tokens: number;
  readonly max_tokens: number;
  readonly capabilities: null;
}

const model = (
  id: string,
  display_name: string,
  created_at: string,
  line: string,
  max_input_tokens: number,
  max_tokens: number,
): ModelInfo => ({
  id,
  type: 'model',
  display_name,
  created_at,
  line,
  lifecycle: 'active',
  deprecated_at: null,
  retires_at: null,
  max_input_tokens,
  max_tokens,
  capabilities: null,
});

/** Newest first, as the API lists them. */
const MODELS: readonly ModelInfo[] = [
  model('claude-sonnet-5-5', 'Claude Sonnet 5.5', '2026-10-01T00:00:00Z', 'sonnet', 1_000_000, 128_000),
  model('claude-opus-5-5', 'Claude Opus 5.5', '2026-09-20T00:00:00Z', 'opus', 1_000_000, 128_000),
  model('claude-haiku-5-5', 'Claude Haiku 5.5', '2026-09-10T00:00:00Z', 'haiku', 1_000_000, 128_000),
  model('claude-fable-5-2', 'Claude Fable 5.2', '2026-09-01T00:00:00Z', 'fable', 1_000_000, 128_000),
  model('claude-opus-5', 'Claude Opus 5', '2026-05-01T00:00:00Z', 'opus', 1_000_000, 64_000),
  model('claude-sonnet-5', 'Claude Sonnet 5', '2026-04-01T00:00:00Z', 'sonnet', 1_000_000, 64_000),
  {
    ...model('claude-sonnet-4-5', 'Claude Sonnet 4.5', '2025-09-29T00:00:00Z', 'sonnet', 200_000, 32_000),
    lifecycle: 'deprecated',
    deprecated_at: '2026-08-01T00:00:00Z',
    retires_at: '2026-11-30T00:00:00Z',
  },
];

/** The only page of `/v1/models`. */
export function modelPage(): object {
  return {
    data: MODELS,
    has_more: false,
    first_id: MODELS[0]?.id,
    last_id: MODELS.at(-1)?.id,
    next_page: null,
  };
}

/** One model by its id; undefined for an alias, which the API does not know either. */
export function modelInfo(id: string): ModelInfo | undefined {
  return MODELS.find((own) => own.id === id);
}
