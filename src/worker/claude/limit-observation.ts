import {
  parseSpendingReset,
  observeSpendingLimit,
  type LimitObservation,
  type UsageWindow,
} from '../../domain/usage-limit.ts';
import { readMessageText, type AssistantLine, type RateLimitInfo, type StreamLine } from './stream-json.ts';

/** Reads what a line of the Claude CLI says about the limits of the account that pays. Undefined if it says nothing. */
export function readLimitObservation(entry: StreamLine): LimitObservation | undefined {
  if (entry.kind === 'rate-limit') return fromInfo(entry.line.rate_limit_info);
  if (entry.kind === 'assistant' && entry.line.is_api_error_message === true) return fromError(entry.line);
  return undefined;
}

/** The event that precedes the error of a refused request says the same, so nobody has to wait for the error. */
function fromInfo(info: RateLimitInfo): LimitObservation | undefined {
  const windows = windowsOf(info);
  // Throttling is reported as `rejected` too, but without a window.
  if (windows.length === 0) return undefined;
  const overageInUse = isPaidBeyond(info);
  return { windows, overageInUse, refused: info.status === 'rejected' && !overageInUse };
}

function fromError(line: AssistantLine): LimitObservation | undefined {
  const info = line.api_error_params?.rate_limit_info;
  const isPlanLimit =
    line.api_error === 'usage_limit_reached' || (line.error === 'rate_limit' && info?.resetsAt !== undefined);
  if (isPlanLimit)
    return { windows: info === undefined ? [] : windowsOf(info), overageInUse: false, refused: true };
  const regained = parseSpendingReset(readMessageText(line));
  return regained === undefined ? undefined : observeSpendingLimit(regained);
}

function isPaidBeyond({ status, overageStatus, isUsingOverage, overageInUse }: RateLimitInfo): boolean {
  const isAllowed = overageStatus === 'allowed' || overageStatus === 'allowed_warning';
  return isUsingOverage === true || overageInUse === true || (status === 'rejected' && isAllowed);
}

/** All windows that are named. The window that decided gets the overall status, whatever its own entry says. */
function windowsOf({
  status,
  resetsAt,
  rateLimitType,
  utilization,
  unifiedWindows,
}: RateLimitInfo): UsageWindow[] {
  const named = Object.entries(unifiedWindows ?? {}).filter(([, window]) => window !== undefined);
  const windows = new Map(named.map(([name, window]) => [name, toWindow(name, window ?? {})]));
  if (rateLimitType !== undefined) {
    const own = unifiedWindows?.[rateLimitType];
    windows.set(
      rateLimitType,
      toWindow(rateLimitType, {
        utilization: own?.utilization ?? utilization,
        resetsAt: own?.resetsAt ?? resetsAt,
        status: status ?? own?.status,
      }),
    );
  } else if (resetsAt !== undefined && windows.size === 0 && status === 'rejected') {
    windows.set('unknown', toWindow('unknown', { utilization, resetsAt, status }));
  }
  return [...windows.values()];
}

function toWindow(
  name: string,
  said: { utilization?: number | undefined; resetsAt?: number | undefined; status?: string | undefined },
): UsageWindow {
  return {
    name,
    utilization: said.utilization ?? null,
    status: said.status === 'rejected' || said.status === 'allowed_warning' ? said.status : 'allowed',
    resetsAt: said.resetsAt === undefined ? null : said.resetsAt * 1000,
  };
}
