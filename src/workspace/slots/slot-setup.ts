import { createHash } from 'node:crypto';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { err, ok, type Result } from '../../domain/result.ts';
import type { Git } from '../git/git.ts';
import { copyFiles, findCopiedFiles, copyNodeModules, type CopiedFiles } from './copied-files.ts';
import type { Layout } from './layout.ts';
import { PORTS_PER_SLOT, leasePorts } from './port-leases.ts';

/** The result of a setup command. */
interface SetupResult {
  /** Whether it exited with 0. */
  readonly ok: boolean;
  readonly output: string;
}

/** Runs a shell command with `environment` added to the user's. Every process that it started is gone afterwards. */
export type RunSetup = (
  command: string,
  directory: string,
  environment: Readonly<Record<string, string>>,
  signal: AbortSignal,
) => Promise<SetupResult>;

/** What a worktree gets besides the files of its commit. */
export interface SetupOptions extends Pick<Layout, 'top' | 'prefix' | 'leases'> {
  readonly git: Git;
  /** `.gitignore` patterns. */
  readonly copy: readonly string[];
  readonly setup: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly runSetup: RunSetup;
  /** Receives what people should know, when it happens. */
  readonly warn: (message: string) => void;
}

/** Names of files that say which packages are installed. */
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

/** Prepares worktrees for work. */
export class SlotSetup {
  readonly #options: SetupOptions;

  constructor(options: SetupOptions) {
    this.#options = options;
  }

  /** Finds the files to copy. The caller does this while the worktree is being checked out. */
  findFiles(): Promise<CopiedFiles> {
    const { git, top, prefix, copy } = this.#options;
    return findCopiedFiles(git, top, prefix, copy);
  }

  /** The environment of everything that runs in a slot. */
  async environment(slot: string): Promise<Result<Readonly<Record<string, string>>, string>> {
    const { env, leases } = this.#options;
    const port = await leasePorts(leases, slot);
    if (port === undefined) {
      return err(
        `All blocks of ${PORTS_PER_SLOT} ports are leased; remove the files in ${leases} of worktrees that are not used.`,
      );
    }
    return ok({ ...env, ORCHESTRATOR_PORT_BASE: String(port) });
  }

  /** Copies files that git does not track from the user's checkout to a slot; the error is a sentence. */
  copy(slot: string, files: CopiedFiles): Promise<Result<readonly string[], string>> {
    const { git, top } = this.#options;
    return copyFiles(git, top, slot, files);
  }

  /** Installs packages and runs the setup commands. The error is a sentence with the end of a command's output. */
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
        await copyNodeModules(git, { from, to, scratch, byteByByte: setup.length === 0 });
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
    if (setup.length > 0) await this.#undoVisibleFiles(slot);
    return ok(null);
  }

  /** A digest of the setup commands and the lock files of a directory. Setup runs again only when it changes. */
  async key(directory: string): Promise<string> {
    const { prefix, setup } = this.#options;
    const hash = createHash('sha256').update(JSON.stringify(setup));
    let hasSubmodules = false;
    for (const below of new Set(['', prefix])) {
      // Most of these files do not exist, and to look for each takes longer than to list the folder.
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

  /** Undoes what a command wrote to files that git does not ignore. It would become part of the task's change. */
  async #undoVisibleFiles(slot: string): Promise<void> {
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
