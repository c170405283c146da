import type { GateVerdict } from '../../domain/attempt.ts';
import { messageOf } from '../../domain/failure.ts';
import { singleLine } from '../../domain/text/printable.ts';
import type { Changes, Workspace } from '../../workspace/workspace.ts';
import type { Marker } from '../process/process-table.ts';
import { KeyedQueue } from './keyed-queue.ts';
import type { CommandFailure, CommandPlace, CommandResult, RunCommand } from './run-command.ts';

/** Keeps the verdicts of commands on trees, as texts, for the length of a run. */
export interface VerdictCache {
  get(tree: string, command: string): string | undefined;
  put(tree: string, command: string, verdict: string): void;
}

/** What a command says about a tree: it passes, it passes only sometimes, or it fails. */
type CommandVerdict = { readonly kind: 'passed' | 'flaky' } | CommandFailure;

/** Why there is no verdict. */
type NoVerdict = Extract<CommandResult, { readonly kind: 'infrastructure' | 'aborted' }>;

/** The commands that a change must pass, and what it takes to tell its own failures from others. */
export interface GateOptions {
  /** Shell commands. They run in this order until one blocks the change. */
  readonly commands: readonly string[];
  readonly run: RunCommand;
  readonly verdicts: VerdictCache;
  /** Lends a directory with the base of a change. Null if there is no base. */
  readonly withCheckout: Changes['withCheckout'] | null;
  /** Resets a workspace to the tree that is judged, before a command runs on it again. */
  readonly reset?: Changes['reset'] | undefined;
  /** Called once for each thing that a person should know. */
  readonly warn: (message: string) => void;
}

/** The change that is judged. */
export interface GateTarget {
  /** The tree of the workspace. Null if workers share it; then no verdict is remembered or compared. */
  readonly tree: string | null;
  readonly workspace: Workspace;
  /** What the change is based on. */
  readonly base: { readonly commit: string; readonly tree: string } | null;
  /** Carried by everything that the commands start. */
  readonly marker: Marker;
}

/** The result of the gates. `gates` holds those that ran or whose verdict was known. */
export type GateResult =
  | { readonly kind: 'passed'; readonly gates: readonly GateVerdict[] }
  | {
      readonly kind: 'failed';
      readonly gates: readonly GateVerdict[];
      readonly command: string;
      /** E.g. `exit code 1`. */
      readonly how: string;
      /** Beginning and end of what it printed. */
      readonly output: string;
    }
  | NoVerdict;

/**
 * Judges changes by commands. Only a failure that is new and that repeats blocks a change. No command judges the same
 * tree twice.
 */
export class Gates {
  readonly commands: readonly string[];
  readonly #options: GateOptions;
  readonly #finding = new KeyedQueue();
  readonly #shared = new KeyedQueue();
  readonly #warned = new Set<string>();

  constructor(options: GateOptions) {
    this.commands = options.commands;
    this.#options = options;
  }

  /** Never rejects because of the change or the commands. */
  async check(target: GateTarget, signal: AbortSignal): Promise<GateResult> {
    const { tree, workspace, marker } = target;
    const place: Place = {
      directory: workspace.directory,
      environment: workspace.environment,
      marker,
      ran: new Set(),
    };
    if (tree !== null)
      return await this.#inOrder((index) => this.#judge(index, { ...target, tree }, place, signal));
    // Two test runs in one directory at the same time would disturb each other.
    const inTurn = this.#shared.run(
      workspace.directory,
      () => this.#inOrder((index) => this.#run(index, place, signal)),
      signal,
    );
    return (await inTurn) ?? { kind: 'aborted' };
  }

  async #inOrder(judge: (index: number) => Promise<Judgement>): Promise<GateResult> {
    const gates: GateVerdict[] = [];
    for (const [index, command] of this.commands.entries()) {
      const ruling = await judge(index);
      if (ruling.kind === 'infrastructure' || ruling.kind === 'aborted') return ruling;
      gates.push({ command, verdict: ruling.kind });
      if (ruling.kind === 'failed') {
        const { how, output } = ruling;
        return { kind: 'failed', gates, command, how, output };
      }
    }
    return { kind: 'passed', gates };
  }

  async #judge(index: number, target: Isolated, place: Place, signal: AbortSignal): Promise<Judgement> {
    const command = this.#command(index);
    const find = (): Promise<CommandVerdict | NoVerdict> =>
      this.#find(index, place, target.workspace, signal);
    const own = await this.#verdict(target.tree, command, find, signal);
    if (own.kind === 'flaky') this.#warnOfFlaky(command);
    if (own.kind !== 'failed' || target.base === null) return own;

    const base = await this.#ofBase(index, target.base, target.marker, signal);
    if (base.kind === 'aborted') return base;
    if (base.kind === 'infrastructure') this.#warnOfUnknown(command, base.message);
    if (base.kind !== 'failed') return own;
    const isSame = own.sort === base.sort || (own.sort === 'failed' && base.sort === 'time-out');
    this.#warnOfBase(command, base, target.base.commit, isSame);
    return isSame ? { kind: 'red-before' } : own;
  }

  /** The command's verdict on a base, or `infrastructure` if there is none. */
  async #ofBase(
    index: number,
    { commit, tree }: NonNullable<GateTarget['base']>,
    marker: Marker,
    signal: AbortSignal,
  ): Promise<CommandVerdict | NoVerdict> {
    const find = async (): Promise<CommandVerdict | NoVerdict> => {
      try {
        const visited = await this.#options.withCheckout?.(
          commit,
          ({ directory, environment }) =>
            this.#find(index, { directory, environment, marker, ran: new Set() }, null, signal),
          signal,
        );
        if (visited === undefined)
          return { kind: 'infrastructure', message: 'There is no directory for the base.' };
        return visited.ok ? visited.value : { kind: 'infrastructure', message: visited.error };
      } catch (error) {
        return { kind: 'infrastructure', message: messageOf(error) };
      }
    };
    const verdict = await this.#verdict(tree, this.#command(index), find, signal);
    return signal.aborted ? { kind: 'aborted' } : verdict;
  }

  /** The verdict in the cache, else the one that `find` returns: once for everybody who asks, now or later. */
  async #verdict(
    tree: string,
    command: string,
    find: () => Promise<CommandVerdict | NoVerdict>,
    signal: AbortSignal,
  ): Promise<CommandVerdict | NoVerdict> {
    const { verdicts } = this.#options;
    const inTurn = this.#finding.run(
      `${tree} ${command}`,
      async () => {
        const known = verdicts.get(tree, command);
        // Only this class writes these texts.
        if (known !== undefined) return JSON.parse(known) as CommandVerdict;
        const found = await find();
        if (found.kind !== 'infrastructure' && found.kind !== 'aborted')
          verdicts.put(tree, command, JSON.stringify(found));
        return found;
      },
      signal,
    );
    return (await inTurn) ?? { kind: 'aborted' };
  }

  /**
   * Finds the verdict on a tree. A single failure does not count: on a change it would blame the task, and on a base it
   * would let every failure of the change pass.
   */
  async #find(
    index: number,
    place: Place,
    workspace: Workspace | null,
    signal: AbortSignal,
  ): Promise<CommandVerdict | NoVerdict> {
    const first = await this.#try(index, place, signal);
    // A command that took too long does not run again, since that would cost the whole time once more.
    if (first.kind !== 'failed' || first.sort === 'time-out') return first;
    if (workspace !== null && this.#options.reset !== undefined) {
      // Without the reset, a command that repairs what it complains about would pass on files that do not land.
      await this.#options.reset(workspace);
      place.ran.clear();
    }
    const second = await this.#run(index, place, signal);
    if (second.kind === 'passed') return { kind: 'flaky' };
    return second.kind === 'failed' ? first : second;
  }

  /** Runs a command. If it fails, runs it again after the commands before it, which it may need. */
  async #try(index: number, place: Place, signal: AbortSignal): Promise<CommandResult> {
    const result = await this.#run(index, place, signal);
    if (result.kind !== 'failed') return result;
    // The verdicts of the others were known, so they have not run here and not made what this one may need.
    const missing = [...this.commands.keys()].slice(0, index).filter((before) => !place.ran.has(before));
    if (missing.length === 0) return result;
    for (const before of missing) {
      const made = await this.#run(before, place, signal);
      if (made.kind === 'infrastructure' || made.kind === 'aborted') return made;
    }
    return await this.#run(index, place, signal);
  }

  async #run(index: number, place: Place, signal: AbortSignal): Promise<CommandResult> {
    const result = await this.#options.run(this.#command(index), place, signal);
    if (result.kind === 'passed' || result.kind === 'failed') place.ran.add(index);
    return result;
  }

  #command(index: number): string {
    const command = this.commands[index];
    if (command === undefined) throw new Error(`There is no command ${index}.`);
    return command;
  }

  #warnOfFlaky(command: string): void {
    this.#warnOnce(
      `flaky ${command}`,
      `\`${command}\` failed and then passed on the very same files: it is flaky. It did not block the change, but ` +
        'such a command costs time and proves less.',
    );
  }

  #warnOfUnknown(command: string, reason: string): void {
    this.#warnOnce(
      `unknown ${command}`,
      `\`${command}\` failed, and it could not be run without the change (${reason}). Its failures count against ` +
        'the task.',
    );
  }

  #warnOfBase(command: string, { how, output }: CommandFailure, commit: string, isSame: boolean): void {
    const last = singleLine(output.slice(output.lastIndexOf('\n') + 1), 120);
    const proof = `${how}, base ${commit.slice(0, 7)}${last === '' ? '' : `: ${last}`}`;
    this.#warnOnce(
      `red ${isSame} ${command}`,
      `\`${command}\` fails without any change too${isSame ? '' : ', but in another way'} (${proof}). ` +
        (isSame
          ? 'It does not block any task until it passes again.'
          : 'Its failures with the change count against the task.'),
    );
  }

  #warnOnce(key: string, message: string): void {
    if (this.#warned.has(key)) return;
    this.#warned.add(key);
    this.#options.warn(message);
  }
}

type Isolated = GateTarget & { readonly tree: string };

/** The result of one command for a change. */
type Judgement = CommandVerdict | CommandResult | { readonly kind: 'red-before' };

interface Place extends CommandPlace {
  /** Indexes of the commands that have run here. */
  readonly ran: Set<number>;
}
