import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { costing } from '../../rig/attempt-end.ts';
import { startSampleRun, storeAttempt } from '../../rig/attempted.ts';
import { run } from '../../rig/hand-made-cli.ts';
import { SAMPLE_TASKS, taskProject, type TaskProject } from '../../rig/task-project.ts';

const SECTIONS = new Map(
  readFileSync('docs/json.md', 'utf8')
    .split('\n## ')
    .map((section) => [section.slice(0, section.indexOf('\n')), section]),
);
const CONTEXT = ['parse, add, expand', 'Tasks in list, show and next'];
const SUMMARY = ['status', "A run's summary", 'list', 'show', 'run'];

/** Names of fields, at any depth; what a person has named, such as keys of the configuration, is told as a value. */
function fieldsOf(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(fieldsOf);
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    key === 'value' || key === 'secrets' ? [key] : [key, ...fieldsOf(inner)],
  );
}

/** A run in which one task was done and one failed, which has ended. */
function worked(project: TaskProject): void {
  const { directory } = project;
  project.withStore((store) => {
    startSampleRun(store, 'run-1', { pid: 1, startTime: 'never' });
    const place = { runId: 'run-1', directory, filesRoot: join(directory, '.taskmaster', 'attempts') };
    const review = {
      round: 1,
      verdict: 'approved',
      summary: 'Good.',
      findings: [{ id: 'F1', severity: 'minor', file: null, line: null, title: 'A', evidence: 'B' }],
      commit: 'abc',
    } as const;
    const gates = [{ command: 'npm test', verdict: 'passed' }] as const;
    const report = { status: 'completed', summary: 'Did it.', handover: '', followUps: ['More.'] } as const;
    const denials = [{ tool: 'Bash', rule: 'Bash(x)' }];
    const done = {
      outcome: 'landed',
      review,
      gates,
      report,
      denials,
      usage: costing(1),
      commit: 'abc',
    } as const;
    storeAttempt(store, { ...place, taskId: '1', transcript: ['no JSON'], end: done, status: 'done' });
    storeAttempt(store, { ...place, taskId: '5', end: { outcome: 'crashed', message: 'It broke.' } });
    const delivery = { kind: 'left', commit: 'abc', message: 'Left.', commands: ['git merge x'] } as const;
    store.record({ type: 'run-delivered', runId: 'run-1', delivery });
    store.endRun('run-1', 'completed-with-failures', '1 failed.');
  });
}

test.each([
  ['list', ['list', ...CONTEXT]],
  ['next', ['next', ...CONTEXT]],
  ['show 1,5', ['show', 'run', ...CONTEXT]],
  ['status', SUMMARY],
  ['logs 1', ['logs', 'show', 'run']],
  ['logs 5', ['logs', 'show', 'run']],
  ['plan --no-manager', ['plan']],
  ['retry 5', ['retry']],
  ['cancel 4', ['cancel']],
  ['set-status 4 done', ['set-status']],
  ['edit 4 --title x', ['edit', ...CONTEXT]],
  ['delete 5', ['delete']],
  ['depend add 4 5', ['depend, task-master add-dependency, task-master remove-dependency']],
  ['config show', ['config']],
  ['config validate', ['config']],
  ['init --yes', ['init']],
])('each field that %s --json prints is in the document', async (line, names) => {
  using project = taskProject(SAMPLE_TASKS);
  worked(project);
  const env = { HOME: join(project.directory, '..', 'home') };
  const { stdout } = await run(project, [...line.split(' '), '--json'], { env });
  const printed = stdout
    .trim()
    .split('\n')
    .map((each) => JSON.parse(each) as unknown);
  const text = names
    .map((name) => SECTIONS.get(name) ?? expect.fail(`There is no section ${name}.`))
    .join('\n');
  const fields = new Set(fieldsOf(printed));
  expect(fields.size).toBeGreaterThan(0);
  expect([...fields].filter((field) => !new RegExp(`["\`.]${field}\\b`).test(text))).toEqual([]);
});
