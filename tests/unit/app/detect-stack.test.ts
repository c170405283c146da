import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { detectStacks, type ProjectFiles } from '../../../src/app/init/detect-stack.ts';
import { cases } from '../../rig/effort.ts';

function filesOf(files: Readonly<Record<string, string>>): ProjectFiles {
  const paths = Object.keys(files);
  return {
    exists: (path) => paths.some((own) => own === path || own.startsWith(`${path}/`)),
    read: (path) => files[path] ?? '',
    names: (path) => {
      const prefix = path === '.' ? '' : `${path}/`;
      return paths
        .filter((own) => own.startsWith(prefix))
        .map((own) => own.slice(prefix.length).split('/')[0] ?? '');
    },
  };
}

const scripts = (all: Record<string, unknown>, more: object = {}) =>
  JSON.stringify({ scripts: all, ...more });

describe('detectStacks', () => {
  test.each<[string, Record<string, string>, string[], string[]]>([
    ['nothing', {}, [], []],
    ['npm', { 'package.json': scripts({ test: 'vitest run' }) }, ['Node.js (npm)'], ['npm test']],
    [
      'npm, all scripts',
      {
        'package.json': scripts({
          test: 'jest',
          lint: 'eslint .',
          'type-check': 'tsc',
          build: 'vite build',
          dev: 'vite',
        }),
      },
      ['Node.js (npm)'],
      ['npm run type-check', 'npm run lint', 'npm test'],
    ],
    [
      'the placeholder of npm init',
      { 'package.json': scripts({ test: 'echo "Error: no test specified" && exit 1' }) },
      ['Node.js (npm)'],
      [],
    ],
    ['only a build', { 'package.json': scripts({ build: 'tsc' }) }, ['Node.js (npm)'], ['npm run build']],
    ['a test that never ends', { 'package.json': scripts({ test: 'jest --watch' }) }, ['Node.js (npm)'], []],
    [
      'watching switched off',
      { 'package.json': scripts({ test: 'ng test --watch=false' }) },
      ['Node.js (npm)'],
      ['npm test'],
    ],
    [
      'pnpm',
      { 'package.json': scripts({ test: 'x' }), 'pnpm-lock.yaml': '' },
      ['Node.js (pnpm)'],
      ['pnpm test'],
    ],
    [
      'yarn',
      { 'package.json': scripts({ lint: 'x' }), 'yarn.lock': '' },
      ['Node.js (yarn)'],
      ['yarn run lint'],
    ],
    ['bun', { 'package.json': scripts({ test: 'x' }), 'bun.lock': '' }, ['Node.js (bun)'], ['bun run test']],
    [
      'packageManager before lock files',
      { 'package.json': scripts({ test: 'x' }, { packageManager: 'pnpm@9.1.0' }), 'yarn.lock': '' },
      ['Node.js (pnpm)'],
      ['pnpm test'],
    ],
    ['a broken package.json', { 'package.json': '{,' }, ['Node.js (npm)'], []],
    [
      'scripts of the wrong type',
      { 'package.json': scripts({ test: 5, lint: null }) },
      ['Node.js (npm)'],
      [],
    ],
    [
      'pytest by its configuration',
      { 'pyproject.toml': '[tool.pytest.ini_options]\n' },
      ['Python'],
      ['pytest'],
    ],
    [
      'pytest by requirements',
      { 'requirements-dev.txt': 'pytest==8\n', 'setup.py': '' },
      ['Python'],
      ['pytest'],
    ],
    [
      'unittest',
      { 'requirements.txt': '', 'tests/test_a.py': '' },
      ['Python'],
      ['python3 -m unittest discover -s tests'],
    ],
    ['no tests at all', { 'requirements.txt': 'flask\n' }, ['Python'], []],
    [
      'poetry and ruff',
      { 'pyproject.toml': '[tool.poetry]\n[tool.ruff]\n', 'conftest.py': '' },
      ['Python (poetry)'],
      ['poetry run ruff check .', 'poetry run pytest'],
    ],
    ['uv', { 'pyproject.toml': 'dev = ["pytest"]', 'uv.lock': '' }, ['Python (uv)'], ['uv run pytest']],
    ['Rust', { 'Cargo.toml': '' }, ['Rust'], ['cargo test']],
    ['Go', { 'go.mod': '' }, ['Go'], ['go build ./...', 'go test ./...']],
    ['Maven', { 'pom.xml': '' }, ['Java (Maven)'], ['mvn -B test']],
    ['Maven with its wrapper', { 'pom.xml': '', mvnw: '' }, ['Java (Maven)'], ['./mvnw -B test']],
    ['Gradle', { 'build.gradle.kts': '', gradlew: '' }, ['Java (Gradle)'], ['./gradlew test']],
    ['a wrapper alone', { gradlew: '' }, [], []],
    [
      'Make',
      { Makefile: 'CC := gcc\nall: build\nbuild: a.o\n\tcc a.o\ntest lint: build\n.PHONY: test\n' },
      ['Make'],
      ['make test', 'make lint'],
    ],
    ['make check', { Makefile: 'check:\n\ttrue\n' }, ['Make'], ['make check']],
    ['Make without such targets', { Makefile: 'test_x := 1\nall:\n' }, ['Make'], []],
    [
      'Go behind Make',
      { 'go.mod': '', Makefile: 'test:\n\tgo test ./...\n' },
      ['Go', 'Make'],
      ['go build ./...', 'go test ./...'],
    ],
    [
      'several at once',
      { 'package.json': scripts({ test: 'x' }), 'Cargo.toml': '', 'pyproject.toml': 'pytest' },
      ['Node.js (npm)', 'Python', 'Rust'],
      ['npm test', 'pytest', 'cargo test'],
    ],
  ])('%s', (_name, files, names, verify) => {
    const stacks = detectStacks(filesOf(files));
    expect(stacks.map(({ name }) => name)).toEqual(names);
    expect(stacks.flatMap((stack) => stack.verify)).toEqual(verify);
  });

  test('workers may run what verifies', () => {
    const [stack] = detectStacks(filesOf({ 'package.json': scripts({ test: 'x', lint: 'y', build: 'z' }) }));
    expect(stack?.allowedTools).toEqual([
      'Bash(npm run lint:*)',
      'Bash(npm test:*)',
      'Bash(npm run build:*)',
    ]);
    const [python] = detectStacks(
      filesOf({ 'ruff.toml': '', 'requirements.txt': '', 'tests/test_a.py': '' }),
    );
    expect(python?.allowedTools).toEqual(['Bash(ruff check:*)', 'Bash(python3 -m unittest:*)']);
  });

  test('any contents of any of the files are no reason to fail', () => {
    const name = fc.constantFrom(
      'package.json',
      'pyproject.toml',
      'Makefile',
      'setup.cfg',
      'go.mod',
      'pom.xml',
      'tox.ini',
    );
    fc.assert(
      fc.property(fc.dictionary(name, fc.oneof(fc.string(), fc.json())), (files) => {
        for (const { verify, allowedTools } of detectStacks(filesOf(files))) {
          expect(verify.every((command) => command.trim() !== '')).toBe(true);
          expect(allowedTools.every((rule) => /^Bash\(.+:\*\)$/.test(rule))).toBe(true);
        }
      }),
      { numRuns: cases(3000) },
    );
  });
});
