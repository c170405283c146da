import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Stamped } from '../../src/domain/event.ts';
import { makeDraft } from '../rig/arbitrary-tasks.ts';
import { FailingServer, hang } from '../rig/failing-server.ts';
import { projectRig, type ProjectRig } from '../rig/project.ts';
import { lines } from '../rig/worker-rig.ts';

interface Told {
  readonly event: string;
  readonly project: string;
  readonly notices: readonly {
    readonly kind: string;
    readonly task: string | null;
    readonly title: string;
  }[];
}

let rig: ProjectRig;
let server: FailingServer;

beforeEach(async () => {
  server = await FailingServer.start();
  rig = await projectRig({ rules: [] });
  const fake = join(rig.directory, '..', 'fake');
  mkdirSync(fake);
  const command = join(fake, 'claude');
  const program = `FAKE_CLAUDE_DIR='${fake}' exec '${process.execPath}' '${resolve('tests/rig/fake-claude.js')}' "$@"`;
  writeFileSync(command, `#!/bin/sh\n${program}\n`);
  chmodSync(command, 0o755);
  const work = [{ print: lines.init }, { print: lines.result() }];
  writeFileSync(join(fake, 'steps.json'), JSON.stringify([work, work]));
  writeFileSync(join(rig.directory, 'hook.sh'), '#!/bin/sh\ncat >>events.ndjson\n', { mode: 0o755 });
  writeFileSync(
    join(rig.directory, 'orchestrator_config.json'),
    JSON.stringify({
      claude_cli: { command, auth: 'api_key' },
      monitoring: { enable_opus_review: false },
      hooks: { on_event: ['./hook.sh'] },
    }),
  );
  rig.withStore((store) => store.addTasks([makeDraft('1'), makeDraft('2')], { source: 'test' }));
});

afterEach(async () => {
  await rig.close();
  await server[Symbol.asyncDispose]();
});

const run = () =>
  rig.tool(['run', '--no-plan', '--json'], {
    env: { NOTIFY_WEBHOOK_URL: server.url, SLACK_WEBHOOK_URL: server.url },
  });

it('tells of each task and of the end, by Slack and by JSON, and hands each stored event to the hook', async () => {
  const { exitCode, stdout, stderr } = await run();
  expect(exitCode, stdout + stderr).toBe(0);

  const messages = server.bodies.map((body) => JSON.parse(body) as Partial<Told> & { blocks?: unknown[] });
  const told = messages.filter(({ event }) => event === 'notices') as Told[];
  expect(told.every(({ project }) => project === 'project')).toBe(true);
  const notices = told.flatMap((each) => each.notices);
  expect(notices.map(({ kind }) => kind)).toEqual(['task-complete', 'task-complete', 'run-ended']);
  expect(notices.map(({ task }) => task).sort()).toEqual(['1', '2', null]);
  expect(messages.filter(({ blocks }) => blocks !== undefined)).toHaveLength(told.length);

  const handed = readFileSync(join(rig.directory, 'events.ndjson'), 'utf8').trim().split('\n');
  const stored = rig.withStore((store) => store.events({ runId: store.lastRun()?.id ?? '', limit: 1000 }));
  const types = (events: readonly Stamped[]): string[] => events.map(({ type }) => type);
  expect(types(handed.map((line) => JSON.parse(line) as Stamped))).toEqual(types(stored));
  expect(stdout + stderr).not.toContain('SECRETSECRET');
});

it('ends as it would, where nobody takes the notices', async () => {
  server.otherwise = hang;
  const { exitCode, stdout, stderr } = await run();
  expect(exitCode, stdout + stderr).toBe(0);
  expect(stdout).toContain('Slack did not get 3 of the notices.');
  expect(stdout + stderr).not.toContain('SECRETSECRET');
});
