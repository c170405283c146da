import { z } from 'zod';
import type { CliLogin } from '../../manager/choose-manager.ts';
import { whyNoProgram } from './find-program.ts';
import { probe, type ProbeOptions } from './probe.ts';

/** What can be learned of the Claude CLI without spending a token; a message goes on after its name. */
export type ClaudeCli =
  /** There is no such program, or it is another one. */
  | { readonly kind: 'missing'; readonly message: string }
  | { readonly kind: 'broken'; readonly message: string }
  | {
      readonly kind: 'found';
      /** E.g. `2.1.330`; undefined if it tells none. */
      readonly version: string | undefined;
      /** The login without any API key; undefined if it cannot be told. */
      readonly login: CliLogin | undefined;
    };

const AUTH_STATUS = z.object({
  loggedIn: z.boolean(),
  authMethod: z.string().nullish(),
  subscriptionType: z.string().nullish(),
});

/** What a program is that should be the Claude CLI; nothing is asked but its version. */
export type ClaudeProgram =
  Exclude<ClaudeCli, { kind: 'found' }> | Omit<Extract<ClaudeCli, { kind: 'found' }>, 'login'>;

/** Looks for the Claude CLI, its version, and whether it is logged in by itself, that is, without an API key. */
export async function inspectClaude(command: string, options: ProbeOptions): Promise<ClaudeCli> {
  const withoutKey = { ...options, env: { ...options.env, ANTHROPIC_API_KEY: undefined } };
  const [program, status] = await Promise.all([
    recogniseClaude(command, options),
    probe(command, ['auth', 'status'], withoutKey),
  ]);
  if (program.kind !== 'found') return program;
  return { ...program, login: status.kind === 'ended' ? parseLogin(status.stdout) : undefined };
}

/** Looks whether a program is the Claude CLI, by what it says to --version. */
export async function recogniseClaude(command: string, options: ProbeOptions): Promise<ClaudeProgram> {
  const version = await probe(command, ['--version'], options);
  if (version.kind === 'missing') {
    const why = whyNoProgram(command, { cwd: options.cwd, path: options.env['PATH'] });
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
