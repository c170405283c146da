import { Failed } from '../../domain/failure.ts';
import type { Finding } from '../contract/check.ts';

/** Makes the findings of one check. */
export interface Findings {
  readonly ok: (message: string) => Finding;
  readonly warning: (message: string, fix?: string) => Finding;
  readonly failure: (message: string, fix?: string) => Finding;
  readonly skipped: (message: string) => Finding;
}

/** Findings under one name. */
export function findingsOf(name: string): Findings {
  const make =
    (status: Finding['status']) =>
    (message: string, fix?: string): Finding => ({
      name,
      status,
      message,
      ...(fix === undefined ? {} : { fix }),
    });
  return { ok: make('ok'), warning: make('warning'), failure: make('failure'), skipped: make('skipped') };
}

/** Does one check. A failure that it expects is a finding like any other. */
export async function runCheck(
  name: string,
  run: (findings: Findings) => Promise<readonly Finding[]> | readonly Finding[],
): Promise<readonly Finding[]> {
  const findings = findingsOf(name);
  try {
    return await run(findings);
  } catch (error) {
    if (!(error instanceof Failed)) throw error;
    return [findings.failure(error.failure.message, error.failure.fix)];
  }
}
