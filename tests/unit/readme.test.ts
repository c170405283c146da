import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import packageJson from '../../package.json' with { type: 'json' };
import { ORCHESTRATOR_COMMANDS, TASK_MASTER_COMMANDS } from '../../src/cli/commands.ts';
import { configKeys } from '../../src/config/schema.ts';

const readme = readFileSync('README.md', 'utf8');

describe('README.md', () => {
  it.each([...ORCHESTRATOR_COMMANDS, ...TASK_MASTER_COMMANDS].map(({ name }) => name))(
    'tells about the command %s',
    (name) => {
      expect(readme).toMatch(new RegExp(`\`${name}\\b`));
    },
  );

  it.each(configKeys())('tells about the key %s', (key) => {
    expect(readme).toContain(`| \`${key}\` |`);
  });

  it.each([...Object.keys(packageJson.dependencies), ...Object.keys(packageJson.optionalDependencies)])(
    'gives the reason for %s',
    (name) => {
      expect(readme).toContain(`- \`${name}\``);
    },
  );
});
