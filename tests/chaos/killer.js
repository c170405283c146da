// Loaded into the tool before its own code (`node --import`): writes down every step boundary that the tool comes to,
// and kills the process with SIGKILL at the one that it is told to. The tool itself knows nothing of this.
//
// A boundary is the moment before a program is started, right after that, and when it has ended; the moments before and
// after a transaction of the store is committed, and before and after a file is written. Its name is what is started,
// committed or written, without what differs from run to run.
import childProcess from 'node:child_process';
import fs from 'node:fs';
import { createRequire, syncBuiltinESMExports } from 'node:module';
import process from 'node:process';

/**
 * `spare`: where not to kill; `share`: kill only at names of this share, as in `[1, 2]` for the second half; `skip`: how
 * many of these to let pass first. Without `spare` it only writes.
 */
const { log, root, spare, share = [0, 1], skip = 0 } = JSON.parse(process.env.CHAOS_KILLER ?? '{}');
delete process.env.CHAOS_KILLER;
const spared = spare === undefined ? undefined : new Set(spare);
let passed = 0;
const logFile = log === undefined ? undefined : fs.openSync(log, 'a');

if (log !== undefined) {
  watchPrograms();
  watchStore();
  watchFiles();
  syncBuiltinESMExports();
}

function boundary(name) {
  const dies = spared !== undefined && isShared(name) && !spared.has(name) && passed++ >= skip;
  fs.writeSync(logFile, `${dies ? 'KILL ' : ''}${name}\n`);
  if (dies) process.kill(process.pid, 'SIGKILL');
}

function isShared(name) {
  let sum = 0;
  for (const character of name) sum = (sum * 31 + character.codePointAt(0)) % 65_521;
  return sum % share[1] === share[0];
}

function watchPrograms() {
  const spawn = childProcess.spawn;
  childProcess.spawn = (file, args, ...rest) => {
    const name = nameOfProgram(file, Array.isArray(args) ? args : []);
    boundary(`before ${name}`);
    const child = spawn(file, args, ...rest);
    child.once('exit', () => boundary(`after ${name}`));
    boundary(`during ${name}`);
    if (name === 'git update-ref --stdin' && child.stdin !== null && args.includes('orchestrator'))
      watchRequests(child, 'git update-ref');
    return child;
  };
}

/** One git moves refs for as long as it is needed: each request is a step like a program of its own. */
function watchRequests({ stdin, stdout }, name) {
  const write = stdin.write;
  stdin.write = (text, ...rest) => {
    const moves = String(text)
      .split('\n')
      .filter((line) => /^(create|update|delete) /.test(line))
      .map((line) => line.split(' ', 2).map(general).join(' '));
    const request = `${name} ${moves.join(' ')}`;
    boundary(`before ${request}`);
    const written = write.call(stdin, text, ...rest);
    boundary(`during ${request}`);
    stdout.once('data', () => boundary(`after ${request}`));
    return written;
  };
}

function nameOfProgram(file, args) {
  const program = file.split('/').at(-1);
  if (program !== 'git') return args[0] === '-c' ? `${program} ${general(args[1] ?? '')}` : program;
  const shown = [];
  for (let index = 0; index < args.length && shown.length < 6; index++) {
    if (args[index] === '-c') index++;
    else if (['-m', '--message', '-F'].includes(args[index])) index++;
    // An empty one is the old value of a ref that must not be there yet.
    else shown.push(args[index] === '' ? '<empty>' : general(args[index]));
  }
  return ['git', ...shown].join(' ');
}

/** Without ids, paths, times and texts. */
function general(text) {
  if (text.includes('\n') || text.length > 120) return '<text>';
  return text
    .replaceAll(root, '~')
    .replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, '<uuid>')
    .replace(/\d{8}-\d{6}-[0-9a-f]{4}/g, '<run>')
    .replace(/\b[0-9a-f]{7,64}\b/g, '<oid>')
    .replace(/(?<=[-/.])[A-Za-z0-9]{6}$/, (end) => (/[A-Z\d]/.test(end) ? '<random>' : end))
    .replace(/\d+/g, '#');
}

function watchStore() {
  let prototype;
  try {
    prototype = createRequire(import.meta.url)('better-sqlite3').prototype;
  } catch {
    // Over Node's own SQLite, commits are no boundaries of their own.
    return;
  }
  let told = new Set();
  const { prepare, exec } = prototype;
  const watched = (statement, listener) => {
    const run = statement.run;
    statement.run = (...values) => listener(() => run.apply(statement, values), values);
    return statement;
  };
  prototype.prepare = function (sql) {
    const statement = prepare.call(this, sql);
    if (/^INSERT INTO events/.test(sql)) {
      return watched(statement, (run, values) => {
        told.add(values[3]);
        return run();
      });
    }
    if (/^\s*(INSERT|UPDATE|DELETE)/.test(sql)) {
      return watched(statement, (run) => {
        if (told.size === 0) told.add(/(?:INTO|UPDATE|FROM) (\w+)/.exec(sql)?.[1]);
        return run();
      });
    }
    if (sql === 'BEGIN IMMEDIATE') {
      return watched(statement, (run) => {
        told = new Set();
        return run();
      });
    }
    if (sql !== 'COMMIT') return statement;
    return watched(statement, (run) => {
      const name = `commit ${[...told].sort().join('+')}`;
      const isWrite = told.size > 0;
      if (isWrite) boundary(`before ${name}`);
      const result = run();
      told = new Set();
      if (isWrite) boundary(`after ${name}`);
      return result;
    });
  };
  prototype.exec = function (sql) {
    const result = exec.call(this, sql);
    if (sql.includes('BEGIN EXCLUSIVE')) boundary('after the lock is taken');
    return result;
  };
}

function watchFiles() {
  const changing = ['writeFile', 'mkdir', 'rm', 'rename', 'copyFile', 'cp', 'symlink', 'unlink', 'rmdir'];
  for (const name of changing) {
    const [asynchronous, synchronous] = [fs.promises[name], fs[`${name}Sync`]];
    fs.promises[name] = async (path, ...rest) => {
      boundary(`before ${name} ${general(String(path))}`);
      const result = await asynchronous(path, ...rest);
      boundary(`after ${name} ${general(String(path))}`);
      return result;
    };
    fs[`${name}Sync`] = (path, ...rest) => {
      boundary(`before ${name} ${general(String(path))}`);
      const result = synchronous(path, ...rest);
      boundary(`after ${name} ${general(String(path))}`);
      return result;
    };
  }
}
