import type { Failure } from './failure.ts';
import { err, ok, type Result } from './result.ts';

/** Who pays for the workers. */
export type Payer = 'api_key' | 'subscription';

/** The facts for the choice of a payer. */
export interface PayerCircumstances {
  /** `claude_cli.auth`. */
  readonly auth: 'auto' | Payer;
  readonly hasApiKey: boolean;
  /** Whether the Claude CLI has a login of its own; undefined where that is unknown. */
  readonly loggedIn: boolean | undefined;
}

/** Chooses who pays for the workers of a whole run: the subscription where there is one, unless `auth` says otherwise. */
export function choosePayer({ auth, hasApiKey, loggedIn }: PayerCircumstances): Result<Payer, Failure> {
  if (auth === 'auto' && hasApiKey && loggedIn === undefined) {
    return unpaid(
      'It is unknown whether the Claude CLI is logged in, and so whether the subscription or the API key pays.',
      'Set claude_cli.auth to "api_key" or "subscription", or run `claude auth status` to see what is wrong.',
    );
  }
  if (auth !== 'subscription' && hasApiKey && (auth === 'api_key' || loggedIn !== true)) return ok('api_key');
  if (auth !== 'api_key' && loggedIn === true) return ok('subscription');
  if (auth === 'api_key') {
    return unpaid(
      'claude_cli.auth is "api_key", but ANTHROPIC_API_KEY is not set.',
      'Set ANTHROPIC_API_KEY in the environment or in .env, or set claude_cli.auth to "auto".',
    );
  }
  const noKey = auth === 'subscription' ? '' : ', and ANTHROPIC_API_KEY is not set';
  const orKey = auth === 'subscription' ? '' : ', or set ANTHROPIC_API_KEY in the environment or in .env';
  return unpaid(
    `Nobody pays for the workers: the Claude CLI is not logged in${noKey}.`,
    `Log in by starting \`claude\` once${orKey}.`,
  );
}

function unpaid(message: string, fix: string): Result<Payer, Failure> {
  return err({ reason: 'unauthenticated', message, fix });
}

/** Chooses who pays for the manager in a run whose workers are paid for by `workers`; `via` is `models.manager.via`. */
export function chooseManagerPayer(
  workers: Payer,
  { hasApiKey, via }: { readonly hasApiKey: boolean; readonly via: string },
): Payer {
  return (hasApiKey && via !== 'cli') || workers === 'api_key' ? 'api_key' : 'subscription';
}
