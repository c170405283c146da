import type { Readable } from 'node:stream';

/** What is said at once, beside the report; a skin shows it, or keeps it. */
export interface Notice {
  /**
   * `configuration`: a warning that every use of the same configuration repeats; `progress`: what is going on now;
   * `prompt`: what is waited for.
   */
  readonly kind: 'warning' | 'configuration' | 'note' | 'progress' | 'prompt';
  readonly message: string;
}

/** What a use case is given of the process that it runs in, and of whoever asked for it. */
export interface Services {
  /** The environment as it was given, without `.env`. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly pid: number;
  readonly platform: NodeJS.Platform;
  readonly nodeVersion: string;
  readonly nodePath: string;
  /** The file that was started, for use cases that start the tool again. */
  readonly scriptPath: string;
  readonly stdin: Readable & { readonly isTTY?: boolean };
  /** Sends a signal to a process, to a whole group where `pid` is negative; throws if there is none. */
  readonly kill: (pid: number, signal: NodeJS.Signals) => void;
  readonly tell: (notice: Notice) => void;
  /** Calls `listener` each time that whoever asked wants no more, until the returned function is called. */
  readonly onInterrupt: (listener: () => void) => () => void;
}
