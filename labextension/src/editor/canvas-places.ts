/**
 * Where the tasks of a new graph stand: those known keep their place, a renamed one takes the place of its old self,
 * a few new ones are put beside their neighbours, and many (or the first) are laid out.
 */
import { layoutTasks } from './canvas-dagre';
import type { Direction } from './canvas-types';
import type { Graph, GraphTask, Position } from './graph';
import { placeBeside, ranksOf } from './layout';

/** More new tasks than this at once, and more than half of all: the whole is laid out anew. */
const MANY = 12;

/** The one task that was renamed between two graphs, as `[before, after]`; null if anything else changed. */
export function renamed(before: readonly GraphTask[], after: readonly GraphTask[]): [string, string] | null {
  const old = new Set(before.map(task => task.name));
  const now = new Set(after.map(task => task.name));
  const gone = before.filter(task => !now.has(task.name));
  const come = after.filter(task => !old.has(task.name));
  return gone.length === 1 && come.length === 1 && before.length === after.length
    ? [gone[0].name, come[0].name]
    : null;
}

/** Places for all tasks of `graph`; `known` are those that have one. */
export function placesFor(
  graph: Graph,
  known: ReadonlyMap<string, Position>,
  direction: Direction
): Map<string, Position> {
  const fresh = graph.tasks.filter(task => !known.has(task.name) && task.position === undefined);
  if (fresh.length > 0 && (fresh.length === graph.tasks.length || isMuch(fresh.length, graph.tasks.length))) {
    return layoutTasks(graph.tasks, direction);
  }
  const places = new Map<string, Position>();
  for (const task of graph.tasks) {
    const at = task.position ?? known.get(task.name);
    if (at !== undefined) {
      places.set(task.name, at);
    }
  }
  placeFresh(graph, fresh, places, direction);
  return places;
}

function isMuch(fresh: number, all: number): boolean {
  return fresh > MANY && fresh * 2 > all;
}

function placeFresh(
  graph: Graph,
  fresh: readonly GraphTask[],
  places: Map<string, Position>,
  direction: Direction
): void {
  const ranks = ranksOf(graph.tasks);
  const inOrder = [...fresh].sort((a, b) => (ranks.get(a.name) ?? 0) - (ranks.get(b.name) ?? 0));
  for (const task of inOrder) {
    const placed = (names: readonly string[]) => names.flatMap(name => places.get(name) ?? []);
    const users = graph.tasks
      .filter(other => other.dependencies.includes(task.name))
      .map(other => other.name);
    places.set(task.name, placeBeside(placed(task.dependencies), placed(users), places.values(), direction));
  }
}

/** The card nearest to a place: where the keyboard goes when its own card has gone. Null without a place or cards. */
export function nearest(cards: ReadonlyMap<string, Position>, place: Position | undefined): string | null {
  const far = ({ x, y }: Position) => (place === undefined ? 0 : Math.hypot(x - place.x, y - place.y));
  const [first] = [...cards].sort(([, a], [, b]) => far(a) - far(b));
  return place === undefined ? null : (first?.[0] ?? null);
}
