import type { Marker } from '../process/process-table.ts';

/**
 * The whole environment of a command that judges or prepares a worktree: the user's own, without the orchestrator's
 * keys and settings, a Claude CLI's, and what would point git at another repository. The workspace's comes last.
 */
export function commandEnvironment(
  own: Readonly<Record<string, string | undefined>>,
  workspace: Readonly<Record<string, string>>,
  marker: Marker,
): Record<string, string> {
  const kept = Object.entries(own).filter(
    (entry): entry is [string, string] => entry[1] !== undefined && !NOT_FOR_COMMANDS.test(entry[0]),
  );
  return { ...Object.fromEntries(kept), ...workspace, [marker.variable]: marker.value };
}

/** A token of the user's own program stays: its tests may need it. */
const NOT_FOR_COMMANDS =
  /^(?:ANTHROPIC_|CLAUDE_|CLAUDECODE$|(?:SLACK|NOTIFY)_WEBHOOK_URL$|GIT_(?:DIR|WORK_TREE|INDEX_FILE|OBJECT_DIRECTORY|ALTERNATE_OBJECT_DIRECTORIES|COMMON_DIR|NAMESPACE|PREFIX|CONFIG|CONFIG_PARAMETERS|CONFIG_COUNT|IMPLICIT_WORK_TREE|GRAFT_FILE|SHALLOW_FILE|NO_REPLACE_OBJECTS|REPLACE_REF_BASE)$)/;
