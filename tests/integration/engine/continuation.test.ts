import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Attempt, AttemptEnd, Review, WorkerReport } from '../../../src/domain/attempt.ts';
import { findContinuation, type Continuation } from '../../../src/engine/continuation.ts';
import { openStore } from '../../../src/store/sqlite-store.ts';
import type { TaskStore } from '../../../src/store/store.ts';
import { makeDraft } from '../../rig/arbitrary-tasks.ts';
import { attemptEnd, costing } from '../../rig/attempt-end.ts';

const REPORT: WorkerReport = { status: 'completed', summary: 'Did it.', handover: '', followUps: [] };
const REVIEW: Review = {
  round: 1,
  verdict: 'rejected',
  summary: 'Not yet.',
  findings: [{ id: 'F1', severity: 'major', file: null, line: null, title: 'Wrong', evidence: 'See.' }],
  commit: 'abc',
};

describe('the continuation of an attempt', () => {
  let folder: string;
  let store: TaskStore;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'continuation-'));
    store = openStore({ file: join(folder, 'tasks.db'), tag: 'master', create: true });
    store.addTasks([makeDraft('1')], { source: 'test' });
    startRun('r1');
  });
  afterEach(() => {
    store.close();
    rmSync(folder, { recursive: true });
  });

  const startRun = (id: string): void =>
    void store.startRun(
      { id, process: { pid: 1, startTime: 'x' }, workers: 1, billing: '', tasks: 1 },
      () => false,
    );
  const claim = (
    runId: string,
    sessionId: string,
    forkedFrom: string | null = null,
    resumed = false,
  ): Attempt => {
    const settings = { resumed, model: 'sonnet', directory: folder, filesRoot: folder, why: '' };
    const claimed = store.claim({ runId, taskId: '1', sessionId, forkedFrom, ...settings });
    if (claimed === undefined) throw new Error('It cannot be claimed.');
    return claimed.attempt;
  };
  /** An attempt from its start to its end; with a branch if it got a workspace. */
  const attempted = (
    end: AttemptEnd,
    { branch = true, session = 's1', of = '', runId = 'r1', resumed = false } = {},
  ): string => {
    const { id, files } = claim(runId, session, of === '' ? null : of, resumed);
    const directory = join(folder, `w${id}`);
    const where = { directory, branch: branch ? `orchestrator/${runId}/task-1` : null, base: 'b' };
    if (branch) store.record({ type: 'attempt-prepared', attemptId: id, taskId: '1', ...where });
    store.endAttempt(id, end, 'pending', '');
    return files;
  };
  const next = (session = 's1', runId = 'r1'): Continuation => {
    const earlier = store.attempts({ taskId: '1' });
    return findContinuation(claim(runId, session), earlier, () => store.events({ taskId: '1' }));
  };
  /** The same without an attempt of its own. */
  const continued = (sessionId: string, forkedFrom: string | null = null): Continuation =>
    findContinuation({ runId: 'r1', sessionId, forkedFrom }, store.attempts({ taskId: '1' }), () =>
      store.events({ taskId: '1' }),
    );
  const finished = attemptEnd('usage-limited', { report: REPORT, change: 'c1', usage: costing(1) });

  test('is the finished work, at exactly the commit that holds it', () => {
    attempted(finished);
    attempted(attemptEnd('cancelled'));
    const { finished: found, continues } = next();
    expect(found).toEqual({ report: REPORT, change: 'c1' });
    expect(continues).toMatchObject({ outcome: 'cancelled', change: 'c1' });
  });

  test('is finished work although something else of the task has changed', () => {
    attempted(finished);
    store.editTask('1', { priority: 'low', touches: ['a'] });
    expect(next().finished).not.toBeNull();
  });

  test('is no finished work where a person has reworded the task since', () => {
    attempted(finished);
    store.editTask('1', { details: 'Do it in another way.' });
    const { finished: found, continues } = next();
    expect(found).toBeNull();
    expect(continues).not.toHaveProperty('change');
  });

  test('has the facts and findings that its session was never told, whatever failed since', () => {
    attempted(attemptEnd('review-rejected', { review: REVIEW, usage: costing(1), report: REPORT }));
    attempted(attemptEnd('infrastructure', { message: 'The disk is full.' }), { branch: false });
    attempted(attemptEnd('cancelled', { message: 'Its orchestrator was killed.' }));
    const { previous, review } = next();
    expect(previous?.outcome).toBe('review-rejected');
    expect(review).toEqual(REVIEW);
  });

  test('has findings whose rounds are counted anew in another run', () => {
    attempted(attemptEnd('review-rejected', { review: REVIEW, usage: costing(1) }));
    startRun('r2');
    attempted(attemptEnd('infrastructure'), { runId: 'r2' });
    expect(next('s1', 'r2').review).toEqual({ ...REVIEW, round: 0 });
  });

  test('is an interruption where its session was at work', () => {
    attempted(attemptEnd('verify-failed', { usage: costing(1) }));
    attempted(attemptEnd('cancelled', { usage: costing(1) }));
    expect(next().previous?.outcome).toBe('cancelled');
  });

  test('is the work so far also for a new session, and for a copy its conversation too', () => {
    const failed = attemptEnd('verify-failed', { usage: costing(1), contextTokens: 10 });
    const files = [attempted(failed), attempted(failed)];
    attempted(attemptEnd('infrastructure'), { session: 's2', branch: false });
    const fresh = continued('s3');
    expect(fresh.continues).toMatchObject({ attempt: { number: 2 }, outcome: 'verify-failed' });
    expect(fresh.previous).toMatchObject({ outcome: 'verify-failed' });
    expect(fresh.earlierFiles).toEqual([]);
    expect(continued('s4', 's1').earlierFiles).toEqual(files);
    const copy = attempted(failed, { session: 's4', of: 's1' });
    expect(continued('s4').earlierFiles).toEqual([...files, copy]);
    expect(continued('s5', 's4')).toMatchObject({
      earlierFiles: [...files, copy],
      continues: { attempt: {} },
    });
  });

  test('is finished work of another session, with its proof', () => {
    const files = attempted(finished);
    const { finished: found, continues, earlierFiles } = next('s2');
    expect(found).toEqual({ report: REPORT, change: 'c1' });
    expect(continues).toMatchObject({ change: 'c1' });
    expect(earlierFiles).toEqual([files]);
  });

  test('is no work that needs a person first, unless only its session failed', () => {
    attempted(attemptEnd('verify-failed', { usage: costing(1), contextTokens: 10 }));
    attempted(attemptEnd('refused', { usage: costing(1), contextTokens: 10 }));
    expect(continued('s2').continues).toBeNull();
    attempted(attemptEnd('verify-failed', { usage: costing(1), contextTokens: 10 }), { session: 's2' });
    attempted(attemptEnd('refused'), { session: 's2', resumed: true });
    expect(continued('s3').continues).toMatchObject({ outcome: 'refused' });
  });

  test('has neither findings of landed work nor the workspace of another session', () => {
    attempted(attemptEnd('review-rejected', { review: REVIEW, usage: costing(1) }));
    attempted(attemptEnd('landed'), { session: 's2' });
    const { review, continues, earlierFiles } = next('s3');
    expect({ review, continues, earlierFiles }).toEqual({ review: null, continues: null, earlierFiles: [] });
  });
});
