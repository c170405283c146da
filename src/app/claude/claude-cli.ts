import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import type { CliLogin } from '../../manager/choose-manager.ts';
import { makePrivateFolder } from '../../store/private-folder.ts';
import { cacheDirectory } from '../project/user-data.ts';
import type { Services } from '../services.ts';
import { explainMissingProgram, probe, type ProbeOptions } from './program.ts';

/** What can be learned of the Claude CLI without spending a token. A message continues a sentence that begins with its name. */
export type ClaudeCli =
  /** There is no such program, or another one has its name. */
  | { readonly kind: 'missing'; readonly message: string }
  | { readonly kind: 'broken'; readonly message: string }
  | {
      readonly kind: 'found';
      /** Such as `2.1.330`; undefined if it names none. */
      readonly version: string | undefined;
      /** The login without an API key; undefined if the CLI does not say. */
      readonly login: CliLogin | undefined;
    };

const AUTH_STATUS = z.object({
  loggedIn: z.boolean(),
  authMethod: z.string().nullish(),
  subscriptionType: z.string().nullish(),
});

/** What is known of a program that should be the Claude CLI once it was asked for its version only. */
export type ClaudeProgram =
  Exclude<ClaudeCli, { kind: 'found' }> | Omit<Extract<ClaudeCli, { kind: 'found' }>, 'login'>;

/** Looks for the Claude CLI, its version, and whether it is logged in itself, that is, without an API key. */
export async function inspectClaude(command: string, options: ProbeOptions): Promise<ClaudeCli> {
  const withoutKey = { ...options, env: { ...options.env, ANTHROPIC_API_KEY: undefined } };
  const [program, status] = await Promise.all([
    recogniseClaude(command, options),
    probe(command, ['auth', 'status'], withoutKey),
  ]);
  if (program.kind !== 'found') return program;
  return { ...program, login: status.kind === 'ended' ? parseLogin(status.stdout) : undefined };
}

/** Checks whether a program is the Claude CLI, by its answer to --version. */
export async function recogniseClaude(command: string, options: ProbeOptions): Promise<ClaudeProgram> {
  const version = await probe(command, ['--version'], options);
  if (version.kind === 'missing') {
    const why = explainMissingProgram(command, { cwd: options.cwd, path: options.env['PATH'] });
    return { kind: 'missing', message: why ?? `cannot be started: ${version.message}` };
  }
  if (version.kind === 'timed-out')
    return { kind: 'broken', message: `does not answer to --version within ${options.timeoutMs / 1000} s` };
  if (version.exitCode !== 0) {
    const words = (version.stderr || version.stdout).trim().split('\n', 1)[0]?.slice(0, 200) ?? '';
    return {
      kind: 'broken',
      message: `--version ends with exit code ${version.exitCode ?? 'none'}: ${words}`,
    };
  }
  if (!/claude/i.test(version.stdout)) {
    const said = version.stdout.trim().split('\n', 1)[0]?.slice(0, 80) ?? '';
    const answer = said === '' ? 'nothing' : `"${said}"`;
    return { kind: 'missing', message: `is not the Claude CLI: to --version it says ${answer}` };
  }
  return { kind: 'found', version: /\d+\.\d+\.\d+/.exec(version.stdout)?.[0] };
}

function parseLogin(stdout: string): CliLogin | undefined {
  try {
    const status = AUTH_STATUS.safeParse(JSON.parse(stdout));
    if (!status.success) return undefined;
    const { loggedIn, authMethod, subscriptionType } = status.data;
    return {
      loggedIn: loggedIn && authMethod !== 'api_key',
      subscription: subscriptionType ?? undefined,
    };
  } catch {
    return undefined;
  }
}

type Machine = Pick<Services, 'env' | 'platform'>;

/** Whether this same program was found to be the Claude CLI before: asking it again would delay every run. */
export function isRecognised(machine: Machine, program: string): boolean {
  try {
    return readFileSync(fileOf(machine), 'utf8') === identityOf(program);
  } catch {
    return false;
  }
}

/** Remembers a program that was found to be the Claude CLI. Where that cannot be kept, the next run asks again. */
export function rememberRecognised(machine: Machine, program: string): void {
  const file = fileOf(machine);
  try {
    makePrivateFolder(dirname(file));
    writeFileSync(file, identityOf(program), { mode: 0o600 });
  } catch {
    // Nothing depends on it.
  }
}

function fileOf(machine: Machine): string {
  return join(cacheDirectory(machine), 'claude-orchestrator', 'claude-program');
}

/** It changes when the program is replaced or written to. */
function identityOf(program: string): string {
  const { dev, ino, size, mtimeMs, ctimeMs } = statSync(program);
  return JSON.stringify([program, dev, ino, size, mtimeMs, ctimeMs]);
}
