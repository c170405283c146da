import { expect, test } from 'vitest';
import { buildArguments, type ClaudeSettings } from '../../../../src/worker/claude/command.ts';

const SETTINGS: ClaudeSettings = {
  command: 'claude',
  environment: {},
  billing: 'api_key',
  tools: ['Bash', 'Read', 'Edit', 'Write', 'Glob', 'Grep'],
  permissionMode: 'acceptEdits',
  allowedTools: [],
  disallowedTools: [],
  settingSources: 'user',
  settings: null,
  maxTurns: null,
  maxApiRetries: 2,
  bashDefaultTimeoutMs: null,
  bashMaxTimeoutMs: null,
  bashMaxOutputLength: null,
  systemPrompt: '',
  extraFlags: [],
};

test.each([
  [1 - 0.8, '0.2'],
  [0.1 + 0.2, '0.3'],
  [12.5, '12.5'],
  [1_000_000, '1000000'],
  [0.000_012_345_678, '0.0000123457'],
])('a ceiling of %d dollars is told as people write it, %s', (maxCostUsd, told) => {
  const attempt = { sessionId: 'a', forkedFrom: null, model: 'sonnet' };
  const args = buildArguments(SETTINGS, attempt, { resume: false, maxCostUsd, rules: '' });
  expect(args[args.indexOf('--max-budget-usd') + 1]).toBe(told);
});
