import { z } from 'zod';
import {
  dollars,
  flag,
  LONGEST_SECONDS,
  milliseconds,
  model,
  seconds,
  section,
  shapeOf,
  texts,
  variables,
  webhook,
} from './fields.ts';

/** Every key of `orchestrator_config.json`; durations are in seconds unless their name says otherwise. */
export const configSchema = z.strictObject({
  $schema: z.string().optional().describe('Where the JSON Schema of this file is, for editors.'),
  models: section(
    {
      manager: section(
        {
          model: model('opus', 'Model that plans: an alias (opus, sonnet, haiku) or a model id.'),
          via: z
            .enum(['auto', 'api', 'cli'])
            .default('auto')
            .describe('How the manager is reached: with the API key, with the Claude CLI, or what is there.'),
        },
        'The model that plans.',
      ),
      worker: section(
        { model: model('sonnet', 'Model that does the tasks: an alias or a model id.') },
        'The model that does the tasks.',
      ),
    },
    'Which models are used, and how.',
  ),
  execution: section(
    {
      max_workers: z.int().min(1).max(64).default(3).describe('Most workers at a time.'),
      worker_timeout: seconds(1800, 1, 'Longest time one try at a task may take, in seconds.'),
      manager_timeout: seconds(300, 1, "Longest time one manager's answer may take, in seconds."),
      stall_timeout: seconds(600, 1, 'A worker that is silent for so many seconds is ended.'),
      max_retries: z.int().min(0).max(100).default(3).describe('Further tries after the first one failed.'),
      retry_base_delay: seconds(1, 0, 'Wait before the first retry, in seconds; it doubles each time.'),
      retry_max_delay: seconds(60, 0, 'Longest wait before a retry, in seconds.'),
      max_turns: z
        .int()
        .min(1)
        .max(100_000)
        .nullable()
        .default(null)
        .describe('Most turns of a worker in one try; null: no limit.'),
      default_working_dir: z
        .string()
        .min(1)
        .nullable()
        .default(null)
        .describe('Directory in which workers work, relative to this file; null: that of this file.'),
      isolation: z
        .enum(['auto', 'worktree', 'none'])
        .default('auto')
        .describe('Whether each task gets a git worktree of its own.'),
      failure_mode: z
        .enum(['continue', 'no-new', 'kill'])
        .default('continue')
        .describe('After a task has failed: go on, start nothing new, or end the running ones too.'),
      bash_default_timeout_ms: milliseconds(
        120_000,
        "Time limit of a worker's shell commands, in milliseconds.",
      ),
      bash_max_timeout_ms: milliseconds(600_000, 'Longest time limit a worker may ask for, in milliseconds.'),
      bash_max_output_length: z
        .int()
        .min(1000)
        .max(10_000_000)
        .default(30_000)
        .describe("Characters of a shell command's output that a worker sees."),
    },
    'How tasks are done.',
  ),
  verify: section(
    {
      commands: texts([], 'Commands that must succeed before a change is taken.'),
      timeout: seconds(600, 1, 'Time limit of each command, in seconds.'),
    },
    'How a change is proven.',
  ),
  review: section(
    {
      max_rounds: z.int().min(1).max(10).default(2).describe('Most review rounds of one task.'),
      on_limit: z
        .enum(['fail', 'follow-up'])
        .default('fail')
        .describe('After the last round: fail the task, or take it and store the findings as new tasks.'),
    },
    'How the manager reviews changes.',
  ),
  budget: section(
    {
      max_cost_usd: dollars('Most that a run may cost, in US dollars; null: no limit.'),
      max_cost_per_task_usd: dollars('Most that one task may cost, in US dollars; null: no limit.'),
    },
    'Ceilings on money.',
  ),
  usage: section(
    {
      reserve_percent: z
        .number()
        .min(0)
        .max(99)
        .default(0)
        .describe('Percent of each usage window that is left to you.'),
      max_wait: z
        .number()
        .min(0)
        .max(LONGEST_SECONDS)
        .nullable()
        .default(null)
        .describe('Longest wait for a usage limit to reset, in seconds; null: until it resets.'),
    },
    'What happens near a usage limit.',
  ),
  workspace: section(
    {
      root: z
        .string()
        .min(1)
        .nullable()
        .default(null)
        .describe("Where worktrees are made; null: the user's cache directory."),
      copy: texts([], 'Globs of untracked files that each worktree gets.'),
      setup: texts([], 'Commands that prepare a new worktree.'),
      env: variables('Environment variables of everything that runs in a worktree.'),
    },
    'Where tasks are done.',
  ),
  git: section(
    {
      auto_commit: flag(false, 'Commit results on your branch instead of leaving them staged.'),
      commit_message_prefix: z.string().max(200).default('').describe('What commit messages begin with.'),
      deliver: z
        .enum(['checkout', 'branch', 'pr'])
        .default('checkout')
        .describe('Where results go: your checkout, a branch, or a pull request.'),
      protected_paths: texts(
        [
          '.claude/**',
          '.mcp.json',
          '.githooks/**',
          '.husky/**',
          '.taskmaster/**',
          'orchestrator_config.json',
        ],
        'Globs of files that a worker must not change.',
      ),
    },
    'What happens with results in git.',
  ),
  monitoring: section(
    {
      show_progress_bar: flag(true, 'Show progress while a run works.'),
      verbose_logging: flag(false, 'As if --verbose were given.'),
      enable_opus_review: flag(true, 'Let the manager review each change before it is taken.'),
      usage_warning_threshold: z
        .number()
        .min(0)
        .max(100)
        .default(80)
        .describe('Percent of a usage limit at which to warn.'),
      check_usage_before_start: flag(
        true,
        'Wait for a usage limit that an earlier run has met; false: find out by trying, as after a change of plan.',
      ),
    },
    'What is shown and watched.',
  ),
  notifications: section(
    {
      slack_webhook_url: webhook(
        'Slack incoming webhook; SLACK_WEBHOOK_URL in the environment does the same.',
      ),
      webhook_url: webhook(
        'Address that gets notices as JSON; NOTIFY_WEBHOOK_URL in the environment does the same.',
      ),
      desktop: flag(true, 'Let the terminal show a desktop notification where it can.'),
      notify_on_task_complete: flag(true, 'Tell when a task is done.'),
      notify_on_task_failed: flag(true, 'Tell when a task has failed.'),
      notify_on_all_complete: flag(true, 'Tell when the run has ended.'),
    },
    'Who is told.',
  ),
  logs: section(
    {
      keep_days: z
        .number()
        .min(0)
        .max(36_500)
        .nullable()
        .default(null)
        .describe(
          'Days for which the transcripts of tasks that are done or cancelled are kept, looked at when a run ends; null: for good.',
        ),
    },
    'How long what workers said is kept.',
  ),
  hooks: section(
    {
      on_event: texts(
        [],
        'Program and arguments, started without a shell for each event, which it gets as a line of JSON on stdin.',
      ),
    },
    'Programs of yours that are started.',
  ),
  claude_cli: section(
    {
      command: z
        .string()
        .trim()
        .min(1)
        .default('claude')
        .describe('The Claude CLI: a name on PATH or a path.'),
      auth: z
        .enum(['auto', 'api_key', 'subscription'])
        .default('auto')
        .describe(
          'Who pays for workers; auto: the subscription where the CLI is logged in, else the API key.',
        ),
      permission_mode: z
        .enum(['default', 'acceptEdits', 'dontAsk', 'auto', 'bypassPermissions'])
        .default('acceptEdits')
        .describe('What workers may do without being asked.'),
      tools: texts(
        ['Bash', 'Read', 'Edit', 'Write', 'Glob', 'Grep'],
        'Built-in tools that workers have, e.g. "WebFetch" added; each is a part of every request. Nothing that starts agents or schedules of its own is in it unless named here; "default" for all that the CLI has. Tools of MCP servers come by `flags`.',
      ),
      allowed_tools: texts([], 'Permission rules that workers get, e.g. "Bash(npm test:*)".'),
      disallowed_tools: texts([], 'Permission rules that workers are refused.'),
      setting_sources: z
        .array(z.enum(['user', 'project', 'local']))
        .default(['user'])
        .describe(
          "Which of the Claude CLI's own settings workers read; `project` runs the hooks that stand in the repository, which a worker could write.",
        ),
      flags: z
        .record(
          z.string().regex(/^[A-Za-z][A-Za-z0-9_-]*$/),
          z.union([z.boolean(), z.number(), z.string(), z.array(z.string()), z.null()]),
        )
        .default({})
        .describe('Further options of the Claude CLI: name to value, true for one without a value.'),
      settings: z
        .record(z.string(), z.unknown())
        .default({})
        .describe('Settings for the Claude CLI, in the form of its settings.json.'),
      environment: variables("Environment variables of the workers' Claude CLI."),
    },
    'How the Claude CLI is started.',
  ),
});

/** The effective configuration; every key has a value. */
export type Config = z.output<typeof configSchema>;

let jsonSchema: z.core.JSONSchema.BaseSchema | undefined;

/** The JSON Schema that `$schema` points to, generated from {@link configSchema}. */
export function configJsonSchema(): z.core.JSONSchema.BaseSchema {
  jsonSchema ??= z.toJSONSchema(configSchema, { io: 'input' });
  return jsonSchema;
}

let keys: readonly string[] | undefined;

/** The dotted paths of all keys that hold a value, in the order of the schema. */
export function configKeys(): readonly string[] {
  keys ??= [...leaves(configSchema, '')];
  return keys;
}

/** The schema of the section or key at `path`, or undefined if there is none. */
export function schemaAt(path: readonly string[]): z.ZodType | undefined {
  let schema: z.ZodType = configSchema;
  for (const key of path) {
    const shape = shapeOf(schema);
    if (shape === undefined || !Object.hasOwn(shape, key)) return undefined;
    schema = shape[key] as z.ZodType;
  }
  return schema;
}

function* leaves(schema: z.ZodType, prefix: string): Generator<string> {
  for (const [key, inner] of Object.entries(shapeOf(schema) ?? {}) as [string, z.ZodType][]) {
    if (key === '$schema') continue;
    if (shapeOf(inner) === undefined) yield `${prefix}${key}`;
    else yield* leaves(inner, `${prefix}${key}.`);
  }
}
