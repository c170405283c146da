import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CLAUDE_ORCHESTRATOR, TASK_MASTER } from '../../src/cli/commands.ts';
import { configurationReference } from '../../scripts/configuration-reference.ts';
import { jsonReference } from '../../scripts/json-reference.ts';

const readme = readFileSync('README.md', 'utf8');

describe('README.md', () => {
  it.each([...CLAUDE_ORCHESTRATOR.commands, ...TASK_MASTER.commands].map(({ name }) => name))(
    'tells about the command %s',
    (name) => {
      expect(readme).toMatch(new RegExp(`\`${name}\\b`));
    },
  );

  it.each(importedPackages())('gives the reason for %s', (name) => {
    expect(readme).toContain(`- \`${name}\``);
  });
});

const pages = ['README.md', 'CONTRIBUTING.md', ...readdirSync('docs').map((file) => `docs/${file}`)].filter(
  (file) => file.endsWith('.md'),
);

describe('docs/', () => {
  it('has the configuration as the schema has it; else: npm run docs', () => {
    expect(readFileSync('docs/configuration.md', 'utf8')).toBe(configurationReference());
  });

  it('has the JSON shapes as the contract has them; else: npm run docs', async () => {
    expect(readFileSync('docs/json.md', 'utf8')).toBe(await jsonReference());
  });

  it('has every shape that the page of JSON shapes links', async () => {
    const page = await jsonReference();
    const headings = [...page.matchAll(/^##+ (.*)$/gm)].map(([, title = '']) => title.toLowerCase());
    const links = [...page.matchAll(/\]\(#([^)]*)\)/g)].map(([, anchor = '']) => anchor);
    expect(links.filter((anchor) => !headings.includes(anchor))).toEqual([]);
    expect(new Set(headings).size).toBe(headings.length);
  });

  it.each(pages.filter((page) => page.startsWith('docs/')))('has %s among what the README links', (page) => {
    expect(readme).toContain(`](${page})`);
  });

  it.each(pages)('is where %s says', (page) => {
    const links = [...readFileSync(page, 'utf8').matchAll(/\]\((?!https?:)([^)#]+)/g)];
    const missing = links
      .map(([, link = '']) => join(dirname(page), link))
      .filter((file) => !existsSync(file));
    expect(missing).toEqual([]);
  });
});

/** The packages that the program is made of: what its source imports. */
function importedPackages(): string[] {
  const sources = readdirSync('src', { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith('.ts'),
  );
  const imports = sources.flatMap((file) => [
    ...readFileSync(join('src', file), 'utf8').matchAll(/^import [^;]* from '((?:@[^/']+\/)?[^./'][^/']*)/gm),
  ]);
  const names = new Set(imports.map(([, name = '']) => name).filter((name) => !name.startsWith('node:')));
  return [...names].sort();
}
