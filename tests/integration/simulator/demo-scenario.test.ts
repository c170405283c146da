import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, expect, test } from 'vitest';
import { DEMO_TASKS } from '../../../src/simulator/demo-project.ts';
import { DEMO_SCENARIO } from '../../../src/simulator/demo-scenario.ts';
import { REAL_CLAUDE, simulatorRig, STAND_IN, type SimulatorRig } from '../../rig/simulator.ts';
import { ALL } from '../../rig/effort.ts';

let rig: SimulatorRig | undefined;
afterEach(() => rig?.close());

const SCHEMA = JSON.stringify({
  type: 'object',
  additionalProperties: false,
  required: ['status', 'summary', 'handover', 'followUps'],
  properties: {
    status: { type: 'string', enum: ['completed', 'blocked', 'nothing-to-do'] },
    summary: { type: 'string' },
    handover: { type: 'string' },
    followUps: { type: 'array', items: { type: 'string' } },
  },
});

test.each([
  ...(ALL ? [{ name: 'the real CLI', command: REAL_CLAUDE }] : []),
  { name: 'the stand-in', command: STAND_IN },
])(
  'every task of the demo is written and passes, one of them at its second try, one mended after its review, by $name',
  async ({ command }) => {
    const started = await simulatorRig(DEMO_SCENARIO);
    rig = started;
    const args = [
      '--model',
      'sonnet',
      '--permission-mode',
      'acceptEdits',
      '--setting-sources=user',
      '--json-schema',
      SCHEMA,
    ];
    const passes = (): Promise<boolean> =>
      promisify(execFile)(process.execPath, ['--test'], { cwd: started.cwd, env: started.env }).then(
        () => true,
        () => false,
      );
    const failed: string[] = [];
    for (const task of DEMO_TASKS) {
      const session = randomUUID();
      const before = task.dependencies.map((id) => `Task ${id}: ${DEMO_TASKS[Number(id) - 1]?.title ?? ''}`);
      const prompt = `Task ${task.id}: ${task.title}\n\nFinished:\n${before.join('\n')}`;
      const first = await started.claude(prompt, [...args, '--session-id', session], { command });
      expect(first.result).toMatchObject({ is_error: false, structured_output: { status: 'completed' } });
      const { flaw } = task;
      if (flaw !== undefined) {
        expect(await passes()).toBe(true);
        const path = join(started.cwd, flaw.finding.file);
        expect(readFileSync(path, 'utf8')).toContain(flaw.marker);
        const said = `Mend what the review found:\n1. F1: ${flaw.finding.title}`;
        await started.claude(said, [...args, '--resume', session], { command });
        expect(readFileSync(path, 'utf8')).not.toContain(flaw.marker);
      }
      if (await passes()) continue;
      failed.push(task.id);
      const mended = await started.claude('The change does not pass.', [...args, '--resume', session], {
        command,
      });
      expect(mended.result).toMatchObject({ is_error: false, structured_output: { status: 'completed' } });
      expect(await passes()).toBe(true);
    }
    expect(failed).toEqual(['6']);
    expect(started.simulator.unmatched).toEqual([]);
  },
);
