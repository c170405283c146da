import { createHash } from 'node:crypto';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { err, ok, type Result } from '../../domain/result.ts';
import { copyFiles, findCopiedFiles, copyNodeModules, type CopiedFiles } from './copied-files.ts';
import type { Git } from '../git/git.ts';
import { PORTS_PER_SLOT, leasePorts } from './port-leases.ts';

/** What is printed where a command fails; `ok` tells whether it ended with 0. */
interface SetupResult {
  readonly ok: boolean;
  readonly output: string;
}

/** Runs one shell command; `environment` is what comes on top of the user's. Whatever it started is gone afterwards. */
export type RunSetup = (
  command: string,
  directory: string,
  environment: Readonly<Record<string, string>>,
  signal: AbortSignal,
) => Promise<SetupResult>;

/** What every worktree gets besides the files of its commit. */
export interface SetupOptions {
  readonly git: Git;
  /** Of the user's checkout. */
  readonly top: string;
  /** Of the directory that workers work in, below `top`: `packages/app`, or empty. */
  readonly prefix: string;
  /** `.gitignore` patterns. */
  readonly copy: readonly string[];
  readonly setup: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly runSetup: RunSetup;
  /** Where leases of ports are, for all projects of this machine. */
  readonly leases: string;
  readonly warn: (message: string) => void;
}

/** Of files that say which packages are installed. */
const LOCK_FILES = [
  'package-lock.json',
  'npm-shrinkwrap.json',
  'yarn.lock',
  'pnpm-lock.yaml',
  'bun.lock',
  'bun.lockb',
  'deno.lock',
  'Cargo.lock',
  'go.sum',
  'poetry.lock',
  'uv.lock',
  'pdm.lock',
  'Pipfile.lock',
  'requirements.txt',
  'Gemfile.lock',
  'composer.lock',
  'mix.lock',
  'pubspec.lock',
  'Podfile.lock',
  'Package.resolved',
  'gradle.lockfile',
  'packages.lock.json',
  'flake.lock',
];
const MAX_OUTPUT = 4000;

/** Makes worktrees ready to work in. */
export class SlotSetup {
  readonly #options: SetupOptions;

  constructor(options: SetupOptions) {
    this.#options = options;
  }

  /** Which files are to be copied; they are looked for while the worktree is checked out. */
  findFiles(): Promise<CopiedFiles> {
    const { git, top, prefix, copy } = this.#options;
    return findCopiedFiles(git, top, prefix, copy);
  }

  /** What everything that runs in the slot has in its environment. */
  async environment(slot: string): Promise<Result<Readonly<Record<string, string>>, string>> {
    const { env, leases } = this.#options;
    const port = await leasePorts(leases, slot);
    if (port === undefined) {
      return err(
        `All blocks of ${PORTS_PER_SLOT} ports are copied; remove the files in ${leases} of worktrees that are not used.`,
      );
    }
    return ok({ ...env, ORCHESTRATOR_PORT_BASE: String(port) });
  }

  /** Gives a slot that is at its commit the files of the user's that git does not track; the error is a sentence. */
  copy(slot: string, files: CopiedFiles): Promise<Result<readonly string[], string>> {
    const { git, top } = this.#options;
    return copyFiles(git, top, slot, files);
  }

  /** Runs what makes a new slot one to work in. The error is a sentence with the end of what the command printed. */
  async install(
    slot: string,
    key: string,
    environment: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<Result<null, string>> {
    const { git, top, prefix, setup, runSetup } = this.#options;
    if (key === (await this.key(top))) {
      const scratch = `${slot}.node_modules`;
      for (const below of new Set(['', prefix])) {
        const [from, to] = [join(top, below), join(slot, below)];
        await copyNodeModules(git, { from, to, scratch, plainly: setup.length === 0 });
      }
    }
    for (const command of setup) {
      if (signal.aborted) return err('It was stopped while its worktree was prepared.');
      const { ok: done, output } = await runSetup(command, join(slot, prefix), environment, signal);
      if (done) continue;
      const said = output.length > MAX_OUTPUT ? `…${output.slice(-MAX_OUTPUT)}` : output;
      return err(
        `The workspace.setup command \`${command}\` failed in ${join(slot, prefix)}: ${said.trim()}`,
      );
    }
    if (setup.length > 0) await this.#undoTracked(slot);
    return ok(null);
  }

  /** Stands for the commands and the lock files of a directory: as long as it is the same, nothing is to be done again. */
  async key(directory: string): Promise<string> {
    const { prefix, setup } = this.#options;
    const hash = createHash('sha256').update(JSON.stringify(setup));
    let hasSubmodules = false;
    for (const below of new Set(['', prefix])) {
      // Most of them are nowhere, and to look for each takes longer than to list the folder.
      const there = new Set(await readdir(join(directory, below)).catch(() => []));
      if (below === '') hasSubmodules = there.has('.gitmodules');
      for (const name of LOCK_FILES.filter((one) => there.has(one))) {
        const place = join(below, name);
        const content = await readFile(join(directory, place)).catch(() => undefined);
        if (content !== undefined) hash.update(`\0${place}\0${content.length}\0`).update(content);
      }
    }
    const submodules = hasSubmodules
      ? await readFile(join(directory, '.gitmodules')).catch(() => undefined)
      : undefined;
    if (submodules !== undefined) hash.update(submodules).update(await this.#gitLinks(directory));
    return hash.digest('hex');
  }

  async #gitLinks(directory: string): Promise<string> {
    const entries = await this.#options.git.run(['ls-files', '-z', '-s'], { directory });
    return entries
      .split('\0')
      .filter((entry) => entry.startsWith('160000 '))
      .join('\0');
  }

  /** What a command wrote where git sees it would become part of the task's change. */
  async #undoTracked(slot: string): Promise<void> {
    const { git, warn } = this.#options;
    const status = await git.run(['status', '--porcelain', '--no-renames', '-z'], { directory: slot });
    const files = status.split('\0').flatMap((entry) => (entry === '' ? [] : [entry.slice(3)]));
    if (files.length === 0) return;
    await git.run(['reset', '-q', '--hard'], { directory: slot });
    await git.run(['clean', '-fdq'], { directory: slot });
    warn(
      `What workspace.setup wrote to ${files.slice(0, 3).join(', ')}${files.length > 3 ? ', …' : ''} was undone in the ` +
        'worktree, since it would have become part of the change of a task; ignore such files in .git/info/exclude.',
    );
  }
}
