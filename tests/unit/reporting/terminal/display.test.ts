import { describe, expect, test } from 'vitest';
import { chooseColor } from '../../../../src/domain/text/styles.ts';
import { choosePresentation, type DisplayConditions } from '../../../../src/reporting/terminal/display.ts';

const TERMINAL: DisplayConditions = {
  isTTY: true,
  columns: 120,
  json: false,
  noProgress: false,
  quiet: false,
  verbose: false,
  noColor: false,
  showProgressBar: true,
  env: { TERM: 'xterm-256color' },
};

describe('what is shown', () => {
  test.each<[string, Partial<DisplayConditions>, string]>([
    ['a terminal', {}, 'live normal color'],
    ['a terminal, --verbose', { verbose: true }, 'live verbose color'],
    ['a terminal, --no-progress', { noProgress: true }, 'plain normal color'],
    ['a terminal, show_progress_bar off', { showProgressBar: false }, 'plain normal color'],
    ['a terminal, --quiet', { quiet: true }, 'plain quiet color'],
    ['--quiet beats --verbose', { quiet: true, verbose: true }, 'plain quiet color'],
    ['--json beats everything', { json: true, verbose: true }, 'ndjson verbose plain'],
    ['a pipe', { isTTY: false }, 'plain normal plain'],
    ['a build service with a terminal', { env: { CI: 'true' } }, 'plain normal color'],
    ['CI=false is no build service', { env: { CI: 'false' } }, 'live normal color'],
    ['a dumb terminal', { env: { TERM: 'dumb' } }, 'plain normal plain'],
    ['a terminal too narrow to draw on', { columns: 20 }, 'plain normal color'],
    ['a terminal that does not tell its width', { columns: undefined }, 'live normal color'],
    ['NO_COLOR', { env: { NO_COLOR: '1' } }, 'live normal plain'],
  ])('%s', (_name, changes, expected) => {
    const { kind, level, color } = choosePresentation({ ...TERMINAL, ...changes });
    expect(`${kind} ${level} ${color ? 'color' : 'plain'}`).toBe(expected);
  });
});

describe('colours', () => {
  test.each<[boolean, boolean, Record<string, string>, boolean]>([
    [true, false, {}, true],
    [false, false, {}, false],
    [true, true, {}, false],
    [true, false, { NO_COLOR: '' }, true],
    [true, false, { NO_COLOR: '0' }, false],
    [false, false, { FORCE_COLOR: '1' }, true],
    [true, false, { FORCE_COLOR: '0' }, false],
    [false, true, { FORCE_COLOR: '1' }, false],
    [false, false, { FORCE_COLOR: '1', NO_COLOR: '1' }, false],
  ])('TTY %s, --no-color %s, %j: %s', (isTTY, noColor, env, expected) => {
    expect(chooseColor({ isTTY, noColor, env })).toBe(expected);
  });
});
