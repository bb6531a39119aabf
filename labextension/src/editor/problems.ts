/** The editor's own findings and the server's, as one list; and from line and column to offsets. */
import type { Problem as ServerProblem } from '../generated';
import type { Problem } from './graph';
import type { TextChange } from './edits';

/** What counts as an end of line where the server counts lines (libyaml's idea of it). */
const LINE_END = /\r\n|[\n\r\u0085\u2028\u2029]/g;

/** Where lines begin, as offsets. */
export function lineStarts(text: string): number[] {
  const starts = [text.charCodeAt(0) === 0xfeff ? 1 : 0];
  for (const match of text.matchAll(LINE_END)) {
    starts.push(match.index + match[0].length);
  }
  return starts;
}

/** Line and column from 1, columns in characters, of `offset`. */
export function placeAt(
  text: string,
  starts: readonly number[],
  offset: number
): { line: number; column: number } {
  let low = 0;
  let high = starts.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (starts[middle] <= offset) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  return { line: low + 1, column: [...text.slice(starts[low], Math.max(offset, starts[low]))].length + 1 };
}

/** The server's `problems` about `text`, with offsets: from their place to the end of the word or the line. */
export function fromServer(text: string, problems: readonly ServerProblem[]): Problem[] {
  const starts = lineStarts(text);
  return problems.map(({ code, message, hint, severity, line, column, path }) => {
    const from = line > 0 ? offsetOf(text, starts, line, column) : 0;
    const to = line > 0 ? from + extent(text, from, value(text, from)) : 0;
    return { code, message, hint, severity, line, column, path, from, to };
  });
}

function offsetOf(text: string, starts: readonly number[], line: number, column: number): number {
  const start = starts[Math.min(line, starts.length) - 1];
  let offset = start;
  for (let count = 1; count < column && offset < text.length; count += 1) {
    offset += (text.codePointAt(offset) ?? 0) > 0xffff ? 2 : 1;
  }
  return offset;
}

function value(text: string, from: number): RegExp {
  const first = text[from];
  return first === '"' || first === "'" ? /[^\r\n]*/y : /[^\r\n,\]}]*?(?=\s*(?:$|[\r\n,\]}]|:\s|\s#))/y;
}

function extent(text: string, from: number, pattern: RegExp): number {
  pattern.lastIndex = from;
  return pattern.exec(text)?.[0].length ?? 0;
}

/**
 * `own` and those of `theirs` that say something else, in the order of the text. Of what both found, our words stay:
 * they are in the reader's language, the server's are not. The same is what has the same code, and the same path or
 * (where the two do not agree on the path) is on a line where we found as many of that code as they.
 */
export function mergeProblems(own: readonly Problem[], theirs: readonly Problem[]): Problem[] {
  const keys = new Set(own.map(keyOf));
  const [ours, others] = [countByLine(own), countByLine(theirs)];
  const isOurs = (one: Problem) =>
    keys.has(keyOf(one)) || (ours.get(lineOf(one)) ?? 0) >= (others.get(lineOf(one)) ?? 0);
  return [...own, ...theirs.filter(one => !isOurs(one))].sort((one, other) => one.from - other.from);
}

function countByLine(problems: readonly Problem[]): Map<string, number> {
  const counts = new Map<string, number>();
  problems.forEach(one => counts.set(lineOf(one), (counts.get(lineOf(one)) ?? 0) + 1));
  return counts;
}

function lineOf(problem: Problem): string {
  return `${problem.code} ${problem.line}`;
}

function keyOf(problem: Problem): string {
  return JSON.stringify([problem.code, problem.path]);
}

/** `problems` after `change` of their text; those about what changed are left out. */
export function movedBy(problems: readonly Problem[], change: TextChange): Problem[] {
  const shift = change.insert.length - (change.to - change.from);
  return problems
    .filter(one => one.to === 0 || one.to < change.from || one.from > change.to)
    .map(one => (one.from > change.to ? { ...one, from: one.from + shift, to: one.to + shift } : one));
}
