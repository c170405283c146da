/** Wraps a text so that a terminal shows it in a style. */
export type Style = (text: string) => string;

/** The styles that displays use; each gives the text back as it is when colours are off. */
export interface Styles {
  readonly bold: Style;
  readonly dim: Style;
  readonly red: Style;
  readonly green: Style;
  readonly yellow: Style;
  readonly cyan: Style;
}

/** Styles by one flag, which is decided once, in `choose.ts`. */
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
