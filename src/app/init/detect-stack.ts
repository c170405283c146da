import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Stack } from '../contract/init.ts';

/** What detection looks at in a directory; paths are relative to it. */
export interface ProjectFiles {
  readonly exists: (path: string) => boolean;
  /** The text of a file; empty if there is none. */
  readonly read: (path: string) => string;
  /** Names of the files and folders in a folder; empty if there is none. */
  readonly names: (path: string) => readonly string[];
}

/** The files of a directory. */
export function filesOf(root: string): ProjectFiles {
  return {
    exists: (path) => existsSync(join(root, path)),
    read: (path) => {
      try {
        return readFileSync(join(root, path), 'utf8');
      } catch {
        return '';
      }
    },
    names: (path) => {
      try {
        return readdirSync(join(root, path));
      } catch {
        return [];
      }
    },
  };
}

/** The rule that allows a command with any further arguments. */
function bashRule(command: string): string {
  return `Bash(${command}:*)`;
}

/** Every tool chain found in a directory; only commands that can succeed there are proposed. */
export function detectStacks(files: ProjectFiles): Stack[] {
  const stacks = [
    detectJavaScript(files),
    detectPython(files),
    detectRust(files),
    detectGo(files),
    ...detectJava(files),
  ].filter((stack) => stack !== undefined);
  const make = detectMake(
    files,
    stacks.some(({ verify }) => verify.length > 0),
  );
  return make === undefined ? stacks : [...stacks, make];
}

function detectRust(files: ProjectFiles): Stack | undefined {
  if (!files.exists('Cargo.toml')) return undefined;
  return {
    name: 'Rust',
    evidence: 'Cargo.toml',
    verify: ['cargo test'],
    allowedTools: ['cargo build', 'cargo check', 'cargo test'].map(bashRule),
  };
}

function detectGo(files: ProjectFiles): Stack | undefined {
  if (!files.exists('go.mod')) return undefined;
  return {
    name: 'Go',
    evidence: 'go.mod',
    verify: ['go build ./...', 'go test ./...'],
    allowedTools: ['go build', 'go test', 'go vet'].map(bashRule),
  };
}

function detectJava(files: ProjectFiles): Stack[] {
  const stacks: Stack[] = [];
  if (files.exists('pom.xml')) {
    const maven = files.exists('mvnw') ? './mvnw' : 'mvn';
    stacks.push({
      name: 'Java (Maven)',
      evidence: 'pom.xml',
      verify: [`${maven} -B test`],
      allowedTools: [`${maven} test`, `${maven} -B test`, `${maven} compile`].map(bashRule),
    });
  }
  const build = ['build.gradle', 'build.gradle.kts'].find((name) => files.exists(name));
  if (build !== undefined) {
    const gradle = files.exists('gradlew') ? './gradlew' : 'gradle';
    stacks.push({
      name: 'Java (Gradle)',
      evidence: build,
      verify: [`${gradle} test`],
      allowedTools: [`${gradle} test`, `${gradle} build`].map(bashRule),
    });
  }
  return stacks;
}

/** A Makefile often wraps what other tools do, so its targets are proposed only where nothing else verifies. */
function detectMake(files: ProjectFiles, hasVerify: boolean): Stack | undefined {
  const evidence = ['GNUmakefile', 'makefile', 'Makefile'].find((name) => files.exists(name));
  if (evidence === undefined) return undefined;
  const targets = new Set(
    [...files.read(evidence).matchAll(/^([A-Za-z0-9_.-][A-Za-z0-9_. -]*?)\s*::?(?!=)/gm)].flatMap((match) =>
      (match[1] ?? '').split(/\s+/),
    ),
  );
  const proving = targets.has('check') && !targets.has('test') ? ['check'] : ['test'];
  const commands = [...proving, 'lint'].filter((target) => targets.has(target)).map((name) => `make ${name}`);
  return {
    name: 'Make',
    evidence,
    verify: hasVerify ? [] : commands,
    allowedTools: [...commands, ...(targets.has('build') ? ['make build'] : [])].map(bashRule),
  };
}

/** What `npm init` writes where there is no test yet. */
const PLACEHOLDER = /no test specified/i;

/** A script that watches never ends, so it cannot prove anything. */
const WATCHES = /(?:^|\s)--?watch(?:All)?(?!\S*=false)(?:\s|=|$)|\bnodemon\b/;

/** The first of each group that the project has proves a change. */
const PROVING = [['typecheck', 'type-check', 'check-types', 'check:types', 'types'], ['lint'], ['test']];

/** A Node.js project, by its `package.json`. */
function detectJavaScript(files: ProjectFiles): Stack | undefined {
  if (!files.exists('package.json')) return undefined;
  const manifest = parseManifest(files.read('package.json'));
  const manager = packageManager(files, manifest.packageManager);
  const run = (script: string): string => {
    if (script === 'test') return manager === 'bun' ? 'bun run test' : `${manager} test`;
    return `${manager} run ${script}`;
  };
  const usable = (script: string): boolean => {
    const body = manifest.scripts[script];
    return typeof body === 'string' && body.trim() !== '' && !PLACEHOLDER.test(body) && !WATCHES.test(body);
  };
  const verify = PROVING.flatMap((names) => names.filter(usable).slice(0, 1)).map(run);
  const build = usable('build') ? [run('build')] : [];
  return {
    name: `Node.js (${manager})`,
    evidence: 'package.json',
    verify: verify.length === 0 ? build : verify,
    allowedTools: [...verify, ...build].map(bashRule),
  };
}

function packageManager(files: ProjectFiles, declared: unknown): string {
  const named = typeof declared === 'string' ? /^(npm|pnpm|yarn|bun)@/.exec(declared)?.[1] : undefined;
  if (named !== undefined) return named;
  const locks = [
    ['pnpm-lock.yaml', 'pnpm'],
    ['yarn.lock', 'yarn'],
    ['bun.lock', 'bun'],
    ['bun.lockb', 'bun'],
  ] as const;
  return locks.find(([lock]) => files.exists(lock))?.[1] ?? 'npm';
}

function parseManifest(text: string): { scripts: Record<string, unknown>; packageManager: unknown } {
  try {
    const manifest: unknown = JSON.parse(text.replace(/^\uFEFF/, ''));
    if (!isObject(manifest)) return { scripts: {}, packageManager: undefined };
    return {
      scripts: isObject(manifest['scripts']) ? { ...manifest['scripts'] } : {},
      packageManager: manifest['packageManager'],
    };
  } catch {
    return { scripts: {}, packageManager: undefined };
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

const MANIFESTS = ['pyproject.toml', 'setup.py', 'setup.cfg', 'requirements.txt', 'Pipfile', 'tox.ini'];

/** A Python project, by any of its manifests. */
function detectPython(files: ProjectFiles): Stack | undefined {
  const evidence = MANIFESTS.find((name) => files.exists(name));
  if (evidence === undefined) return undefined;
  const project = files.read('pyproject.toml');
  const { runner, prefix } = runnerOf(files, project);
  const tests = testCommand(files, project, prefix === '' ? 'python3' : 'python');
  const ruff = files.exists('ruff.toml') || files.exists('.ruff.toml') || /^\[tool\.ruff\b/m.test(project);
  const commands = [...(ruff ? ['ruff check .'] : []), ...(tests === undefined ? [] : [tests])];
  return {
    name: `Python${runner === '' ? '' : ` (${runner})`}`,
    evidence,
    verify: commands.map((command) => prefix + command),
    allowedTools: commands.map((command) => bashRule(prefix + command.replace(/ (?:\.|discover.*)$/, ''))),
  };
}

function runnerOf(files: ProjectFiles, project: string): { runner: string; prefix: string } {
  if (files.exists('uv.lock') || /^\[tool\.uv\b/m.test(project)) return { runner: 'uv', prefix: 'uv run ' };
  if (files.exists('poetry.lock') || /^\[tool\.poetry\b/m.test(project))
    return { runner: 'poetry', prefix: 'poetry run ' };
  if (files.exists('Pipfile')) return { runner: 'pipenv', prefix: 'pipenv run ' };
  return { runner: '', prefix: '' };
}

function testCommand(files: ProjectFiles, project: string, python: string): string | undefined {
  const requirements = files.names('.').filter((name) => /^requirements.*\.(?:txt|in)$/.test(name));
  const mentions = [
    project,
    ...[...requirements, 'setup.cfg', 'setup.py', 'tox.ini', 'Pipfile'].map(files.read),
  ];
  if (
    ['pytest.ini', 'conftest.py', 'tests/conftest.py', 'test/conftest.py'].some((name) =>
      files.exists(name),
    ) ||
    mentions.some((text) => /\bpytest\b/.test(text))
  )
    return 'pytest';
  const folder = ['.', 'tests', 'test'].find((name) =>
    files.names(name).some((file) => /^test.*\.py$/.test(file)),
  );
  if (folder === undefined) return undefined;
  return `${python} -m unittest${folder === '.' ? '' : ` discover -s ${folder}`}`;
}
