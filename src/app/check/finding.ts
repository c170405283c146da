import { Failed } from '../../domain/failure.ts';

/** How a check came out: a run can start · could be better · a run cannot start · it was not looked at. */
export type FindingStatus = 'ok' | 'warning' | 'failure' | 'skipped';

/** What one check found. */
export interface Finding {
  readonly name: string;
  readonly status: FindingStatus;
  readonly message: string;
  readonly fix?: string;
}

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
    (status: FindingStatus) =>
    (message: string, fix?: string): Finding => ({
      name,
      status,
      message,
      ...(fix === undefined ? {} : { fix }),
    });
  return { ok: make('ok'), warning: make('warning'), failure: make('failure'), skipped: make('skipped') };
}

/** Runs a check; an expected failure of it is a finding like any other. */
export async function check(
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

/** The text of an error for people, in one line. */
export function firstLineOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.trim().split('\n', 1)[0]?.slice(0, 300) ?? '';
}
