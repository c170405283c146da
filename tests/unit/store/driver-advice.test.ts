import { describe, expect, it } from 'vitest';
import { adviseOnDriver } from '../../../src/store/driver.ts';

const advice = (here: string, isMissing: boolean, ...manifests: string[]): string =>
  adviseOnDriver(here, isMissing, (path) => manifests.includes(path));
const HOME = '/opt/node/lib/node_modules/claude-orchestrator';

describe('advice on a missing driver', () => {
  it('installs beside a global installation, at its own prefix', () => {
    expect(advice(`${HOME}/dist`, true, `${HOME}/package.json`)).toMatch(
      /npm install .*--global .*--prefix "\/opt\/node" better-sqlite3@12`/,
    );
  });

  it('builds what is there and has no binary', () => {
    expect(advice(`${HOME}/dist`, false, `${HOME}/package.json`)).toMatch(
      /npm rebuild .*--global .*--prefix "\/opt\/node" better-sqlite3`/,
    );
  });

  it('installs into a project that has it among its packages', () => {
    const home = '/home/me/app/node_modules/claude-orchestrator';
    const text = advice(`${home}/dist`, true, `${home}/package.json`, '/home/me/app/package.json');
    expect(text).toMatch(/npm install .*--prefix "\/home\/me\/app" better-sqlite3@12`/);
    expect(text).not.toContain('--global');
  });

  it('starts npx with both packages', () => {
    const home = '/home/me/.npm/_npx/ab12/node_modules/claude-orchestrator';
    expect(
      advice(`${home}/dist`, true, `${home}/package.json`, '/home/me/.npm/_npx/ab12/package.json'),
    ).toContain('npx --package better-sqlite3@12 --package claude-orchestrator claude-orchestrator');
  });

  it('installs what a clone asks for', () => {
    expect(advice('/src/tool/dist', true, '/src/tool/package.json')).toMatch(
      /npm install .*--prefix "\/src\/tool"`/,
    );
  });

  it('names no command of npm where another package manager has put it', () => {
    const home = '/home/me/.local/share/pnpm/5/.pnpm/claude-orchestrator@1/node_modules/claude-orchestrator';
    const text = advice(`${home}/dist`, true, `${home}/package.json`);
    expect(text).toContain('Node.js 22.13');
    expect(text).not.toContain('npm ');
  });
});
