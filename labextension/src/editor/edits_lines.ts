/** Lines and brackets of a text: where something is put in or taken out so that the rest stays as it is. */
import type { Mapping, Sequence, Syntax } from './document_tree';
import type { TextChange } from './edits';

interface Piece {
  from: number;
  to: number;
}

/** See the head of this file. Every method gives changes of the text as it is. */
export class Lines {
  /** Of `text`, whose lines end with `eol`. */
  constructor(
    private readonly text: string,
    private readonly eol: string
  ) {}

  /** Where the line of `offset` begins. */
  startOf(offset: number): number {
    const start = this.text.lastIndexOf('\n', offset - 1) + 1;
    return start === 0 && this.text.charCodeAt(0) === 0xfeff ? 1 : start;
  }

  /** Where the line after that of `offset` begins, or the text ends. */
  endOf(offset: number): number {
    const end = this.text.indexOf('\n', offset);
    return end < 0 ? this.text.length : end + 1;
  }

  /** `lines` behind `column` spaces; empty ones stay empty. */
  indented(lines: readonly string[], column: number): string[] {
    return lines.map(line => (line ? ' '.repeat(column) + line : line));
  }

  /** Insert `lines` at `offset`, which is the beginning of a line or the end of the text. */
  append(offset: number, lines: readonly string[]): TextChange {
    const body = lines.join(this.eol);
    const isOpen =
      offset > 0 && offset === this.text.length && this.text[offset - 1] !== '\n' && this.text !== '\ufeff';
    return { from: offset, to: offset, insert: isOpen ? this.eol + body : body + this.eol };
  }

  /** Insert `lines` after the value that ends at `offset`, and after comments below it that are deeper than `column`. */
  after(offset: number, lines: readonly string[], column: number, takesDeeper: boolean): TextChange {
    let end = this.endOf(offset);
    for (; end < this.text.length && end > 0 && this.text[end - 1] === '\n'; end = this.endOf(end)) {
      const [, spaces, first] = /^( *)(\S?)/.exec(this.text.slice(end, end + 200)) ?? [];
      if (first !== '#' || spaces.length < column || (takesDeeper && spaces.length === column)) {
        break;
      }
      if (!takesDeeper && spaces.length === column && !this.isLastComment(end)) {
        break;
      }
    }
    return this.append(end, lines);
  }

  /** Whether a comment line is followed by nothing that it could be about. */
  private isLastComment(offset: number): boolean {
    return !/^[ \t]*[^\s#]/m.test(this.text.slice(offset));
  }

  /** Insert `lines` before the first part of a block, which begins at `offset`. */
  before(offset: number, lines: readonly string[]): TextChange {
    const start = this.startOf(offset);
    const lead = this.text.slice(start, offset);
    if (!lead.trim()) {
      return { from: start, to: start, insert: lines.join(this.eol) + this.eol };
    }
    return {
      from: offset,
      to: offset,
      insert: `${lines.join(this.eol).trimStart()}${this.eol}${' '.repeat(lead.length)}`
    };
  }

  /** Whether a blank line stands above the part that begins at `offset`, and above the comments on it. */
  isBlankBefore(offset: number, column: number): boolean {
    const start = this.withComments(this.startOf(offset), column);
    return start > 0 && !this.text.slice(this.startOf(start - 1), start).trim();
  }

  /** Whether `node` ends with a text under `|+` or `>+`, which takes in blank lines that follow. */
  isOpenEnded(node: Syntax | null): boolean {
    if (node?.kind === 'scalar') {
      return /^[|>]\d?\+/.test(this.text.slice(node.from, node.from + 3));
    }
    const parts = node?.kind === 'map' ? node.entries : node?.kind === 'seq' ? node.items : [];
    return parts.length > 0 && this.isOpenEnded(parts[parts.length - 1].value);
  }

  /** Put `insert` before the part number `place` of what stands between brackets. */
  intoFlow(node: Mapping | Sequence, parts: readonly Piece[], place: number, insert: string): TextChange {
    if (!parts.length) {
      return { from: node.from + 1, to: node.from + 1, insert };
    }
    const before = parts[place - 1];
    if (!before) {
      return { from: parts[0].from, to: parts[0].from, insert: `${insert}, ` };
    }
    const start = this.startOf(before.from);
    const isOwnLine = parts.length > 0 && !this.text.slice(start, before.from).trim();
    const gap = isOwnLine ? this.eol + this.text.slice(start, before.from) : ' ';
    return { from: before.to, to: before.to, insert: `,${gap}${insert}` };
  }

  /** Take out the parts that are `gone`; of tasks (`withComments`) together with the comments right above them. */
  removals(
    parts: readonly Piece[],
    gone: readonly boolean[],
    node: Mapping | Sequence,
    withComments: boolean
  ): TextChange[] {
    const changes: TextChange[] = [];
    for (let first = 0; first < parts.length; first += 1) {
      if (!gone[first]) {
        continue;
      }
      let last = first;
      while (gone[last + 1]) {
        last += 1;
      }
      changes.push(
        node.isFlow
          ? this.fromFlow(parts, first, last, node)
          : this.fromBlock(parts, first, last, withComments)
      );
      first = last;
    }
    return changes;
  }

  private fromFlow(
    parts: readonly Piece[],
    first: number,
    last: number,
    node: Mapping | Sequence
  ): TextChange {
    const next = parts[last + 1];
    if (next) {
      return { from: parts[first].from, to: next.from, insert: '' };
    }
    const before = parts[first - 1];
    return before
      ? { from: before.to, to: parts[last].to, insert: '' }
      : { from: node.from + 1, to: node.to - 1, insert: '' };
  }

  private fromBlock(parts: readonly Piece[], first: number, last: number, withComments: boolean): TextChange {
    const { from } = parts[first];
    const start = this.startOf(from);
    const end = this.endOf(parts[last].to);
    if (this.text.slice(start, from).trim()) {
      const next = parts[last + 1];
      return next ? { from, to: next.from, insert: '' } : { from, to: parts[last].to, insert: '' };
    }
    const above = first > 0 ? this.endOf(parts[first - 1].to) : 0;
    const top = withComments ? this.withoutBlank(this.withComments(start, from - start), end, above) : start;
    if (end === this.text.length && this.text[end - 1] !== '\n' && top > 0) {
      const cut = this.text[top - 1] === '\n' ? (this.text[top - 2] === '\r' ? top - 2 : top - 1) : top;
      return { from: cut, to: end, insert: '' };
    }
    return { from: top, to: end, insert: '' };
  }

  /** The beginning of the comments at `column` that stand right above the line at `start`. */
  withComments(start: number, column: number): number {
    let top = start;
    while (top > 0) {
      const above = this.startOf(top - 1);
      const line = this.text.slice(above, top);
      if (above >= top || !line.slice(column).startsWith('#') || line.slice(0, column).trim()) {
        break;
      }
      top = above;
    }
    return top;
  }

  /** Blank lines above go as well where the text goes on with one, or ends. */
  private withoutBlank(start: number, end: number, limit: number): number {
    const isOpen = end >= this.text.length || !this.text.slice(end, this.endOf(end)).trim();
    let top = start;
    while (isOpen && top > limit) {
      const above = this.startOf(top - 1);
      if (above >= top || this.text.slice(above, top).trim()) {
        break;
      }
      top = above;
    }
    return top;
  }
}

/** Whether a text under `|+` may stand at the end of `lines`, which would take in a blank line that follows. */
export function isOpenEnded(lines: readonly string[] | undefined): boolean {
  return !!lines?.some(line => /[|>]\d?\+\s*(#.*)?$/.test(line));
}
