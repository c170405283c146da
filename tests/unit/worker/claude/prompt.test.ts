import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Attempt, Review } from '../../../../src/domain/attempt.ts';
import { OUTCOME_POLICY, OUTCOMES } from '../../../../src/domain/outcome.ts';
import { buildFirstPrompt, buildResumePrompt, buildRules } from '../../../../src/worker/claude/prompt.ts';
import type { Assignment } from '../../../../src/worker/worker.ts';
import type { Workspace } from '../../../../src/workspace/workspace.ts';
import { makeTask } from '../../../rig/arbitrary-tasks.ts';
import { attemptEnd } from '../../../rig/attempt-end.ts';
import { cases } from '../../../rig/effort.ts';

const SHARED: Workspace = { directory: '/shared', environment: {}, branch: null, base: null, inherited: '' };
const OWN: Workspace = { ...SHARED, directory: '/trees/w1', branch: 'orchestrator/r/task-3', base: 'abc' };

function assignment(overrides: Partial<Assignment> = {}): Assignment {
  return {
    task: makeTask('3.2', {
      title: 'Add\na parser',
      description: 'It parses.',
      details: 'With care.',
      testStrategy: 'Fuzz it.',
      touches: ['src/**'],
    }),
    parent: null,
    attempt: {} as Attempt,
    handovers: [],
    previous: null,
    continues: null,
    finished: null,
    earlierFiles: [],
    review: null,
    maxCostUsd: null,
    ...overrides,
  };
}

const REVIEW: Review = {
  round: 1,
  verdict: 'rejected',
  summary: 'Not yet.',
  findings: [
    {
      id: 'F1',
      severity: 'blocker',
      file: 'src/parse.ts',
      line: 12,
      title: 'It loops',
      evidence: 'parse("(")\nnever ends',
    },
    { id: 'F3', severity: 'minor', file: null, line: null, title: 'No test </findings>', evidence: '' },
  ],
  commit: null,
};

describe('a session that begins and one that goes on', () => {
  const both = (overrides: Partial<Assignment>, workspace = OWN, commands: string[] = []): string[] => [
    `${buildRules(workspace, commands)}\n\n${buildFirstPrompt(assignment(overrides), workspace)}`,
    buildResumePrompt(assignment(overrides), workspace, commands),
  ];

  test('leave nothing that the CLI would expand', () => {
    const signs = fc.constantFrom('@a.txt', '@"a b"', '/cost');
    fc.assert(
      fc.property(fc.string(), signs, fc.string(), (before, sign, after) => {
        const text = `${before} ${sign}${after}`;
        const task = makeTask('1', { title: `${sign} ${before}`, description: text });
        const previous = attemptEnd('verify-failed', { message: text });
        const own = assignment({ task, previous });
        const workspace = { ...OWN, inherited: text };
        for (const prompt of [buildFirstPrompt(own, workspace), buildResumePrompt(own, workspace, [])])
          expect(prompt).not.toMatch(/^\s*\/|(^|\s)@/);
      }),
      { numRuns: cases(1000) },
    );
  });

  test('name the commands that judge, and tell that claims are checked', () => {
    for (const text of both({}, OWN, ['npm test', 'npm run lint'])) {
      expect(text).toContain('    npm test\n    npm run lint');
      expect(text).toContain('Claim no test or command that you did not run');
    }
  });

  test('say whose the directory is', () => {
    for (const text of both({}, SHARED))
      expect(text).toContain('others may be working on other files right now');
    for (const text of both({}, OWN)) {
      expect(text).not.toContain('others may be working');
      expect(text).toContain('of your own');
    }
  });

  test('tell what an earlier try left, and which ports are free to use', () => {
    const workspace = { ...OWN, inherited: ' a.ts | 2 +-', environment: { ORCHESTRATOR_PORT_BASE: '20010' } };
    for (const text of both({}, workspace)) {
      expect(text).toContain('<unfinished>\n a.ts | 2 +-\n</unfinished>');
      expect(text).toContain('the ten that begin at `$ORCHESTRATOR_PORT_BASE`');
    }
    for (const text of both({})) expect(text).not.toMatch(/unfinished|ORCHESTRATOR_PORT_BASE/);
  });

  test('list the open findings of a review with what proves them', () => {
    const previous = attemptEnd('review-rejected', { message: 'Not yet. F1 It loops', review: REVIEW });
    for (const text of both({ previous, review: REVIEW })) {
      expect(text).toContain(
        '1. F1 (blocker) src/parse.ts:12: It loops\n   parse("(")\n   never ends\n2. F3 (minor): No',
      );
      // Once is enough, and a finding cannot end its list.
      expect(text.match(/It loops/g)).toHaveLength(1);
      expect(text.match(/<\/findings>/g)).toHaveLength(1);
    }
    for (const text of both({ previous })) expect(text).toContain('Not yet. F1 It loops');
  });

  test('explain a merge in progress', () => {
    const previous = attemptEnd('conflict', { message: 'It conflicts in a.ts.' });
    for (const text of both({ previous })) {
      expect(text).toContain('It conflicts in a.ts.');
      expect(text).toContain('Resolve every mark');
      expect(text).toContain('Do not commit the merge and do not abort it');
    }
    for (const text of both({ previous }, SHARED)) expect(text).not.toContain('mark');
  });

  test('tell after a red gate that the directory holds what landed meanwhile', () => {
    const previous = attemptEnd('verify-failed', { message: '`npm test` failed (exit code 1).' });
    for (const text of both({ previous })) {
      expect(text).toContain('merged with what has landed meanwhile');
      expect(text).toContain('`npm test` failed (exit code 1).');
    }
    for (const text of both({ previous }, SHARED)) expect(text).not.toContain('landed meanwhile');
  });
});

describe('the first prompt', () => {
  test('holds all that the worker must know', () => {
    const text = buildFirstPrompt(
      assignment({
        parent: makeTask('3', { title: 'The language' }),
        handovers: [{ task: makeTask('1', { title: 'Lexer' }), summary: 'Use lex().' }],
        previous: attemptEnd('refused', { message: 'The model refused.' }),
      }),
      SHARED,
    );
    for (const part of [
      'Task 3.2: Add a parser',
      'It parses.',
      'With care.',
      'Fuzz it.',
      'src/**',
      'Task 3: The language',
      'Task 1: Lexer\nUse lex().',
      'The model refused.',
    ])
      expect(text).toContain(part);
  });

  test('holds nothing that is the same for all workers of a run, but for its first words', () => {
    const one = buildFirstPrompt(assignment(), { ...OWN, environment: { ORCHESTRATOR_PORT_BASE: '20000' } });
    const other = buildFirstPrompt(
      assignment({
        task: makeTask('9', { title: 'Other' }),
        previous: attemptEnd('crashed', { message: 'x' }),
      }),
      { ...OWN, directory: '/trees/w2', inherited: 'b' },
    );
    const same = Array.from(one).findIndex((letter, index) => letter !== other[index]);
    expect(one.slice(0, same)).toMatch(/^Work by the rules in your instructions\.[^]*<task>\nTask $/);
    const rules = buildRules(OWN, ['npm test']);
    for (const rule of rules.split('\n\n')) for (const text of [one, other]) expect(text).not.toContain(rule);
    expect(buildRules({ ...OWN, directory: '/trees/w2', inherited: 'b' }, ['npm test'])).toBe(rules);
  });

  test('tells of an earlier try exactly where that was charged and failed', () => {
    for (const outcome of OUTCOMES) {
      const text = buildFirstPrompt(assignment({ previous: attemptEnd(outcome, { message: 'x' }) }), OWN);
      const { charged, success } = OUTCOME_POLICY[outcome];
      expect(text.includes('An earlier try at this task failed'), outcome).toBe(charged && !success);
    }
  });

  test('is a brief of the earlier try: how it failed, what was said of it, and what is there', () => {
    const report = { status: 'completed', summary: 'Wrote lex().', handover: '', followUps: [] } as const;
    for (const outcome of OUTCOMES.filter((one) => OUTCOME_POLICY[one].charged)) {
      const previous = attemptEnd(outcome, { message: 'THE FACTS', report });
      const text = buildFirstPrompt(assignment({ previous }), { ...OWN, inherited: ' lex.ts | 9 +' });
      expect(text).toContain('<unfinished>\n lex.ts | 9 +');
      // It is not told about anything that it did not do itself.
      expect(text).not.toMatch(/You were|Your last turn/);
      if (OUTCOME_POLICY[outcome].success) continue;
      expect(text).toContain('<report>\nWrote lex().\n</report>');
      expect(text).toContain('THE FACTS');
    }
  });

  test('keeps what came from outside inside its tags', () => {
    fc.assert(
      fc.property(fc.string(), fc.constantFrom('</task>', '< /TASK >', '</ task', '<task>'), (words, tag) => {
        const task = makeTask('1', { details: `${words}${tag}` });
        expect(buildFirstPrompt(assignment({ task }), OWN).match(/<\s*\/?\s*task/gi)).toHaveLength(2);
      }),
      { numRuns: cases(1000) },
    );
  });
});

describe('the prompt to go on', () => {
  test('says what happened, for every way to end', () => {
    const texts = OUTCOMES.map((outcome) =>
      buildResumePrompt(assignment({ previous: attemptEnd(outcome, { message: 'THE FACTS' }) }), OWN, []),
    );
    for (const text of texts) expect(text).toMatch(/^Task 3\.2: Add a parser\n/);
    const failed = texts[OUTCOMES.indexOf('verify-failed')];
    expect(failed).toContain('The change does not pass');
    expect(failed).toContain('THE FACTS');
    expect(texts[OUTCOMES.indexOf('usage-limited')]).toContain('You were interrupted');
  });

  test('has the task as it was edited since', () => {
    const task = makeTask('3.2', { title: 'Add a parser', details: 'EDITED SINCE' });
    for (const outcome of OUTCOMES)
      expect(buildResumePrompt(assignment({ task, previous: attemptEnd(outcome) }), OWN, [])).toContain(
        'EDITED SINCE',
      );
  });

  test('warns of paths that it remembers, where the directory is another one', () => {
    const continued = (directory: string): Partial<Assignment> => ({
      continues: { attempt: { directory } as Attempt, outcome: 'cancelled' },
    });
    const warning = 'You are in another directory than before: /trees/w1.';
    expect(buildResumePrompt(assignment(continued('/trees/w2')), OWN, [])).toContain(warning);
    expect(buildResumePrompt(assignment(), OWN, [])).toContain(warning);
    expect(buildResumePrompt(assignment(continued('/trees/w1')), OWN, [])).not.toContain('another directory');
    expect(buildResumePrompt(assignment(), SHARED, [])).not.toContain('another directory');
  });
});
