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
