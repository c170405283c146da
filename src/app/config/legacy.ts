/** Keys of earlier versions that have no meaning here. */
const LEGACY_KEYS: ReadonlySet<string> = new Set([
  'models.manager.description',
  'models.worker.description',
  'execution.task_queue_timeout',
  'monitoring.progress_interval',
  'notifications.slack',
  'locale',
]);

/** Options of the Claude CLI that the tool itself always sets. */
const OWN_FLAGS: ReadonlySet<string> = new Set([
  'verbose',
  'print',
  'p',
  'output_format',
  'input_format',
  'session_id',
  'resume',
  'continue',
  'fork_session',
  'json_schema',
  'model',
  'max_turns',
  'max_budget_usd',
  'settings',
  'setting_sources',
  'worktree',
  'bg',
]);

/** Whether a key is accepted without having a meaning. */
export function isLegacyKey(path: string): boolean {
  return LEGACY_KEYS.has(path);
}

/** The flags of `claude_cli.flags`, sorted into those that stay, those that have a key of their own, and the rest. */
export interface SortedFlags {
  readonly flags: Readonly<Record<string, unknown>>;
  /** Values for other keys, by their dotted path. */
  readonly moved: Readonly<Record<string, unknown>>;
  /** Names that have no meaning here. */
  readonly legacy: readonly string[];
}

/** Sorts flags that may be from an earlier version. */
export function sortFlags(given: Readonly<Record<string, unknown>>): SortedFlags {
  const flags: Record<string, unknown> = {};
  const moved: Record<string, unknown> = {};
  const legacy: string[] = [];
  for (const [name, value] of Object.entries(given)) {
    const key = name.replaceAll('-', '_').toLowerCase();
    if (OWN_FLAGS.has(key)) legacy.push(name);
    else if (key === 'dangerously_skip_permissions') {
      if (value === true) moved['claude_cli.permission_mode'] = 'bypassPermissions';
    } else if (key === 'permission_mode') moved['claude_cli.permission_mode'] = value;
    else if (key === 'tools')
      moved['claude_cli.tools'] = typeof value === 'string' ? value.split(/[\s,]+/).filter(Boolean) : value;
    else if (key === 'allowed_tools' || key === 'allowedtools') moved['claude_cli.allowed_tools'] = value;
    else if (key === 'disallowed_tools' || key === 'disallowedtools')
      moved['claude_cli.disallowed_tools'] = value;
    else
      Object.defineProperty(flags, name.replaceAll('_', '-'), {
        value,
        enumerable: true,
        configurable: true,
      });
  }
  return { flags, moved, legacy };
}
