import { detectJavaScript } from './detect-javascript.ts';
import { detectPython } from './detect-python.ts';
import { bashRule, type ProjectFiles, type Stack } from './stack.ts';

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

/** A Makefile often wraps what the other tools do, so its targets verify only where nothing else does. */
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
