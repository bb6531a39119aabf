/**
 * A pipeline's text cut into parts that can be parsed apart: each key at the left margin, and within `tasks:`
 * each task. Parsing costs a quarter of a millisecond a task; with parts, a keystroke costs the one task that it
 * changed. Cutting looks at the beginnings of lines only, and gives up (null) where these do not tell: then the
 * text is parsed as one. What it relies on: in block style nothing but a new part can begin a line at a
 * part's own column, because all that belongs to a part is indented deeper, or is blank or a comment.
 */

/** A stretch of the text. */
export interface Slice {
  from: number;
  to: number;
}

/** A key at the left margin with all that belongs to it. */
export interface TopSlice extends Slice {
  key: string;
}

/** The parts of a text. */
export interface Slices {
  entries: TopSlice[];
  /** The tasks, if they are a block sequence; `header` is the line of their key. */
  tasks: { key: string; header: Slice; items: Slice[] } | null;
}

const KEY = /([A-Za-z_][\w$.-]*)[ ]*:(?=[ \r\n]|$)/y;
const OPENS_LIST = /tasks[ ]*:[ ]*(?:#[^\r\n]*)?(?=[\r\n]|$)/y;
const NEWLINE = 10;

/** Cut `text`; null where it must be parsed whole. */
export function slicesOf(text: string): Slices | null {
  const entries = topSlices(text);
  const tasks = entries?.find(entry => entry.key === 'tasks');
  if (!entries || entries.filter(entry => entry.key === 'tasks').length > 1) {
    return null;
  }
  return { entries, tasks: tasks ? itemsOf(text, tasks) : null };
}

/** The beginning of the line after the one at `position`. */
function nextLine(text: string, position: number): number {
  const end = text.indexOf('\n', position);
  return end < 0 ? text.length : end + 1;
}

function topSlices(text: string): TopSlice[] | null {
  const entries: TopSlice[] = [];
  let position = text.charCodeAt(0) === 0xfeff ? 1 : 0;
  for (; position < text.length; position = nextLine(text, position)) {
    const first = text[position];
    if (' \t#\r\n'.includes(first)) {
      continue;
    }
    if (first === '-') {
      if (!entries.length || !isDash(text, position)) {
        return null;
      }
      continue;
    }
    KEY.lastIndex = position;
    const key = KEY.exec(text);
    if (!key) {
      return null;
    }
    if (entries.length) {
      entries[entries.length - 1].to = position;
    }
    entries.push({ key: key[1], from: position, to: text.length });
  }
  return entries.length ? entries : null;
}

function isDash(text: string, position: number): boolean {
  return text[position] === '-' && (position + 1 >= text.length || ' \r\n'.includes(text[position + 1]));
}

function itemsOf(text: string, whole: TopSlice): Slices['tasks'] {
  OPENS_LIST.lastIndex = whole.from;
  if (!OPENS_LIST.test(text)) {
    return null;
  }
  const items: Slice[] = [];
  let column = -1;
  for (let line = nextLine(text, whole.from); line < whole.to; line = nextLine(text, line)) {
    let start = line;
    while (text[start] === ' ') {
      start += 1;
    }
    const isNothing =
      start >= text.length || '\r\n#'.includes(text[start]) || text.charCodeAt(start) === NEWLINE;
    if (isNothing || (column >= 0 && start - line > column)) {
      continue;
    }
    if (!isDash(text, start) || (column >= 0 && start - line !== column)) {
      return null;
    }
    column = start - line;
    if (items.length) {
      items[items.length - 1].to = line;
    }
    items.push({ from: line, to: whole.to });
  }
  return items.length ? { key: whole.key, header: { from: whole.from, to: items[0].from }, items } : null;
}
