/**
 * What there is to paint: cards and wires with their places, made from a graph. Pure data and arithmetic, so that
 * a frame is a walk over arrays: no selectors, no style engine, no DOM. Units are those of the model (1 = 1 CSS pixel
 * at zoom 1); a card's `x`, `y` is its centre.
 */
import type { Direction, EdgeEnds, Marker } from './canvas-types';
import type { Graph, GraphTask, NodeState, Position, Remark } from './graph';

/** Size of every card. */
export const CARD = { width: 190, height: 60, radius: 7 } as const;

/** Size of every remark. */
export const NOTE = { width: 190, height: 76 } as const;

/** A task on the canvas. */
export interface Card {
  readonly name: string;
  task: GraphTask;
  x: number;
  y: number;
  isSelected: boolean;
  state: NodeState | null;
  marker: Marker | null;
}

/** A remark on the canvas. */
export interface Note {
  readonly id: string;
  remark: Remark;
  x: number;
  y: number;
  isSelected: boolean;
}

/** A dependency on the canvas. */
export interface Wire {
  readonly from: Card;
  readonly to: Card;
  readonly isImplied: boolean;
}

/** A box of the model. */
export interface Bounds {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

/** The four points of a cubic curve. */
export type Curve = readonly [number, number, number, number, number, number, number, number];

/** Cards and wires of one graph. */
export class Scene {
  readonly cards = new Map<string, Card>();
  readonly notes = new Map<string, Note>();
  wires: Wire[] = [];
  direction: Direction = 'LR';
  /** Whether a job is shown: without one, cards have no state. */
  hasStates = false;

  /** Take tasks, remarks and wires of `graph`; `placeOf` tells where a task or remark that is new here stands. */
  setGraph(graph: Graph, placeOf: (name: string) => Position): void {
    const old = new Map(this.cards);
    this.cards.clear();
    for (const task of graph.tasks) {
      const card = old.get(task.name) ?? newCard(task, placeOf(task.name));
      card.task = task;
      Object.assign(card, task.position ?? {});
      this.cards.set(task.name, card);
    }
    this.setNotes(graph.remarks);
    this.wires = [...this.cards.values()].flatMap(card => this.wiresInto(card));
  }

  private setNotes(remarks: readonly Remark[]): void {
    const old = new Map(this.notes);
    this.notes.clear();
    for (const remark of remarks) {
      const isSelected = old.get(remark.id)?.isSelected ?? false;
      this.notes.set(remark.id, { id: remark.id, remark, ...remark.position, isSelected });
    }
  }

  private wiresInto(to: Card): Wire[] {
    const implied = new Set(to.task.implied);
    return to.task.dependencies.flatMap(name => {
      const from = this.cards.get(name);
      return from === undefined ? [] : [{ from, to, isImplied: implied.has(name) }];
    });
  }

  /** The box around all cards and notes; null if there are none. */
  bounds(): Bounds | null {
    const box = { left: Infinity, top: Infinity, right: -Infinity, bottom: -Infinity };
    const grow = (at: Position, width: number, height: number) => {
      box.left = Math.min(box.left, at.x - width / 2);
      box.right = Math.max(box.right, at.x + width / 2);
      box.top = Math.min(box.top, at.y - height / 2);
      box.bottom = Math.max(box.bottom, at.y + height / 2);
    };
    this.cards.forEach(card => grow(card, CARD.width, CARD.height));
    this.notes.forEach(note => grow(note, NOTE.width, NOTE.height));
    return this.cards.size + this.notes.size > 0 ? box : null;
  }

  /** The topmost card at a point. */
  cardAt(point: Position): Card | null {
    let found: Card | null = null;
    for (const card of this.cards.values()) {
      if (Math.abs(card.x - point.x) <= CARD.width / 2 && Math.abs(card.y - point.y) <= CARD.height / 2) {
        found = card;
      }
    }
    return found;
  }

  /** The wire nearest to a point, if one is within `reach`. */
  wireAt(point: Position, reach: number): EdgeEnds | null {
    let best: EdgeEnds | null = null;
    let least = reach;
    for (const wire of this.wires) {
      const curve = curveOf(wire, this.direction);
      const distance = isNear(curve, point, reach) ? distanceTo(curve, point) : Infinity;
      if (distance <= least) {
        least = distance;
        best = { from: wire.from.name, to: wire.to.name };
      }
    }
    return best;
  }
}

function newCard(task: GraphTask, at: Position): Card {
  return { name: task.name, task, x: at.x, y: at.y, isSelected: false, state: null, marker: null };
}

/** Where wires leave a card: its handle. */
export function outlet(card: Position, direction: Direction): Position {
  return direction === 'LR'
    ? { x: card.x + CARD.width / 2, y: card.y }
    : { x: card.x, y: card.y + CARD.height / 2 };
}

/** Where wires enter a card. */
export function inlet(card: Position, direction: Direction): Position {
  return direction === 'LR'
    ? { x: card.x - CARD.width / 2, y: card.y }
    : { x: card.x, y: card.y - CARD.height / 2 };
}

/** The curve of a wire: leaves and enters along the direction of flow. */
export function curveOf(wire: { from: Position; to: Position }, direction: Direction): Curve {
  return curveBetween(outlet(wire.from, direction), inlet(wire.to, direction), direction);
}

/** A curve from one point to another that leaves and enters along the direction of flow. */
export function curveBetween(a: Position, b: Position, direction: Direction): Curve {
  if (direction === 'LR') {
    const bend = Math.max(24, Math.min(Math.abs(b.x - a.x) / 2, 160));
    return [a.x, a.y, a.x + bend, a.y, b.x - bend, b.y, b.x, b.y];
  }
  const bend = Math.max(20, Math.min(Math.abs(b.y - a.y) / 2, 120));
  return [a.x, a.y, a.x, a.y + bend, b.x, b.y - bend, b.x, b.y];
}

function isNear(curve: Curve, point: Position, reach: number): boolean {
  const [x0, y0, x1, y1, x2, y2, x3, y3] = curve;
  return (
    point.x >= Math.min(x0, x1, x2, x3) - reach &&
    point.x <= Math.max(x0, x1, x2, x3) + reach &&
    point.y >= Math.min(y0, y1, y2, y3) - reach &&
    point.y <= Math.max(y0, y1, y2, y3) + reach
  );
}

/** Distance of a point from a curve, by 24 chords of it. */
export function distanceTo(curve: Curve, point: Position): number {
  let least = Infinity;
  let last = pointOn(curve, 0);
  for (let i = 1; i <= 24; i++) {
    const next = pointOn(curve, i / 24);
    least = Math.min(least, distanceToChord(last, next, point));
    last = next;
  }
  return least;
}

function pointOn([x0, y0, x1, y1, x2, y2, x3, y3]: Curve, t: number): Position {
  const u = 1 - t;
  const [a, b, c, d] = [u * u * u, 3 * u * u * t, 3 * u * t * t, t * t * t];
  return { x: a * x0 + b * x1 + c * x2 + d * x3, y: a * y0 + b * y1 + c * y2 + d * y3 };
}

function distanceToChord(a: Position, b: Position, p: Position): number {
  const [dx, dy] = [b.x - a.x, b.y - a.y];
  const along = ((p.x - a.x) * dx + (p.y - a.y) * dy) / (dx * dx + dy * dy || 1);
  const t = Math.max(0, Math.min(1, along));
  return Math.hypot(p.x - a.x - t * dx, p.y - a.y - t * dy);
}
