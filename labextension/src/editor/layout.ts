/**
 * Where tasks stand when nobody placed them: a layered drawing, in time nearly linear in tasks and dependencies.
 *
 * After Sugiyama, Tagawa and Toda (1981): (1) each task gets the rank of its longest path from a root, roots being
 * drawn towards their users; (2) long dependencies are cut by invisible points, one per rank they cross; (3) sweeps
 * down and up sort each rank by the mean of its neighbours, which removes most crossings; (4) sweeps then move each
 * rank as near to its neighbours as order and spacing allow: that is isotonic regression, solved exactly by pooling
 * adjacent violators. A rank of very many tasks (a sweep of 1,000) is folded into several columns: a block that fits
 * on a screen says more than a tower. Tasks without any dependency stand in rows below the rest.
 */
import type { Direction } from './canvas-types';
import type { GraphTask, Position } from './graph';

/** Distances between the centres of cards: along the flow and across it, in units of the model. */
export interface Spacing {
  along: number;
  across: number;
}

/** The usual distances for cards of 190 × 60. */
export const SPACING: Readonly<Record<Direction, Spacing>> = {
  LR: { along: 246, across: 84 },
  TB: { along: 124, across: 222 }
};

const SWEEPS = 6;
/** More invisible points than this cost more time than they save crossings. */
const MOST_POINTS = 20000;

interface Spot {
  name: string | null;
  rank: number;
  order: number;
  at: number;
  up: Spot[];
  down: Spot[];
}

/** `tasks`, the final ones as if they depended on the ends of all others: so they stand last. */
export function behindAll(tasks: readonly GraphTask[]): readonly GraphTask[] {
  const others = tasks.filter(task => !task.rules?.isFinal);
  const needed = new Set(others.flatMap(task => task.dependencies));
  const ends = others.filter(task => !needed.has(task.name)).map(task => task.name);
  const finals = tasks.length - others.length;
  return finals === 0 || finals * ends.length > MOST_POINTS
    ? tasks
    : tasks.map(task =>
        task.rules?.isFinal ? { ...task, dependencies: [...new Set([...task.dependencies, ...ends])] } : task
      );
}

/** Places for all `tasks`, by name; the drawing starts at 0, 0. Cycles do no harm: they are cut somewhere. */
export function layeredLayout(tasks: readonly GraphTask[], direction: Direction): Map<string, Position> {
  const spacing = SPACING[direction];
  const ranks = ranksOf(tasks);
  const linked = linkedNames(tasks);
  const layers = layersOf(
    tasks.filter(task => linked.has(task.name)),
    ranks
  );
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    sortLayers(layers, sweep % 2 === 0);
  }
  const tallest = foldAbove(tasks.length);
  layers.forEach(layer =>
    layer.forEach((spot, i) => (spot.at = (i - (layer.length - 1) / 2) * spacing.across))
  );
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    alignLayers(layers, sweep % 2 === 0, spacing.across, tallest);
  }
  const places = placesOf(layers, spacing, tallest);
  placeLoose(
    places,
    tasks.filter(task => !linked.has(task.name)).map(task => task.name),
    spacing
  );
  return oriented(places, direction);
}

/** How many cards may stand in one rank before it is folded into columns. */
function foldAbove(count: number): number {
  return Math.max(16, Math.ceil(1.6 * Math.sqrt(count)));
}

/** The rank of each task: 0 for roots, else one more than the highest of what it needs. */
export function ranksOf(tasks: readonly GraphTask[]): Map<string, number> {
  const known = new Set(tasks.map(task => task.name));
  const users = new Map<string, string[]>(tasks.map(task => [task.name, []]));
  const missing = new Map<string, number>();
  for (const task of tasks) {
    const needs = task.dependencies.filter(name => known.has(name) && name !== task.name);
    needs.forEach(name => users.get(name)?.push(task.name));
    missing.set(task.name, needs.length);
  }
  const ranks = new Map<string, number>();
  const open = tasks.filter(task => missing.get(task.name) === 0).map(task => task.name);
  open.forEach(name => ranks.set(name, 0));
  for (let i = 0; i < open.length; i++) {
    const rank = ranks.get(open[i]) ?? 0;
    for (const user of users.get(open[i]) ?? []) {
      ranks.set(user, Math.max(ranks.get(user) ?? 0, rank + 1));
      const left = (missing.get(user) ?? 1) - 1;
      missing.set(user, left);
      if (left === 0) {
        open.push(user);
      }
    }
  }
  tasks.forEach(task => ranks.set(task.name, ranks.get(task.name) ?? 0));
  return drawnTowardsUsers(open, users, ranks);
}

/** Roots move up to their nearest user, so that a late side input does not start far away. */
function drawnTowardsUsers(
  order: readonly string[],
  users: ReadonlyMap<string, readonly string[]>,
  ranks: Map<string, number>
): Map<string, number> {
  for (const name of order) {
    const those = users.get(name) ?? [];
    if (ranks.get(name) === 0 && those.length > 0) {
      ranks.set(name, those.reduce((least, user) => Math.min(least, ranks.get(user) ?? 0), Infinity) - 1);
    }
  }
  return ranks;
}

function linkedNames(tasks: readonly GraphTask[]): Set<string> {
  const known = new Set(tasks.map(task => task.name));
  const linked = new Set<string>();
  for (const task of tasks) {
    const needs = task.dependencies.filter(name => known.has(name));
    needs.forEach(name => linked.add(name).add(task.name));
  }
  return linked;
}

function layersOf(tasks: readonly GraphTask[], ranks: ReadonlyMap<string, number>): Spot[][] {
  const spots = new Map<string, Spot>();
  const layers: Spot[][] = [];
  const put = (name: string | null, rank: number): Spot => {
    const layer = (layers[rank] ??= []);
    const spot = { name, rank, order: layer.length, at: 0, up: [], down: [] };
    layer.push(spot);
    return spot;
  };
  tasks.forEach(task => spots.set(task.name, put(task.name, Math.max(0, ranks.get(task.name) ?? 0))));
  let points = 0;
  for (const task of tasks) {
    const to = spots.get(task.name);
    for (const name of task.dependencies) {
      const from = spots.get(name);
      if (from === undefined || to === undefined || from.rank >= to.rank) {
        continue;
      }
      let last = from;
      for (let rank = from.rank + 1; rank < to.rank && points < MOST_POINTS; rank++, points++) {
        last = link(last, put(null, rank));
      }
      link(last, to);
    }
  }
  return Array.from(layers, layer => layer ?? []);
}

function link(from: Spot, to: Spot): Spot {
  from.down.push(to);
  to.up.push(from);
  return to;
}

/** One sweep: every rank sorted by the mean place of its neighbours before (or after) it. */
function sortLayers(layers: Spot[][], isDown: boolean): void {
  for (const layer of isDown ? layers : [...layers].reverse()) {
    const means = new Map(
      layer.map(spot => [spot, mean(isDown ? spot.up : spot.down, s => s.order, spot.order)])
    );
    layer.sort((a, b) => (means.get(a) ?? 0) - (means.get(b) ?? 0) || a.order - b.order);
    layer.forEach((spot, i) => (spot.order = i));
  }
}

function mean(spots: readonly Spot[], of: (spot: Spot) => number, otherwise: number): number {
  return spots.length === 0 ? otherwise : spots.reduce((sum, spot) => sum + of(spot), 0) / spots.length;
}

function alignLayers(layers: Spot[][], isDown: boolean, gap: number, tallest: number): void {
  for (const layer of isDown ? layers : [...layers].reverse()) {
    if (layer.filter(spot => spot.name !== null).length > tallest) {
      continue;
    }
    const wanted = layer.map(spot => mean(isDown ? spot.up : spot.down, s => s.at, spot.at));
    const sizes = layer.map(spot => (spot.name === null ? gap / 3 : gap));
    spread(wanted, sizes).forEach((at, i) => (layer[i].at = at));
  }
}

/**
 * The places nearest (least squares) to `wanted` that keep the order, with half of both `sizes` between neighbours.
 */
export function spread(wanted: readonly number[], sizes: readonly number[]): number[] {
  const offsets: number[] = [];
  sizes.forEach((size, i) => offsets.push(i === 0 ? 0 : offsets[i - 1] + (sizes[i - 1] + size) / 2));
  const blocks: { sum: number; count: number }[] = [];
  wanted.forEach((want, i) => {
    let block = { sum: want - offsets[i], count: 1 };
    for (
      let last = blocks.at(-1);
      last && last.sum / last.count > block.sum / block.count;
      last = blocks.at(-1)
    ) {
      block = { sum: last.sum + block.sum, count: last.count + block.count };
      blocks.pop();
    }
    blocks.push(block);
  });
  const places = blocks.flatMap(block => new Array<number>(block.count).fill(block.sum / block.count));
  return places.map((place, i) => place + offsets[i]);
}

/** `x` along the flow, `y` across it; folded ranks take several columns. */
function placesOf(layers: Spot[][], spacing: Spacing, tallest: number): Map<string, Position> {
  const places = new Map<string, Position>();
  let x = 0;
  for (const layer of layers) {
    const spots = layer.filter(spot => spot.name !== null);
    const columns = spots.length > tallest ? Math.ceil(Math.sqrt(spots.length / 3)) : 1;
    const rows = Math.ceil(spots.length / columns);
    const middle = mean(
      spots.flatMap(spot => [...spot.up, ...spot.down]),
      spot => spot.at,
      0
    );
    spots.forEach((spot, i) => {
      const y = columns === 1 ? spot.at : middle + ((i % rows) - (rows - 1) / 2) * spacing.across;
      places.set(spot.name ?? '', { x: x + Math.floor(i / rows) * (spacing.along * 0.82), y });
    });
    x += spacing.along + (columns - 1) * spacing.along * 0.82;
  }
  return places;
}

/** Tasks that depend on nothing and are needed by nothing stand in rows below the rest. */
function placeLoose(places: Map<string, Position>, names: readonly string[], spacing: Spacing): void {
  const others = [...places.values()];
  const bottom = others.reduce(
    (most, at) => Math.max(most, at.y),
    others.length === 0 ? -spacing.across : -Infinity
  );
  const perRow = Math.max(1, Math.min(Math.ceil(Math.sqrt(names.length)), names.length));
  names.forEach((name, i) => {
    const at = { x: (i % perRow) * spacing.along, y: bottom + (Math.floor(i / perRow) + 1) * spacing.across };
    places.set(name, at);
  });
}

function oriented(places: Map<string, Position>, direction: Direction): Map<string, Position> {
  return direction === 'LR' ? places : new Map([...places].map(([name, at]) => [name, { x: at.y, y: at.x }]));
}

/** Whether a rank of `tasks` is so wide that only folding shows it well. */
export function isWide(tasks: readonly GraphTask[]): boolean {
  const counts = new Map<number, number>();
  ranksOf(tasks).forEach(rank => counts.set(rank, (counts.get(rank) ?? 0) + 1));
  return [...counts.values()].some(count => count > foldAbove(tasks.length));
}

/**
 * A place for a task that is new in a drawing: one rank after what it needs (or before what needs it), beside what
 * stands there already. `taken` are the places of all others.
 */
export function placeBeside(
  needs: readonly Position[],
  users: readonly Position[],
  taken: Iterable<Position>,
  direction: Direction
): Position {
  const all = [...taken];
  const { along, across } = SPACING[direction];
  const flow = (at: Position) => (direction === 'LR' ? at.x : at.y);
  const side = (at: Position) => (direction === 'LR' ? at.y : at.x);
  const average = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const neighbours = needs.length > 0 ? needs : users;
  const x = needs.length > 0 ? Math.max(...needs.map(flow)) + along : Math.min(...users.map(flow)) - along;
  const start =
    neighbours.length > 0 ? { x, y: average(neighbours.map(side)) } : belowAll(all, flow, side, across);
  const isFree = (y: number) =>
    all.every(at => Math.abs(flow(at) - start.x) >= along * 0.8 || Math.abs(side(at) - y) >= across * 0.95);
  let step = 0;
  const tried = () => start.y + (step % 2 === 0 ? step / 2 : -(step + 1) / 2) * across;
  while (!isFree(tried())) {
    step++;
  }
  return direction === 'LR' ? { x: start.x, y: tried() } : { x: tried(), y: start.x };
}

function belowAll(
  all: readonly Position[],
  flow: (at: Position) => number,
  side: (at: Position) => number,
  across: number
): Position {
  if (all.length === 0) {
    return { x: 0, y: 0 };
  }
  const least = (of: (at: Position) => number) => all.reduce((low, at) => Math.min(low, of(at)), Infinity);
  const most = all.reduce((high, at) => Math.max(high, side(at)), -Infinity);
  return { x: least(flow), y: most + across };
}
