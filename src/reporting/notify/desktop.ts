import { neutralise, truncate } from '../../domain/text/display-text.ts';
import { Output, type OutputStream } from '../terminal/output.ts';
import type { Notice, Receiver } from './notice.ts';

/** The OSC numbers of the sequences that ask a terminal for a notification. */
type Protocol = 9 | 99 | 777;

const TITLE_CELLS = 80;
const BODY_CELLS = 200;

/** What a desktop notification needs. */
export interface DesktopOptions {
  /** The terminal. Nothing else may write to it: a sequence could begin within another one. */
  readonly stream: OutputStream;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly project: string;
}

/** Shows urgent notices on the desktop through the terminal; undefined if the terminal is not known to support that. */
export function desktopReceiver({ stream, env, project }: DesktopOptions): Receiver | undefined {
  const protocol = protocolOf(env);
  if (protocol === undefined) return undefined;
  const output = new Output(stream);
  const inTmux = isSet(env['TMUX']);
  return {
    notify(notice) {
      // A terminal that takes nothing now would show the notice too late.
      if (!notice.urgent || output.blocked) return;
      const text = sequence(protocol, project, notice);
      output.write(inTmux ? throughTmux(text) : text);
    },
    async close() {
      if (!output.blocked) await output.flushed();
      output.detach();
    },
  };
}

/** Recognises a terminal by its environment variables. Only sequences that a terminal is known to support are sent. */
function protocolOf(env: DesktopOptions['env']): Protocol | undefined {
  const term = env['TERM'] ?? '';
  // GNU screen would print parts of the sequences.
  if (term === 'dumb' || isSet(env['STY'])) return undefined;
  const program = `${env['TERM_PROGRAM'] ?? ''} ${env['LC_TERMINAL'] ?? ''}`.toLowerCase();
  if (isSet(env['KITTY_WINDOW_ID']) || term === 'xterm-kitty') return 99;
  if (program.includes('iterm')) return 9;
  if (/ghostty|wezterm|warpterminal|rio/.test(program)) return 777;
  if (/^(?:foot|rxvt|contour|xterm-ghostty|wezterm)/.test(term)) return 777;
  return KNOWN_BY.some((name) => isSet(env[name])) ? 777 : undefined;
}

/** Variables of Windows Terminal, VTE (GNOME Terminal and others), Konsole, WezTerm and Ghostty. */
const KNOWN_BY = ['WT_SESSION', 'VTE_VERSION', 'KONSOLE_VERSION', 'WEZTERM_PANE', 'GHOSTTY_RESOURCES_DIR'];

function sequence(protocol: Protocol, project: string, notice: Notice): string {
  const title = plain(`claude-orchestrator · ${project}`, TITLE_CELLS);
  const body = plain([notice.title, notice.detail].filter((part) => part !== '').join(' '), BODY_CELLS);
  switch (protocol) {
    case 9:
      return `\x1b]9;${title}: ${body}\x1b\\`;
    case 99:
      return `\x1b]99;i=${notice.id}:d=0;${title}\x1b\\\x1b]99;i=${notice.id}:d=1:p=body;${body}\x1b\\`;
    case 777:
      return `\x1b]777;notify;${title};${body}\x1b\\`;
  }
}

/** A semicolon would end the title. */
function plain(text: string, cells: number): string {
  return truncate(neutralise(text).replaceAll(';', ','), cells);
}

/** Wraps a sequence so that tmux passes it on, if `allow-passthrough` is on. */
function throughTmux(text: string): string {
  return `\x1bPtmux;${text.replaceAll('\x1b', '\x1b\x1b')}\x1b\\`;
}

function isSet(value: string | undefined): boolean {
  return value !== undefined && value !== '';
}
