import { bashRule, type ProjectFiles, type Stack } from './stack.ts';

const MANIFESTS = ['pyproject.toml', 'setup.py', 'setup.cfg', 'requirements.txt', 'Pipfile', 'tox.ini'];

/** A Python project, by any of its manifests. */
export function detectPython(files: ProjectFiles): Stack | undefined {
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
