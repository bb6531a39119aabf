/** Changes of a text as values: made small, applied, and put together. */
import type { TextChange } from './edits';

/** `text` after `changes`, which ascend and do not overlap. */
export function applyChanges(text: string, changes: readonly TextChange[]): string {
  let result = '';
  let position = 0;
  for (const { from, to, insert } of changes) {
    result += text.slice(position, from) + insert;
    position = to;
  }
  return result + text.slice(position);
}

/** The one change that makes `after` of `before`: without what both begin and end with. */
export function diffChange(before: string, after: string): TextChange {
  const shorter = Math.min(before.length, after.length);
  let start = 0;
  while (start < shorter && before.charCodeAt(start) === after.charCodeAt(start)) {
    start += 1;
  }
  start -= splitsPair(before, start) || splitsPair(after, start) ? 1 : 0;
  let same = 0;
  while (
    same < shorter - start &&
    before.charCodeAt(before.length - same - 1) === after.charCodeAt(after.length - same - 1)
  ) {
    same += 1;
  }
  same -= splitsPair(before, before.length - same) || splitsPair(after, after.length - same) ? 1 : 0;
  return { from: start, to: before.length - same, insert: after.slice(start, after.length - same) };
}

/** Whether a cut at `offset` would part the two halves of one character. */
function splitsPair(text: string, offset: number): boolean {
  const before = text.charCodeAt(offset - 1);
  const after = text.charCodeAt(offset);
  return before >= 0xd800 && before < 0xdc00 && after >= 0xdc00 && after < 0xe000;
}

type Piece = { from: number; to: number } | { text: string };

/** `first` and then `second`, which is about the text after it, as changes of the text before. */
export function composed(
  length: number,
  first: readonly TextChange[],
  second: readonly TextChange[]
): TextChange[] {
  let pieces = piecesOf(length, first);
  for (const change of [...second].reverse()) {
    const [before, rest] = split(pieces, change.from);
    const [, after] = split(rest, change.to - change.from);
    pieces = [...before, { text: change.insert }, ...after];
  }
  return changesOf(length, pieces);
}

function piecesOf(length: number, changes: readonly TextChange[]): Piece[] {
  const pieces: Piece[] = [];
  let position = 0;
  for (const { from, to, insert } of changes) {
    pieces.push({ from: position, to: from }, { text: insert });
    position = to;
  }
  return [...pieces, { from: position, to: length }];
}

function sizeOf(piece: Piece): number {
  return 'text' in piece ? piece.text.length : piece.to - piece.from;
}

function split(pieces: readonly Piece[], offset: number): [Piece[], Piece[]] {
  const before: Piece[] = [];
  let left = offset;
  for (let place = 0; place < pieces.length; place += 1) {
    const piece = pieces[place];
    const size = sizeOf(piece);
    if (size > left) {
      const [head, tail] = cut(piece, left);
      return [
        [...before, head],
        [tail, ...pieces.slice(place + 1)]
      ];
    }
    before.push(piece);
    left -= size;
  }
  return [before, []];
}

function cut(piece: Piece, offset: number): [Piece, Piece] {
  if ('text' in piece) {
    return [{ text: piece.text.slice(0, offset) }, { text: piece.text.slice(offset) }];
  }
  return [
    { from: piece.from, to: piece.from + offset },
    { from: piece.from + offset, to: piece.to }
  ];
}

function changesOf(length: number, pieces: readonly Piece[]): TextChange[] {
  const changes: TextChange[] = [];
  let position = 0;
  let insert = '';
  const flush = (to: number) => {
    if (insert || to > position) {
      changes.push({ from: position, to, insert });
    }
    insert = '';
  };
  for (const piece of pieces) {
    if ('text' in piece) {
      insert += piece.text;
    } else if (piece.to > piece.from) {
      flush(piece.from);
      position = piece.to;
    }
  }
  flush(length);
  return changes;
}

/** `changes` of `text` without what they only repeat. */
export function trimmed(text: string, changes: readonly TextChange[]): TextChange[] {
  return changes.flatMap(({ from, to, insert }) => {
    const { from: start, to: end, insert: rest } = diffChange(text.slice(from, to), insert);
    return start === end && !rest ? [] : [{ from: from + start, to: from + end, insert: rest }];
  });
}
