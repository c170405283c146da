import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import type { Attempt, ModelUsage } from '../../src/domain/attempt.ts';
import { openAccount, type Account } from '../rig/account.ts';
import { reviewReply, reviewRule } from '../rig/reviews.ts';
import { processes, until } from '../rig/worker-rig.ts';

let account: Account;

afterEach(() => account.close());

it('takes over a worker in the middle of a tool call: one session, one result, no token paid twice', async () => {
  account = await openAccount('api_key', {
    rules: [
      reviewRule(reviewReply()),
      {
        when: { role: 'worker' },
        turns: [
          {
            tools: [
              {
                name: 'Bash',
                input: {
                  command: 'touch ~/working; until [ -f ~/go ]; do sleep 0.1; done; echo done > result.txt',
                },
              },
            ],
          },
          { json: { status: 'completed', summary: 'Wrote it.', handover: '', followUps: [] } },
        ],
      },
    ],
  });
  const { simulator, home } = account;
  const flag = (name: string): string => join(home, name);
  const project = account.project(0, {
    claude_cli: { permission_mode: 'bypassPermissions' },
    monitoring: { enable_opus_review: true },
  });
  expect(await project.tool('add', '--raw', 'Write result.txt')).toMatchObject({ code: 0 });

  const { process: killed } = project.start();
  const gone = once(killed, 'exit');
  await until(() => existsSync(flag('working')));
  killed.kill('SIGKILL');
  await gone;
  const mark = { variable: 'HOME', value: home };
  expect(processes.findMarked(mark), 'the worker outlives its orchestrator').not.toEqual([]);

  const second = project.tool('run', '--no-plan', '--json');
  writeFileSync(flag('go'), '');
  expect(await second).toMatchObject({ code: 0 });

  const shown = JSON.parse((await project.tool('show', '1', '--json')).stdout) as {
    tasks: { attempts: Attempt[] }[];
  };
  const attempts = shown.tasks[0]?.attempts ?? [];
  expect(attempts).toHaveLength(1);
  expect(attempts[0]?.end).toMatchObject({ outcome: 'landed', report: { summary: 'Wrote it.' } });
  expect(readFileSync(join(project.directory, 'result.txt'), 'utf8')).toBe('done\n');
  expect(project.git('log', '--format=%s', '--grep=Orchestrator-Task', 'main')).toBe('Write result.txt\n');
  const { usage } = JSON.parse((await project.tool('status', '--json')).stdout) as {
    usage: { last5h: ModelUsage[] };
  };
  expect(usage.last5h).toEqual(
    simulator.ledger.usage().map((each) => ({ ...each, costUsd: expect.closeTo(each.costUsd, 9) as number })),
  );
  expect(simulator.unmatched).toEqual([]);
  expect(processes.findMarked(mark), 'nothing is left behind').toEqual([]);
});
