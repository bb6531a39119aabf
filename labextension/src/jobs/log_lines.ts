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
/** Most of an unfinished line that is kept; a line that long is no line that anybody reads. */
const LONGEST_OPEN = 1 << 20;

/** See the head of this file. */
export class LogLines {
  constructor(private readonly cutWords: (left: number) => string) {}

  /**
   * Take more of the log.
   *
   * @returns the lines that are whole now and the one that is still being written (null: none), each as HTML; and
   * whether there were so many that the first are left out
   */
  append(text: string): { whole: string[]; open: string | null; isCut: boolean } {
    const parts = (this.rest + text).split('\n');
    this.rest = kept(parts.pop() ?? '');
    const whole = parts.slice(-MOST).map(part => this.html(part));
    const isOn = this.colours;
    const open = this.rest === '' ? null : this.html(this.rest);
    this.colours = isOn; // the open line is read again when there is more of it
    return { whole, open, isCut: parts.length > MOST };
  }

  private html(line: string): string {
    const cut = withoutMovements(this.cut(overwritten(line)));
    if (this.colours === '' && !cut.includes('\x1b')) {
      return escapeHtml(cut);
    }
    const ansi = new AnsiUp();
    ansi.use_classes = true;
    ansi.url_allowlist = {};
    const html = ansi.ansi_to_html(this.colours + cut);
    this.colours = coloursAfter(this.colours, cut);
    return html;
  }

  private cut(line: string): string {
    return line.length > LONGEST ? line.slice(0, LONGEST) + this.cutWords(line.length - LONGEST) : line;
  }

  private rest = '';
  /** The sequences that colour the next line. */
  private colours = '';
}

/** What a line shows after its carriage returns: the last part that says something. */
export function overwritten(line: string): string {
  return line.includes('\r') ? (line.split('\r').filter(Boolean).pop() ?? '') : line;
}

/** What of an unfinished line can still be seen: a progress bar of an hour is its last part. */
function kept(rest: string): string {
  const from = rest.length > 1 ? rest.lastIndexOf('\r', rest.length - 2) : -1;
  return rest.slice(from + 1).slice(0, LONGEST_OPEN);
}

/** The colours that are on after `text`, where `before` were: sequences since the last that switched all off. */
function coloursAfter(before: string, text: string): string {
  return (text.match(COLOURS) ?? []).reduce(
    (on, each) => (OFF.test(each) ? '' : on.length < 256 ? on + each : each),
    before
  );
}

/* eslint-disable no-control-regex -- these are what is looked for */
const MOVEMENTS =
  /\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b\[[0-9;?]*[A-La-ln-zN-Z]|\x1b[()][A-Z0-9]|[\x00-\x08\x0b-\x1a]/g;
const COLOURS = /\x1b\[[0-9;]*m/g;
const OFF = /^\x1b\[0*m$/;
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
