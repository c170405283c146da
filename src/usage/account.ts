import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** An account that pays, as far as it is known without a call. */
export interface Account {
  /** The same for all use on this machine that shares the account's limits. It holds no secret. */
  readonly id: string;
  /** For people: `Claude subscription`, `API key …abcd`. */
  readonly label: string;
}

/** Where a subscription is found: the environment of the Claude CLI, and the home directory of its user. */
export interface SubscriptionSource {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly home: string;
}

/** The account of an API key. Keys of a gateway are told apart from keys of the API. */
export function apiKeyAccount(
  apiKey: string,
  environment: SubscriptionSource['environment'],
  label: string,
): Account {
  return { id: identity('key', apiKey, environment), label };
}

/** The account that the Claude CLI is logged in to: by its token, else by the login that it has stored. */
export function subscriptionAccount({ environment, home }: SubscriptionSource, label: string): Account {
  const token = environment['CLAUDE_CODE_OAUTH_TOKEN'];
  if (token !== undefined && token !== '') return { id: identity('token', token, environment), label };
  const given = environment['CLAUDE_CONFIG_DIR'];
  const isGiven = given !== undefined && given !== '';
  const login = storedLogin(join(isGiven ? given : home, '.claude.json'));
  if (login !== undefined) return { id: identity('login', login, environment), label };
  return { id: identity('directory', isGiven ? given : join(home, '.claude'), environment), label };
}

function identity(kind: string, value: string, environment: SubscriptionSource['environment']): string {
  const secret = createHash('sha256')
    .update(`${value}\0${environment['ANTHROPIC_BASE_URL'] ?? ''}`)
    .digest('hex');
  return `${kind}-${secret.slice(0, 16)}`;
}

/** The ids of the person and of the organization that pays, from the CLI's own file; undefined if it has none. */
function storedLogin(file: string): string | undefined {
  try {
    const config = JSON.parse(readFileSync(file, 'utf8')) as {
      readonly oauthAccount?: { readonly accountUuid?: unknown; readonly organizationUuid?: unknown } | null;
    } | null;
    const { accountUuid, organizationUuid } = config?.oauthAccount ?? {};
    if (typeof accountUuid !== 'string') return undefined;
    return `${accountUuid}\0${typeof organizationUuid === 'string' ? organizationUuid : ''}`;
  } catch {
    return undefined;
  }
}
