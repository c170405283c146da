import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import process from 'node:process';
import { text } from 'node:stream/consumers';
import { Agent } from './stand-in/agent.ts';
import type { ApiClient } from './stand-in/messages-api.ts';
import { parseOptions, type Options } from './stand-in/options.ts';
import { Session } from './stand-in/session.ts';
import { Toolbox } from './stand-in/tools.ts';

/**
 * A stand-in for the Claude CLI where that is not installed. It prints the same stream-json, asks a Messages API, and
 * really edits files and runs commands. It supports a few tools and flags, and is meant for the demo and for tests.
 */
const VERSION = '2.1.330 (stand-in for the Claude CLI)';

const { env } = process;
// The reader of the output may go away.
process.stdout.on('error', () => process.exit(1));
process.exitCode = await main(process.argv.slice(2));

async function main(argv: readonly string[]): Promise<number> {
  if (argv[0] === '--version' || argv[0] === '-v') return say(VERSION);
  if (argv[0] === 'auth' && argv[1] === 'status') return authStatus();
  const options = parseOptions(argv);
  if (typeof options === 'string') return complain(options);
  const input = process.stdin.isTTY ? '' : await text(process.stdin);
  const prompt = [options.prompt, input].filter((part) => part !== undefined && part !== '').join('\n');
  if (prompt.trim() === '')
    return complain('Error: Input must be provided through stdin or as a prompt argument');
  const session = openSession(options);
  if (typeof session === 'string') return complain(session);
  return work(options, session, prompt);
}

function work(options: Options, session: Session, prompt: string): Promise<number> {
  const cwd = process.cwd();
  const toolbox = new Toolbox({
    cwd,
    environment: {
      ...present(env),
      CLAUDE_CODE_SESSION_ID: session.id,
      CLAUDE_PID: String(process.pid),
      CLAUDECODE: '1',
    },
    killGroup: (leader) => process.kill(-leader, 'SIGKILL'),
    onProgress: (call, elapsed) => {
      const { id: tool_use_id, name: tool_name } = call;
      print({
        type: 'tool_progress',
        heartbeat: true,
        tool_use_id,
        tool_name,
        elapsed_time_seconds: elapsed,
        session_id: session.id,
      });
    },
  });
  const agent = new Agent({
    options,
    session,
    client: client(session.id),
    subscription: isSubscription(),
    maxRetries: Number(env['CLAUDE_CODE_MAX_RETRIES'] ?? 10),
    cwd,
    toolbox,
    print,
  });
  process.once('SIGTERM', () => {
    toolbox.kill();
    agent.saveCost();
    process.exit(143);
  });
  process.once('SIGINT', () => {
    toolbox.kill();
    agent.interrupt();
    process.exit(0);
  });
  return agent.work(prompt);
}

function openSession({ sessionId, resume }: Options): Session | string {
  const home = env['CLAUDE_CONFIG_DIR'] ?? join(env['HOME'] ?? '.', '.claude-stand-in');
  const folder = join(home, 'stand-in-sessions');
  if (resume === undefined) {
    const id = sessionId ?? randomUUID();
    return Session.create(id, folder) ?? `Error: Session ID ${id} is already in use.`;
  }
  const session = Session.resume(resume, folder);
  if (session !== undefined) return session;
  const error = `No conversation found with session ID: ${resume}`;
  print({
    type: 'result',
    subtype: 'error_during_execution',
    is_error: true,
    num_turns: 0,
    errors: [error],
    session_id: resume,
  });
  return error;
}

/** An API key takes precedence over a subscription, as in the Claude CLI. */
function isSubscription(): boolean {
  return !env['ANTHROPIC_API_KEY'] && Boolean(env['CLAUDE_CODE_OAUTH_TOKEN']);
}

function client(sessionId: string): ApiClient {
  const [key, token] = [env['ANTHROPIC_API_KEY'], env['CLAUDE_CODE_OAUTH_TOKEN']];
  return {
    baseUrl: env['ANTHROPIC_BASE_URL'] ?? '',
    headers: {
      'anthropic-version': '2023-06-01',
      'user-agent': 'claude-cli/2.1.330 (stand-in)',
      'x-claude-code-session-id': sessionId,
      ...(key ? { 'x-api-key': key } : token ? { authorization: `Bearer ${token}` } : {}),
    },
    timeoutMs: Number(env['API_TIMEOUT_MS'] ?? 600_000),
    idleMs: Number(env['CLAUDE_BYTE_STREAM_IDLE_TIMEOUT_MS'] ?? 300_000),
  };
}

function authStatus(): number {
  const loggedIn = Boolean(env['ANTHROPIC_API_KEY']) || Boolean(env['CLAUDE_CODE_OAUTH_TOKEN']);
  const authMethod = isSubscription() ? 'oauth_token' : loggedIn ? 'api_key' : 'none';
  say(JSON.stringify({ loggedIn, authMethod, apiProvider: 'firstParty', standIn: true }));
  return loggedIn ? 0 : 1;
}

function present(all: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(
    Object.entries(all).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}

function print(line: object): void {
  say(JSON.stringify(line));
}

function say(line: string): number {
  process.stdout.write(`${line}\n`);
  return 0;
}

function complain(message: string): number {
  process.stderr.write(`${message}\n`);
  return 1;
}
