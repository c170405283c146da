import type { GateVerdict } from '../attempt.ts';
import type { Changes, Workspace } from '../workspace/workspace.ts';
import { singleLine } from './display-text.ts';
import { KeyedQueue } from './keyed-queue.ts';
import type { Marker } from './process-table.ts';
import { Standings, type Standing, type Stop, type VerdictBook } from './verdict-book.ts';
import type { CommandFailure, CommandPlace, CommandResult, RunCommand } from './verify.ts';

/** The commands that a change must pass, and what it takes to tell its failures from others. */
export interface GateOptions {
  /** Shell commands, run in this order until one stands in the way. */
  readonly commands: readonly string[];
  readonly run: RunCommand;
  readonly book: VerdictBook;
  /** Lends a directory with the base of a change; null where there is no base. */
  readonly visit: Changes['visit'] | null;
  /** Puts a workspace back to the tree that is judged, before a command is run again on it. */
  readonly reset?: Changes['reset'] | undefined;
  /** Told once of each thing that a person should know. */
  readonly warn: (message: string) => void;
}

/** What is judged. */
export interface GateTarget {
  /** The tree that the workspace is at; null where workers share it: then nothing is remembered or compared. */
  readonly tree: string | null;
  readonly workspace: Workspace;
  /** What the change stands on. */
  readonly base: { readonly commit: string; readonly tree: string } | null;
  /** Of everything that the commands start. */
  readonly marker: Marker;
}

/** What the gates came to; `gates` has those that were asked. */
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
  | Stop;

/**
 * Judges changes by commands. Only a failure that is new, and stays when the command is run again, stands in the way;
 * no command is asked twice about the same tree.
 */
export class Gates {
  readonly commands: readonly string[];
  readonly #options: GateOptions;
  readonly #standings: Standings;
  readonly #shared = new KeyedQueue();
  readonly #warned = new Set<string>();

  constructor(options: GateOptions) {
    this.commands = options.commands;
    this.#options = options;
    this.#standings = new Standings(options.book);
  }

  /** Never rejects for a reason that lies in the change or the commands. */
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
    // Two test runs at once in one directory would disturb each other.
    const inTurn = this.#shared.run(
      workspace.directory,
      () => this.#inOrder((index) => this.#run(index, place, signal)),
      signal,
    );
    return (await inTurn) ?? { kind: 'aborted' };
  }

  async #inOrder(judge: (index: number) => Promise<Ruling>): Promise<GateResult> {
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

  async #judge(index: number, target: Isolated, place: Place, signal: AbortSignal): Promise<Ruling> {
    const command = this.#command(index);
    const ask = this.#standings.settle.bind(this.#standings, target.tree, command);
    const first = await ask('any', () => this.#try(index, place, signal), signal);
    if (first.kind !== 'failed') return this.#noted(command, first);

    const base = await this.#ofBase(index, target, signal);
    if (base?.kind === 'aborted') return base;
    if (base?.kind === 'failed' && isSame(first, base)) {
      this.#standings.put(target.tree, command, { ...first, confirmed: true });
      this.#warnOfBase(command, base, target.base?.commit ?? '');
      return { kind: 'red-before' };
    }
    if (base?.kind === 'failed') this.#warnOfOther(command, base.how);
    const again = (): Promise<Standing | Stop> => this.#again(index, first, target.workspace, place, signal);
    return this.#noted(command, await ask('confirmed', again, signal));
  }

  /** How the command stands with the base; undefined where that cannot be told. */
  async #ofBase(
    index: number,
    { base, marker }: Isolated,
    signal: AbortSignal,
  ): Promise<Standing | { readonly kind: 'aborted' } | undefined> {
    const { visit } = this.#options;
    if (base === null || visit === null) return undefined;
    const command = this.#command(index);
    const run = async (workspace: Workspace, known: Standing | undefined): Promise<Standing | Stop> => {
      const { directory, environment } = workspace;
      const place = { directory, environment, marker, ran: new Set<number>() };
      const standing = known ?? (await this.#try(index, place, signal));
      if (standing.kind !== 'failed' || standing.confirmed) return standing;
      // Whatever fails here lets changes pass unproven, so one bad moment must not be enough.
      return await this.#again(index, standing, null, place, signal);
    };
    const standing = await this.#standings.settle(
      base.tree,
      command,
      'confirmed',
      async (known) => {
        try {
          const visited = await visit(base.commit, (workspace) => run(workspace, known), signal);
          return visited.ok ? visited.value : { kind: 'infrastructure', message: visited.error };
        } catch (error) {
          return { kind: 'infrastructure', message: error instanceof Error ? error.message : String(error) };
        }
      },
      signal,
    );
    if (signal.aborted) return { kind: 'aborted' };
    if (standing.kind !== 'infrastructure') return standing;
    this.#warnOnce(
      `unknown ${command}`,
      `\`${command}\` failed, and could not be run without the change (${standing.message}): ` +
        'so the failure counts as the doing of the task.',
    );
    return undefined;
  }

  /** A first try in this place. */
  async #try(index: number, place: Place, signal: AbortSignal): Promise<Standing | Stop> {
    const first = await this.#run(index, place, signal);
    if (first.kind !== 'failed') return first;
    // Those before it may make what it needs, and what they said was known already: so they did not run here.
    const missing = [...this.commands.keys()].slice(0, index).filter((before) => !place.ran.has(before));
    if (missing.length === 0) return firstFailure(first);
    for (const before of missing) {
      const result = await this.#run(before, place, signal);
      if (result.kind === 'infrastructure' || result.kind === 'aborted') return result;
    }
    const second = await this.#run(index, place, signal);
    return second.kind === 'failed' ? firstFailure(second) : second;
  }

  /** A second try, after one that failed. */
  async #again(
    index: number,
    failure: CommandFailure,
    workspace: Workspace | null,
    place: Place,
    signal: AbortSignal,
  ): Promise<Standing | Stop> {
    // A command that repairs what it complains of would else pass on what does not land.
    if (workspace !== null && this.#options.reset !== undefined) {
      await this.#options.reset(workspace);
      place.ran.clear();
    }
    const result = await this.#run(index, place, signal);
    if (result.kind === 'passed') return { kind: 'flaky' };
    return result.kind === 'failed' ? { ...failure, confirmed: true } : result;
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

  #noted(command: string, standing: Standing | Stop): Standing | Stop {
    if (standing.kind === 'flaky')
      this.#warnOnce(
        `flaky ${command}`,
        `\`${command}\` failed and then passed on the very same files: it is flaky. It blocked nothing, but such ` +
          'runs cost time and prove less.',
      );
    return standing;
  }

  #warnOfBase(command: string, { how, output }: CommandFailure, commit: string): void {
    const last = singleLine(output.slice(output.lastIndexOf('\n') + 1), 120);
    this.#warnOnce(
      `red ${command}`,
      `\`${command}\` fails without any change too (${how}, base ${commit.slice(0, 7)}${last === '' ? '' : `: ${last}`}): ` +
        'it blocks nothing until it passes again.',
    );
  }

  #warnOfOther(command: string, how: string): void {
    this.#warnOnce(
      `other ${command}`,
      `\`${command}\` fails without any change too, but in another way (${how}): so its failures count as the ` +
        'doing of the task.',
    );
  }

  #warnOnce(key: string, message: string): void {
    if (this.#warned.has(key)) return;
    this.#warned.add(key);
    this.#options.warn(message);
  }
}

type Isolated = GateTarget & { readonly tree: string };

/** What came out for one command. */
type Ruling = Standing | CommandResult | { readonly kind: 'red-before' };

interface Place extends CommandPlace {
  /** Indexes of the commands that have run here. */
  readonly ran: Set<number>;
}

/** A command that takes too long is not run again: that would cost the whole time once more. */
function firstFailure(failure: CommandFailure): Standing {
  return { ...failure, confirmed: failure.sort === 'time-out' };
}

/** Whether the change fails as its base does. A base where the program is not even there tells nothing of a failed test. */
function isSame(change: CommandFailure, base: CommandFailure): boolean {
  return change.sort === base.sort || (base.sort === 'time-out' && change.sort === 'failed');
}
