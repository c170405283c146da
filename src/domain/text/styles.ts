/** Wraps a text so that a terminal shows it in a style. */
export type Style = (text: string) => string;

/** The styles that displays use. Without colours, each returns the text as it is. */
export interface Styles {
  readonly bold: Style;
  readonly dim: Style;
  readonly red: Style;
  readonly green: Style;
  readonly yellow: Style;
  readonly cyan: Style;
}

/** The styles, with or without colours. */
export function styles(enabled: boolean): Styles {
  const style = (open: number, close: number): Style =>
    enabled ? (text) => (text === '' ? '' : `\x1b[${open}m${text}\x1b[${close}m`) : (text) => text;
  return {
    bold: style(1, 22),
    dim: style(2, 22),
    red: style(31, 39),
    green: style(32, 39),
    yellow: style(33, 39),
    cyan: style(36, 39),
  };
}

/** Whether to colour an output, by https://no-color.org, `FORCE_COLOR`, and whether the output is a terminal. */
export function chooseColor(output: {
  readonly isTTY: boolean;
  /** `--no-color`. */
  readonly noColor: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
}): boolean {
  const { isTTY, noColor, env } = output;
  if (noColor || (env['NO_COLOR'] ?? '') !== '') return false;
  const forced = env['FORCE_COLOR'] ?? '';
  return forced === '' ? isTTY && env['TERM'] !== 'dumb' : isSwitchedOn(forced);
}

/** Whether the value of an environment variable switches something on. */
export function isSwitchedOn(value: string | undefined): boolean {
  return value !== undefined && !['', '0', 'false'].includes(value.toLowerCase());
}
