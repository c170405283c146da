import type { LoadedConfig } from '../config/load-config.ts';
import type { Event } from '../../domain/event.ts';
import { Failed, type Failure } from '../../domain/failure.ts';
import { recordCalls } from '../../manager/record-calls.ts';
import { chooseManager, describeKey, type CliLogin } from '../../manager/choose-manager.ts';
import type { Manager } from '../../manager/manager.ts';
import { err, ok, type Result } from '../../domain/result.ts';
import { eventSentence } from '../../domain/text/event-sentence.ts';
import type { IntendedCall, TaskStore } from '../../store/store.ts';
import type { LimitObservation } from '../../domain/usage-limit.ts';
import type { Payer } from '../../domain/billing.ts';
import { createManagerMarker, computeProjectKey } from '../../worker/process/markers.ts';
import { inspectClaude } from '../claude/claude-cli.ts';
import type { Services } from '../services.ts';
import { checkModelName } from '../claude/model-name.ts';
import type { Project } from '../project/project.ts';

/** A connection to the API that sends nothing for this long, not even a ping, counts as dead. */
const SILENCE_MS = 90_000;

/** How long the Claude CLI may take to end its tools when it is stopped. */
const GRACE_MS = 5000;

/** The Claude CLI tells its login within a second; no machine is slow enough to need this long. */
const LOGIN_TIMEOUT_MS = 30_000;

/**
 * Opens the manager for one command, as the configuration says and credentials allow. Tells which model it is and who
 * pays; its calls are recorded in the store and the ledger.
 *
 * Throws `Failed` where there is no manager, or where its model cannot be used.
 */
export async function openManager(
  services: Services,
  project: Project,
  settings: LoadedConfig,
  store: TaskStore,
  signal: AbortSignal,
): Promise<Manager> {
  // Whose limits they are depends on who pays, which is known only once there is a manager.
  let observe: (observation: LimitObservation) => void = () => undefined;
  const created = await createManager(services, project, settings, signal, (observation) =>
    observe(observation),
  );
  if (!created.ok) throw new Failed(created.error);
  const manager = created.value;
  services.tell({ kind: 'progress', message: `manager: ${manager.description}` });
  const { accountsOf, openLedger } = await import('../claude/accounts.ts');
  const payers = { worker: manager.payer, manager: manager.payer };
  const ledger = openLedger(services, project, accountsOf(services, settings, payers));
  observe = (observation) => ledger.observe('manager', observation);
  const book = (event: Event): void => {
    store.record(event);
    if (event.type === 'manager-called')
      ledger.book({ role: 'manager', runId: null, taskId: null, usage: event.usage });
  };
  const { createProcessTable } = await import('../../worker/process/process-table.ts');
  const processes = createProcessTable(services);
  for (const event of store.calls.bookCutOff((process) => processes.isAlive(process)))
    services.tell({ kind: 'note', message: eventSentence(event) });
  const self = processes.identify(services.pid) ?? { pid: services.pid, startTime: 'unknown' };
  const { model } = settings.config.models.manager;
  const intend = (call: IntendedCall): number => store.calls.intend(call);
  return recordCalls(manager, { intend, record: book, runId: null, process: self, model });
}

/** A manager whose payer is known. */
interface PaidManager extends Manager {
  readonly payer: Payer;
}

/**
 * Makes the manager that the configuration asks for and credentials allow; tells and records nothing. `onLimits` is
 * given what the API says about the limits of the account that pays.
 */
export async function createManager(
  services: Services,
  project: Project,
  settings: LoadedConfig,
  signal: AbortSignal,
  onLimits: (observation: LimitObservation) => void,
): Promise<Result<PaidManager, Failure>> {
  const { model, via } = settings.config.models.manager;
  const impossible = checkModelName(settings, 'manager');
  if (impossible !== undefined) return err(impossible);
  const apiKey = settings.secrets.apiKey ?? undefined;
  const needsCli = via === 'cli' || apiKey === undefined;
  const payer = needsCli ? await findPayer(services, project, settings, signal) : undefined;
  const choice = chooseManager({ via, model, apiKey, cli: payer?.login, cliProblem: payer?.trouble });
  if (!choice.ok) return choice;
  if (choice.value.route === 'cli' && payer !== undefined) {
    const manager = await createOverCli(services, project, settings, payer, onLimits);
    return ok({ ...manager, payer: payer.payer });
  }
  const manager = await createOverApi(settings, signal, onLimits);
  return manager.ok ? ok({ ...manager.value, payer: 'api_key' }) : manager;
}

async function createOverApi(
  { config, secrets, environment }: LoadedConfig,
  signal: AbortSignal,
  onLimits: (observation: LimitObservation) => void,
): Promise<Result<Manager, Failure>> {
  const { createSdkManager } = await import('../../manager/sdk/sdk-manager.ts');
  const { manager_timeout, max_retries, retry_base_delay, retry_max_delay } = config.execution;
  return createSdkManager(
    {
      apiKey: secrets.apiKey ?? '',
      baseUrl: environment['ANTHROPIC_BASE_URL'],
      timeoutMs: manager_timeout * 1000,
      silenceMs: SILENCE_MS,
      maxRetries: max_retries,
      baseMs: retry_base_delay * 1000,
      maxMs: retry_max_delay * 1000,
      random: Math.random,
      onLimits,
    },
    config.models.manager.model,
    signal,
  );
}

/** Who pays for what the Claude CLI does, and the environment that makes it so. */
interface CliPayer {
  readonly payer: Payer;
  readonly login: CliLogin | undefined;
  /** Why the CLI cannot be asked; undefined where it can. */
  readonly trouble: string | undefined;
  readonly name: string;
  readonly environment: Readonly<Record<string, string>>;
}

/** Chooses the subscription where the CLI is logged in, else the API key: the CLI uses a key that is in its environment. */
async function findPayer(
  services: Services,
  project: Project,
  settings: LoadedConfig,
  signal: AbortSignal,
): Promise<CliPayer> {
  const { config, secrets, environment } = settings;
  const { command, auth } = config.claude_cli;
  const whole = { ...environment, ...config.claude_cli.environment };
  const keyless = Object.fromEntries(Object.entries(whole).filter(([name]) => name !== 'ANTHROPIC_API_KEY'));
  const claude = await inspectClaude(command, {
    cwd: project.root,
    env: whole,
    timeoutMs: LOGIN_TIMEOUT_MS,
    kill: services.kill,
    signal,
  });
  const trouble =
    claude.kind === 'found' ? undefined : `of claude_cli.command: "${command}" ${claude.message}`;
  const own = claude.kind === 'found' ? (claude.login ?? NOT_LOGGED_IN) : undefined;
  if (secrets.apiKey === null || auth === 'subscription' || (own?.loggedIn === true && auth === 'auto'))
    return { payer: 'subscription', login: own, trouble, name: 'Claude subscription', environment: keyless };
  const login = own === undefined ? undefined : { loggedIn: true, subscription: undefined };
  return { payer: 'api_key', login, trouble, name: describeKey(secrets.apiKey), environment: whole };
}

const NOT_LOGGED_IN: CliLogin = { loggedIn: false, subscription: undefined };

async function createOverCli(
  services: Services,
  project: Project,
  { config }: LoadedConfig,
  payer: CliPayer,
  onLimits: (observation: LimitObservation) => void,
): Promise<Manager> {
  const { createCliManager } = await import('../../manager/cli/cli-manager.ts');
  const { createProcessTable } = await import('../../worker/process/process-table.ts');
  const processes = createProcessTable(services);
  const owner = processes.identify(services.pid) ?? { pid: services.pid, startTime: 'unknown' };
  const marker = createManagerMarker(computeProjectKey(project.root), owner);
  const { command, settings } = config.claude_cli;
  return createCliManager({
    command,
    model: config.models.manager.model,
    payer: payer.name,
    environment: { ...payer.environment, [marker.variable]: marker.value },
    marker,
    directory: project.root,
    settings: Object.keys(settings).length === 0 ? null : JSON.stringify(settings),
    timeoutMs: config.execution.manager_timeout * 1000,
    graceMs: GRACE_MS,
    processes,
    onLimits,
  });
}
