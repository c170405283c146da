/** The little of a directory that detection looks at; paths are relative to it. */
export interface ProjectFiles {
  readonly exists: (path: string) => boolean;
  /** The text of a file; empty if there is none. */
  readonly read: (path: string) => string;
  /** Names of the files and folders in a folder; empty if there is none. */
  readonly names: (path: string) => readonly string[];
}

/** One tool chain of a project, with what it proposes. */
export interface Stack {
  /** For people, e.g. `Node.js (pnpm)`. */
  readonly name: string;
  /** The file that tells. */
  readonly evidence: string;
  /** Commands that prove a change. */
  readonly verify: readonly string[];
  /** Permission rules of the Claude CLI for what a worker needs to do its work. */
  readonly allowedTools: readonly string[];
}

/** The rule that allows a command with any further arguments. */
export function bashRule(command: string): string {
  return `Bash(${command}:*)`;
}
