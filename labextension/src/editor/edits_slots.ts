/** Where values stand in a text, and where new keys go. */
import type { Entry, Item, Mapping, Scalar, Sequence, Syntax } from './document_tree';
import type { Json } from './edits';

/** The order in which keys stand, where they are added. */
const TOP =
  'version name description ownership environment resources resource_opts mounts params files cache tasks'.split(
    ' '
  );
const TASK =
  'name description type cluster_mode cluster_size run_on launcher module_uri dependencies inputs command notebook parameters environment resources resource_opts mounts outputs when run_if final skip continue_on_failure retry timeout cache files side_effects service'.split(
    ' '
  );

/** The order of keys in the mapping at `path`. */
export function orderAt(path: readonly string[]): readonly string[] {
  return path.length === 0 ? TOP : path.length === 2 && path[0] === 'tasks' ? TASK : [];
}

/** Where a value stands. */
export type Slot = { entry: Entry; map: Mapping } | { item: Item; list: Sequence };

/** Whether it stands between brackets. */
export function isInFlow(slot: Slot): boolean {
  return 'entry' in slot ? slot.map.isFlow : slot.list.isFlow;
}

/** The collection in a `line` of one entry or item. */
export function inlineCollection(line: string, slot: Slot): string {
  return ('entry' in slot ? line.replace(/^[^:]*:/, '') : line.slice(1)).trim();
}

/** Whether `data` is a list or a mapping. */
export function isCollection(data: Json): boolean {
  return typeof data === 'object' && data !== null;
}

/** Whether `node` is a list or a mapping. */
export function isCollectionNode(node: Syntax): node is Mapping | Sequence {
  return node.kind === 'map' || node.kind === 'seq';
}

/** How a text between quotes is quoted. */
export function styleOf(node: Syntax | null): Scalar['style'] | undefined {
  return node?.kind === 'scalar' && (node.style === 'single' || node.style === 'double')
    ? node.style
    : undefined;
}

/** How many of `entries` stand before the new `key`. */
export function placeFor(key: string, entries: readonly Entry[], order: readonly string[]): number {
  const rank = order.indexOf(key);
  if (rank < 0) {
    return entries.length;
  }
  const before = entries.map(entry => order.indexOf(entry.key) >= 0 && order.indexOf(entry.key) < rank);
  return before.lastIndexOf(true) + 1;
}
