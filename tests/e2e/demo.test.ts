import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { makeSandbox, toolEnvironment } from '../rig/cli.ts';

test.each(['SIGINT', 'SIGTERM'] as const)(
  'a demo that is ended by %s leaves nothing behind',
  async (signal) => {
    const sandbox = makeSandbox();
    const temporary = join(sandbox.home, 'tmp');
    mkdirSync(temporary);
    const program = resolve('bin/claude-orchestrator.js');
    const child = spawn(process.execPath, [program, 'demo', '--stand-in'], {
      cwd: sandbox.project,
      env: toolEnvironment({ cwd: sandbox.project, env: { TMPDIR: temporary } }),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const said = { stdout: '', stderr: '' };
    child.stderr.on('data', (chunk: Buffer) => (said.stderr += chunk.toString()));
    child.stdout.on('data', (chunk: Buffer) => {
      const wasWorking = said.stdout.includes('▸');
      said.stdout += chunk.toString();
      if (!wasWorking && said.stdout.includes('▸')) child.kill(signal);
    });
    const [code] = (await once(child, 'close')) as [number | null];
    expect(said.stdout).toContain('Interrupted; what was done so far is saved.');
    expect(said.stdout).not.toContain('node --test');
    expect(said.stderr).toContain('Interrupted. The repository is removed.');
    expect(code).toBe(signal === 'SIGINT' ? 130 : 143);
    expect(readdirSync(temporary)).toEqual([]);
    sandbox.remove();
  },
);
