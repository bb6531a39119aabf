/** Text under `>` that changes in one place keeps the line breaks that its writer chose everywhere else. */
import { parseTree } from './document_tree';
import type { Json } from './edits';
import { diffChange } from './edits_changes';

/**
 * `written` (a folded scalar from its `>` on, whose value is `value`) with the value `wanted`, changed only where
 * that differs; null where this cannot be done so.
 */
export function patchedFold(written: string, value: Json, wanted: string): string | null {
  const [header, ...lines] = written.split(/(?<=\n)/);
  const words = lines.map(line => line.trim());
  if (typeof value !== 'string' || words.join(' ') !== value.trimEnd() || words.includes('')) {
    return null;
  }
  const { from, to, insert } = diffChange(value, wanted);
  if (insert.includes('\n') || to > value.trimEnd().length) {
    return null;
  }
  const [start, end] = [placeOf(lines, from), placeOf(lines, to)];
  const body = lines.join('');
  const next = header + body.slice(0, start) + insert + body.slice(end);
  const { root, complaints } = parseTree(`k: ${next}\n`);
  const read = root?.kind === 'map' ? root.entries[0].value : null;
  return !complaints.length && read?.kind === 'scalar' && read.value === wanted ? next : null;
}

/** Where the character at `offset` of the value stands in the `lines`. */
function placeOf(lines: readonly string[], offset: number): number {
  let [left, position] = [offset, 0];
  for (const line of lines) {
    const indent = line.length - line.trimStart().length;
    const length = line.trim().length;
    if (left <= length) {
      return position + indent + left;
    }
    left -= length + 1;
    position += line.length;
  }
  return position;
}
