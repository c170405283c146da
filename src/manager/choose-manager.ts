import type { Failure } from '../domain/failure.ts';
import { err, ok, type Result } from '../domain/result.ts';

/** How the manager is reached. */
type ManagerRoute = 'api' | 'cli';

/** What is known before the choice. Nothing is looked up here. */
export interface ManagerCircumstances {
  /** `models.manager.via`. */
  readonly via: 'auto' | ManagerRoute;
  /** `models.manager.model`. */
  readonly model: string;
  readonly apiKey: string | undefined;
  /** What the Claude CLI says about its login. Undefined if it is not installed. */
  readonly cli: CliLogin | undefined;
  /** Why the CLI cannot be used, as the words that follow its name. */
  readonly cliProblem?: string | undefined;
}

/** The Claude CLI's login, as `claude auth status` reports it. */
export interface CliLogin {
  readonly loggedIn: boolean;
  /** For people: `max`, `pro`, …, if it is known. */
  readonly subscription: string | undefined;
}

/** The chosen route, and a sentence about it that is printed before the first call. */
export interface ManagerChoice {
  readonly route: ManagerRoute;
  readonly sentence: string;
}

const INSTALL = 'Install it with `npm install -g @anthropic-ai/claude-code`';

/** Chooses the API if there is a key, else the CLI if it is logged in, else says what is missing. */
export function chooseManager(given: ManagerCircumstances): Result<ManagerChoice, Failure> {
  const { via, model, apiKey, cli, cliProblem = 'is not installed' } = given;
  const hasKey = apiKey !== undefined && apiKey !== '';
  if (via !== 'cli' && hasKey) {
    return ok({ route: 'api', sentence: `The manager is ${model}, paid by ${describeKey(apiKey)}.` });
  }
  if (via === 'api') {
    return err({
      reason: 'unauthenticated',
      message: 'models.manager.via is "api", but ANTHROPIC_API_KEY is not set.',
      fix: 'Set ANTHROPIC_API_KEY in the environment or in .env, or set models.manager.via to "auto".',
    });
  }
  if (cli?.loggedIn === true) {
    const account =
      cli.subscription === undefined ? 'the login' : `the Claude subscription (${cli.subscription})`;
    return ok({ route: 'cli', sentence: `The manager is ${model}, paid by ${account} of the Claude CLI.` });
  }
  return err(nobody(via, cli, cliProblem));
}

/** Describes an API key for people, with no more than its last four characters. */
export function describeKey(apiKey: string): string {
  return apiKey.length < 12 ? `API key of ${apiKey.length} characters` : `API key …${apiKey.slice(-4)}`;
}

function nobody(via: 'auto' | 'cli', cli: CliLogin | undefined, trouble: string): Failure {
  const key =
    via === 'auto' ? '; or set ANTHROPIC_API_KEY in the environment or in .env.' : ' (models.manager.via).';
  const noKey = via === 'auto' ? 'ANTHROPIC_API_KEY is not set, and ' : '';
  return cli === undefined
    ? {
        reason: 'cli-missing',
        message: `There is no way to reach the manager: ${noKey}the Claude CLI ${trouble}.`,
        fix: `${INSTALL} and log in by starting \`claude\` once${key}`,
      }
    : {
        reason: 'unauthenticated',
        message: `There is no way to reach the manager: ${noKey}the Claude CLI is not logged in.`,
        fix: `Log in by starting \`claude\` once${key}`,
      };
}
