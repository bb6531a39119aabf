/**
 * A log's text as lines of safe HTML. Colours (SGR) become classes that JupyterLab's themes know, everything else of
 * a terminal is left out; a carriage return overwrites its line, as progress bars mean it. Colours that are still on
 * at a line's end go on in the next, also across parts of a log.
 */
import { AnsiUp } from 'ansi_up';

/** Longest line that is shown whole; what is cut is said. */
const LONGEST = 20_000;
/** Most lines of one part: of what comes faster, only the end is shown. */
const MOST = 20_000;

/** See the head of this file. */
export class LogLines {
  constructor(private readonly cutWords: (left: number) => string) {
    this.ansi.use_classes = true;
    this.ansi.url_allowlist = {};
  }

  /**
   * Take more of the log.
   *
   * @returns the lines that are whole now, the one that is still being written (null: none), and whether there were
   * so many that the first are left out
   */
  append(text: string): { whole: string[]; open: string | null; isCut: boolean } {
    const parts = (this.rest + text).split('\n');
    this.rest = parts.pop() ?? '';
    const whole = parts.slice(-MOST).map(part => this.html(part));
    const open = this.rest === '' ? null : escapeHtml(plain(this.cut(overwritten(this.rest))));
    return { whole, open, isCut: parts.length > MOST };
  }

  private html(line: string): string {
    const cut = this.cut(overwritten(line.replace(/\r$/, '')));
    return this.ansi.ansi_to_html(withoutMovements(cut));
  }

  private cut(line: string): string {
    return line.length > LONGEST ? line.slice(0, LONGEST) + this.cutWords(line.length - LONGEST) : line;
  }

  private readonly ansi = new AnsiUp();
  private rest = '';
}

/** What a line shows after its carriage returns: the last part that says something. */
export function overwritten(line: string): string {
  return line.includes('\r') ? (line.split('\r').filter(Boolean).pop() ?? '') : line;
}

/** Text without any escape sequence. */
export function plain(text: string): string {
  return withoutMovements(text).replace(COLOURS, '');
}

/* eslint-disable no-control-regex -- these are what is looked for */
const MOVEMENTS =
  /\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b\[[0-9;?]*[A-La-ln-zN-Z]|\x1b[()][A-Z0-9]|[\x00-\x08\x0b-\x1a]/g;
const COLOURS = /\x1b\[[0-9;]*m/g;
/* eslint-enable no-control-regex */

/** Without what moves a cursor or sets a title: all sequences but colours. */
function withoutMovements(text: string): string {
  return text.replace(MOVEMENTS, '');
}

function escapeHtml(text: string): string {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');
}

/** Places of `query` in lines of text, case ignored: the index of each line that has it. */
export function linesWith(lines: readonly string[], query: string): number[] {
  const wanted = query.toLowerCase();
  return wanted === ''
    ? []
    : lines.flatMap((line, index) => (line.toLowerCase().includes(wanted) ? [index] : []));
}
