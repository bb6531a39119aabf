/**
 * A table in a file of any size, page by page, of which only those bytes are read that are shown.
 *
 * Nothing tells where the thousandth record of a CSV file begins but the records before it: pages are found one after
 * another, and where each begins is kept, so that going back costs one read. The last page is read from the file's end.
 * Records end at line ends that are not within quotes; all is done with bytes, so that no character is ever cut.
 */
import { csvParseRows, tsvParseRows } from 'd3-dsv';

/** Records of one page. */
export const PAGE_ROWS = 200;
/** Most columns that a table shows. */
export const MOST_COLUMNS = 200;
/** Most characters of a cell that are shown. */
export const LONGEST_CELL = 1000;
const CHUNK = 1 << 18;
const MOST_BYTES = 1 << 22;
const LINE_END = 10;
const QUOTE = 34;

/** How a table is written. */
export type TableKind = 'csv' | 'tsv' | 'jsonl';

/** Bytes of the file from `start` up to, without, `end`; fewer at its end. */
export type ReadBytes = (start: number, end: number) => Promise<Uint8Array>;

/** What is shown of a table. */
export interface Page {
  head: readonly string[];
  rows: readonly (readonly string[])[];
  /** Number of its first record, from 0; null where it is not known, of a page that was read from the end. */
  first: number | null;
  /** Which page it is; null: the last one. */
  index: number | null;
  isLast: boolean;
  /** How far into the file it reaches, of 1. */
  part: number;
}

/** See the head of this file. */
export class TablePages {
  constructor(
    private readonly kind: TableKind,
    private size: number,
    private readonly read: ReadBytes
  ) {}

  /** The file is longer now; what is known of its beginning holds. */
  grow(size: number): void {
    this.size = size;
  }

  /** The page number `index`, or the last there is before it. */
  async page(index: number): Promise<Page> {
    await this.begin();
    for (let at = Math.min(index, this.starts.length - 1); ; at++) {
      const start = this.starts[at];
      const found = await this.records(start, this.size, PAGE_ROWS);
      const isLast = found.end >= this.size || found.records.length === 0;
      if (!isLast) {
        this.starts[at + 1] = found.end;
      }
      if (at >= index || isLast) {
        const part = this.size > 0 ? found.end / this.size : 1;
        return { ...this.table(found.records), first: at * PAGE_ROWS, index: at, isLast, part };
      }
    }
  }

  /** The last records of the file. */
  async last(): Promise<Page> {
    await this.begin();
    const known = this.starts[this.starts.length - 1];
    const from = Math.max(known, this.size - CHUNK);
    if (from === known) {
      return this.page(Infinity); // near enough to be reached page by page, which tells the records' numbers as well
    }
    const bytes = await this.read(from, this.size);
    const [first = bytes.length] = recordEnds(bytes, false);
    const found = split(bytes.subarray(first), this.kind !== 'jsonl', Infinity, true).records;
    return { ...this.table(found.slice(-PAGE_ROWS)), first: null, index: null, isLast: true, part: 1 };
  }

  /** Read the names of the columns, once. */
  private async begin(): Promise<void> {
    if (this.starts.length === 0 && this.kind === 'jsonl') {
      this.starts.push(0);
    } else if (this.starts.length === 0) {
      const { records, end } = await this.records(0, this.size, 1);
      this.head = this.parsed(records.join(''))[0] ?? [];
      this.starts.push(end);
    }
  }

  /** Whole records from a byte on, `count` of them at most, and where they end. */
  private async records(
    start: number,
    size: number,
    count: number
  ): Promise<{ records: string[]; end: number }> {
    let bytes = new Uint8Array(0);
    for (;;) {
      const from = start + bytes.length;
      const more = from < size ? await this.read(from, Math.min(size, from + CHUNK)) : new Uint8Array(0);
      const isEnd = more.length === 0 || from + more.length >= size;
      bytes = joined(bytes, more);
      const found = split(bytes, this.kind !== 'jsonl', count, isEnd);
      if (found.records.length >= count || isEnd || bytes.length >= MOST_BYTES) {
        const isStuck = found.records.length === 0 && !isEnd; // a quote that nobody closed, or a line without an end
        const taken = isStuck ? split(bytes, false, count, true) : found;
        return { records: taken.records, end: start + taken.end };
      }
    }
  }

  private table(records: readonly string[]): Pick<Page, 'head' | 'rows'> {
    if (this.kind !== 'jsonl') {
      const rows = this.parsed(records.join(''));
      return { head: this.head.slice(0, MOST_COLUMNS), rows: rows.map(shortened) };
    }
    const found = records.map(recordIn).filter(record => record !== null);
    const names = [...new Set([...this.head, ...found.flatMap(record => Object.keys(record))])];
    this.head = names.slice(0, MOST_COLUMNS);
    return { head: this.head, rows: found.map(record => shortened(names.map(name => cellOf(record[name])))) };
  }

  private parsed(text: string): string[][] {
    return this.kind === 'tsv' ? tsvParseRows(text) : csvParseRows(text);
  }

  private head: readonly string[] = [];
  private readonly starts: number[] = [];
}

/** Where records end, each behind its line end; within quotes (`isQuoted`) a line end is part of a cell. */
export function recordEnds(bytes: Uint8Array, isQuoted: boolean): number[] {
  const ends: number[] = [];
  let isInside = false;
  for (let at = 0; at < bytes.length; at++) {
    if (isQuoted && bytes[at] === QUOTE) {
      isInside = !isInside;
    } else if (bytes[at] === LINE_END && !isInside) {
      ends.push(at + 1);
    }
  }
  return ends;
}

/** The first `count` records as texts; the rest without a line end is one at the file's end. */
function split(
  bytes: Uint8Array,
  isQuoted: boolean,
  count: number,
  isEnd: boolean
): { records: string[]; end: number } {
  const ends = recordEnds(bytes, isQuoted);
  if (isEnd && (ends[ends.length - 1] ?? 0) < bytes.length) {
    ends.push(bytes.length);
  }
  const taken = ends.slice(0, count === Infinity ? undefined : count);
  const decoder = new TextDecoder();
  const records = taken.map((end, index) =>
    decoder.decode(bytes.subarray(index ? taken[index - 1] : 0, end))
  );
  return { records, end: taken[taken.length - 1] ?? 0 };
}

function joined(one: Uint8Array, other: Uint8Array): Uint8Array<ArrayBuffer> {
  const both = new Uint8Array(one.length + other.length);
  both.set(one);
  both.set(other, one.length);
  return both;
}

function recordIn(line: string): Record<string, unknown> | null {
  try {
    const found = JSON.parse(line) as unknown;
    return typeof found === 'object' && found !== null && !Array.isArray(found)
      ? (found as Record<string, unknown>)
      : null;
  } catch {
    return null; // a line that is no record is not part of the table
  }
}

function cellOf(found: unknown): string {
  if (found === undefined || found === null) {
    return '';
  }
  return typeof found === 'object' ? JSON.stringify(found) : String(found);
}

function shortened(row: readonly string[]): string[] {
  return row
    .slice(0, MOST_COLUMNS)
    .map(cell => (cell.length > LONGEST_CELL ? `${cell.slice(0, LONGEST_CELL)}…` : cell));
}
