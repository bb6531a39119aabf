/**
 * Lineage as a tree to walk: below what was asked for stand what it was made of and what was made of it, each opening
 * to its own. Pure.
 *
 * The answer is a graph, in which a thing may be reached by many ways; a tree of all ways could be endless work, so a
 * branch is made only when it is opened. A row is named by its way from the root, not by its node, which may stand
 * in several places.
 */
import type { LineageEdge, LineageNode, LineageView } from '../generated';

/** Against the arrows, or along them. */
export type Direction = 'back' | 'forward';

/** One visible line of the tree. */
export interface LineageRow {
  /** The way from the root: unique among the rows. */
  key: string;
  /** The row above it in the tree; null for the two at the top. */
  parent: string | null;
  direction: Direction;
  /** Null for the two headings. */
  node: LineageNode | null;
  /** By which outputs and inputs it is connected with the row above. */
  edges: readonly LineageEdge[];
  /** From 1. */
  level: number;
  /** Its place among its siblings, from 1, and how many they are. */
  position: number;
  siblings: number;
  /** How many rows stand below it when it is open. */
  children: number;
  isOpen: boolean;
}

/** The key of a heading. */
export const HEADINGS: readonly Direction[] = ['back', 'forward'];

/** The rows that can be seen while `open` are open. */
export function rowsOf(view: LineageView, open: ReadonlySet<string>): LineageRow[] {
  const rows: LineageRow[] = [];
  const known = new Map(view.nodes.map(node => [node.id, node]));
  HEADINGS.forEach((direction, index) => {
    const next = neighbours(view.edges, direction);
    const add = (id: string, row: Omit<LineageRow, 'children' | 'isOpen'>, way: readonly string[]): void => {
      const below = [...(next.get(id) ?? [])].filter(([each]) => known.has(each) && !way.includes(each));
      const isOpen = below.length > 0 && open.has(row.key);
      rows.push({ ...row, children: below.length, isOpen });
      if (isOpen) {
        below.forEach(([each, edges], at) => {
          const place = { level: row.level + 1, position: at + 1, siblings: below.length, direction };
          const node = known.get(each) ?? null;
          add(each, { key: `${row.key}/${each}`, parent: row.key, node, edges, ...place }, [...way, each]);
        });
      }
    };
    const heading = { key: direction, parent: null, node: null, edges: [], direction, level: 1 };
    add(view.subject, { ...heading, position: index + 1, siblings: 2 }, [view.subject]);
  });
  return rows;
}

/** Who stands one arrow further on from each node, with the arrows to it. */
function neighbours(
  edges: readonly LineageEdge[],
  direction: Direction
): Map<string, Map<string, LineageEdge[]>> {
  const found = new Map<string, Map<string, LineageEdge[]>>();
  for (const edge of edges) {
    const [at, to] = direction === 'back' ? [edge.to, edge.from] : [edge.from, edge.to];
    const known = found.get(at) ?? new Map<string, LineageEdge[]>();
    known.set(to, [...(known.get(to) ?? []), edge]);
    found.set(at, known);
  }
  return found;
}

/** `model → weights`: which output is handed on, and under which name it is taken; empty where nothing is. */
export function edgeWords(edges: readonly LineageEdge[]): string {
  return edges
    .map(({ output, input }) => [...new Set([output, input])].filter(Boolean).join(' → '))
    .filter(Boolean)
    .join(', ');
}

/** What a key of a tree does: which row is the active one then, and what is to be opened or closed. */
export function stepIn(
  rows: readonly LineageRow[],
  active: string,
  key: string
): { active?: string; toggle?: string } | null {
  const at = rows.findIndex(row => row.key === active);
  const row = rows[at];
  const to = (index: number): { active?: string } => ({ active: rows[index]?.key ?? active });
  switch (key) {
    case 'ArrowDown':
      return to(Math.min(rows.length - 1, at + 1));
    case 'ArrowUp':
      return to(Math.max(0, at - 1));
    case 'Home':
      return to(0);
    case 'End':
      return to(rows.length - 1);
    case 'ArrowRight':
      return row.isOpen ? to(at + 1) : row.children > 0 ? { toggle: row.key } : {};
    case 'ArrowLeft':
      return row.isOpen ? { toggle: row.key } : { active: row.parent ?? active };
    default:
      return null;
  }
}
