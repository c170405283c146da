import { describe, expect, it } from 'vitest';
import {
  emptyEnd,
  type Attempt,
  type AttemptEnd,
  type Review,
  type WorkerReport,
} from '../../../src/domain/attempt.ts';
import type { Failure } from '../../../src/domain/failure.ts';
import type { Reviewer, ReviewRequest } from '../../../src/manager/manager.ts';
import { err, ok } from '../../../src/domain/result.ts';
import { Gates, type VerdictCache } from '../../../src/worker/gates/gates.ts';
import { accept, type AcceptanceOptions } from '../../../src/worker/acceptance.ts';
import type { Change, Changes, Combined, Workspace } from '../../../src/workspace/workspace.ts';
import { makeTask } from '../../rig/arbitrary-tasks.ts';
import { recordHooks } from '../../rig/worker-rig.ts';

const WORKSPACE: Workspace = { directory: '/w1', environment: {}, branch: 'b', base: 'base', inherited: '' };
const CHANGE: Change = {
  commit: 'change',
  tree: 'tree',
  base: 'base',
  baseTree: 'base-tree',
  files: ['a.js'],
  protectedFiles: [],
  copied: [],
  unresolved: [],
};
const REPORT: WorkerReport = { status: 'completed', summary: 'Did it.', handover: '', followUps: [] };
const REVIEW: Review = { round: 1, verdict: 'approved', summary: 'Good.', findings: [], commit: 'change' };
const FINDING = {
  id: 'F1',
  severity: 'major',
  file: 'a.js',
  line: 3,
  title: 'It is wrong',
  evidence: 'x',
} as const;
const REJECTED: Review = { ...REVIEW, verdict: 'rejected', summary: 'Not yet.', findings: [FINDING] };

/** A world in which a change is accepted. What its repository, gates and reviewer answer is fixed beforehand. */
interface World {
  change?: Partial<Change>;
  /** One for each time the change is combined. The last one is used from then on. */
  combined?: Combined[];
  /** Trees that fail the gate. */
  red?: string[];
  review?: Review | Failure | null;
  report?: Partial<WorkerReport>;
  /** How often the branch has advanced when the change is about to land. */
  moved?: number;
  options?: Partial<AcceptanceOptions>;
  signal?: AbortSignal;
}

const combinedAs = (tree: string, onto = 'tip'): Combined => ({
  kind: 'combined',
  tree,
  onto,
  ontoTree: `${onto}-tree`,
});

/** Accepts a change. Returns how it ended, and what the parts were asked. */
async function take(world: World = {}): Promise<{
  end: AttemptEnd;
  asked: string[];
  requests: ReviewRequest[];
  recorded: ReturnType<typeof recordHooks>;
}> {
  const asked: string[] = [];
  const requests: ReviewRequest[] = [];
  const combined = [...(world.combined ?? [combinedAs('tree')])];
  let [moved, at] = [world.moved ?? 0, 'tree'];
  const changes: Changes = {
    snapshot: () => Promise.resolve(),
    capture: () => Promise.resolve({ ...CHANGE, ...world.change }),
    combine: () => {
      const next = combined.length > 1 ? combined.shift() : combined[0];
      if (next === undefined) throw new Error('never combined');
      if (next.kind === 'combined') at = next.tree;
      asked.push(`combine: ${next.kind === 'combined' ? next.tree : 'conflict'}`);
      return Promise.resolve(next);
    },
    reset: () => Promise.resolve(),
    read: () => Promise.resolve({ text: '+a', truncated: false }),
    withCheckout: async (commit, job) => {
      const before = at;
      at = `${commit}-tree`;
      const value = await job({ ...WORKSPACE, directory: '/gates' });
      at = before;
      return ok(value);
    },
    land: ({ tree, onto }, intend) => {
      intend('landed');
      asked.push(`land: ${tree} on ${onto}`);
      return Promise.resolve(moved-- > 0 ? undefined : 'landed');
    },
    hasLanded: () => Promise.resolve(false),
  };
  const verdicts = new Map<string, string>();
  const cache: VerdictCache = {
    get: (tree, command) => verdicts.get(`${tree} ${command}`),
    put: (tree, command, verdict) => void verdicts.set(`${tree} ${command}`, verdict),
  };
  const gates = new Gates({
    commands: ['check'],
    run: () => {
      asked.push(`check: ${at}`);
      return Promise.resolve(
        world.red?.includes(at) === true
          ? { kind: 'failed', sort: 'failed', how: 'exit code 1', output: 'broken' }
          : { kind: 'passed' },
      );
    },
    verdicts: cache,
    withCheckout: (...visit) => changes.withCheckout(...visit),
    reset: (workspace) => changes.reset(workspace),
    warn: () => undefined,
  });
  const reviewer: Reviewer = {
    review: (request) => {
      requests.push(request);
      const review = world.review ?? REVIEW;
      return Promise.resolve('reason' in review ? err(review) : ok(review));
    },
  };
  const recorded = recordHooks();
  const end = await accept(
    {
      changes,
      gates,
      reviewer: world.review === null ? null : reviewer,
      maxReviewRounds: 2,
      onReviewLimit: 'fail',
      landing: { run: (job) => job() },
      ...world.options,
    },
    {
      attempt: { id: 1, files: '/nowhere/1' } as Attempt,
      task: makeTask('1'),
      parent: null,
      workspace: WORKSPACE,
      marker: { variable: 'M', value: '1' },
      report: { ...REPORT, ...world.report },
      end: { ...emptyEnd('landed', ''), report: REPORT, turns: 3 },
      review: null,
      earlierFiles: [],
    },
    recorded.hooks,
    world.signal ?? new AbortController().signal,
  );
  return { end, asked, requests, recorded };
}

describe('a change that is reported done', () => {
  it('lands once it has passed the gates and the review, and its commit was written down before', async () => {
    const { end, asked, recorded } = await take();
    expect(end).toMatchObject({
      outcome: 'landed',
      change: 'change',
      commit: 'landed',
      review: REVIEW,
      turns: 3,
    });
    expect(end.gates).toEqual([{ command: 'check', verdict: 'passed' }]);
    expect(asked).toEqual(['combine: tree', 'check: tree', 'combine: tree', 'land: tree on tip']);
    expect(recorded.landings).toEqual(['landed']);
    expect(recorded.phases).toEqual(['verifying', 'reviewing', 'landing']);
  });

  it('is judged again where something landed while it was judged, and only where the tree is another', async () => {
    const { end, asked } = await take({
      combined: [combinedAs('tree'), combinedAs('merged', 'newer'), combinedAs('merged', 'newer')],
      moved: 1,
    });
    expect(end.outcome).toBe('landed');
    expect(asked).toEqual([
      'combine: tree',
      'check: tree',
      'combine: merged',
      'check: merged',
      'land: merged on newer',
      'combine: merged',
      'land: merged on newer',
    ]);
  });

  it('goes back where it is green alone and red together with what has landed', async () => {
    const { end, asked } = await take({
      combined: [combinedAs('tree'), combinedAs('merged', 'newer')],
      red: ['merged'],
    });
    expect(end).toMatchObject({ outcome: 'verify-failed', commit: null, change: 'change' });
    expect(end.message).toContain('broken');
    expect(asked.some((step) => step.startsWith('land'))).toBe(false);
  });

  it('is not blamed for what is red without it', async () => {
    const { end } = await take({ red: ['tree', 'tip-tree'] });
    expect(end.outcome).toBe('landed');
    expect(end.gates).toEqual([{ command: 'check', verdict: 'red-before' }]);
  });

  it('goes back with a conflict, at first and at landing', async () => {
    const conflict: Combined = { kind: 'conflict', onto: 'tip', files: ['a.js', 'b.js'] };
    for (const combined of [[conflict], [combinedAs('tree'), conflict]]) {
      const { end } = await take({ combined });
      expect(end).toMatchObject({ outcome: 'conflict', commit: null });
      expect(end.message).toContain('a.js, b.js');
    }
  });

  it('goes back with marks of a conflict left in it', async () => {
    const { end } = await take({ change: { unresolved: ['a.js'] } });
    expect(end).toMatchObject({ outcome: 'conflict', message: 'Marks of a conflict are left in a.js.' });
  });

  it('never lands with a file that was only copied to the worktree, and says which', async () => {
    const { end, asked } = await take({ change: { copied: ['.env'] } });
    expect(end.outcome).toBe('permission-denied');
    expect(end.message).toContain('It would commit .env, which git ignores in your checkout');
    expect(asked).toEqual([]);
  });

  it('never lands with a file that workers must not change, and says which', async () => {
    const { end, asked } = await take({ change: { protectedFiles: ['.claude/settings.json'] } });
    expect(end.outcome).toBe('permission-denied');
    expect(end.message).toMatch(/\.claude\/settings\.json.*git\.protected_paths/);
    expect(asked).toEqual([]);
  });

  it('needs no commit where all of it has landed already', async () => {
    const { end } = await take({ combined: [{ ...combinedAs('tree'), ontoTree: 'tree' } as Combined] });
    expect(end).toMatchObject({ outcome: 'no-change', commit: null });
  });
});

describe('a worker that changed nothing', () => {
  const change = { files: [], tree: 'base-tree' };

  it('is not believed when it says completed', async () => {
    const { end } = await take({ change, review: null });
    expect(end).toMatchObject({ outcome: 'review-rejected', review: null });
    expect(end.message).toContain('not one file has changed');
    const reviewed = await take({ change, review: REJECTED });
    expect(reviewed.end).toMatchObject({ outcome: 'review-rejected', review: REJECTED });
    expect(reviewed.requests[0]).toMatchObject({ commit: null, files: [], change: { text: '' } });
  });

  it('is told which files git does not take, and why, without asking for a review', async () => {
    const excluded = {
      files: [{ path: 'a.txt', why: 'git ignores it: "*.txt" in .gitignore, line 1' }],
      more: 0,
    };
    const { end, requests } = await take({ change: { ...change, excluded }, review: REJECTED });
    expect(end).toMatchObject({ outcome: 'review-rejected' });
    expect(end.message).toContain('- a.txt (git ignores it: "*.txt" in .gitignore, line 1)');
    expect(requests).toEqual([]);
  });

  it('is done when it says why and the review accepts that', async () => {
    const report = { status: 'nothing-to-do', summary: 'It is there since 1.0.' } as const;
    expect((await take({ change, report })).end).toMatchObject({ outcome: 'no-change', commit: null });
    expect((await take({ change, report, review: null })).end.outcome).toBe('no-change');
    expect((await take({ change, report: { ...report, summary: ' ' }, review: null })).end.outcome).toBe(
      'review-rejected',
    );
  });
});

describe('the review of a change', () => {
  it('sends it back with its findings', async () => {
    const { end, asked } = await take({ review: REJECTED });
    expect(end).toMatchObject({ outcome: 'review-rejected', review: REJECTED, commit: null });
    expect(end.message).toBe('Not accepted in review round 1: Not yet.\nF1 (major) a.js:3: It is wrong');
    expect(asked.some((step) => step.startsWith('land'))).toBe(false);
  });

  it('lets it land after the last round only where the settings say so', async () => {
    const review = { ...REJECTED, round: 2 };
    expect((await take({ review })).end.outcome).toBe('review-rejected');
    const { end } = await take({ review, options: { onReviewLimit: 'follow-up' } });
    expect(end).toMatchObject({ outcome: 'landed', review: { verdict: 'rejected', findings: [FINDING] } });
    const early = await take({ review: REJECTED, options: { onReviewLimit: 'follow-up' } });
    expect(early.end.outcome).toBe('review-rejected');
  });

  it.each([
    ['usage-limited', 'usage-limited'],
    ['unauthenticated', 'unauthenticated'],
    ['billing', 'unauthenticated'],
    ['model-unavailable', 'model-unavailable'],
    ['manager-unavailable', 'infrastructure'],
    ['interrupted', 'cancelled'],
  ] as const)('that cannot be done (%s) says nothing about the change: %s', async (reason, outcome) => {
    const { end } = await take({ review: { reason, message: 'No answer.' } });
    expect(end).toMatchObject({ outcome, report: REPORT, change: 'change', commit: null });
    expect(end.message).toContain('No answer.');
  });

  it('that a limit refuses tells when that resets', async () => {
    const refusal = { reason: 'usage-limited', message: 'No answer.' } as const;
    const { end } = await take({ review: { ...refusal, resetsAt: 1_795_335_096_000 } });
    expect(end).toMatchObject({ outcome: 'usage-limited', resetsAt: 1_795_335_096_000 });
    expect((await take({ review: refusal })).end.resetsAt).toBeNull();
  });

  it('is told what was verified', async () => {
    const { requests } = await take();
    expect(requests[0]).toMatchObject({
      commit: 'change',
      files: ['a.js'],
      gates: [{ command: 'check', verdict: 'passed' }],
      commands: [],
      previous: null,
    });
  });
});

it('lands nothing any more once it is stopped, and loses nothing of what it cost', async () => {
  const { end, asked } = await take({ signal: AbortSignal.abort() });
  expect(end).toMatchObject({ outcome: 'cancelled', turns: 3, report: REPORT });
  expect(asked).toEqual([]);
});

it('is no failure of the task when the repository cannot be used', async () => {
  const changes = { capture: () => Promise.reject(new Error('No space left on device')) } as Partial<Changes>;
  const { end } = await take({ options: { changes: changes as Changes } });
  expect(end).toMatchObject({ outcome: 'infrastructure', turns: 3 });
  expect(end.message).toContain('No space left on device');
});
