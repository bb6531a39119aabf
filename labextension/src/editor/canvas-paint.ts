/**
 * One frame: wires below, cards above them, then what the hand does (handle, draft of a wire, ghost, selection box).
 *
 * The painter is the whole picture; cytoscape is below it for what the mouse and fingers do, and paints nothing (see
 * `canvas-stage.ts`). Three distances: near, a card in full; middle, its name alone; far, a block. Only what is in view
 * is walked in detail.
 */
import { box } from './canvas-card';
import type { Brush } from './canvas-card';
import { arrow, paintWires, trace } from './canvas-wires';
import type { Bounds, Card, Note, Scene } from './canvas-scene';
import { CARD, curveBetween, inlet, NOTE, outlet } from './canvas-scene';
import type { EdgeEnds } from './canvas-types';
import type { Position } from './graph';

/** A wire that is being drawn. */
export interface Draft {
  from: string;
  /** Where the pointer is; null while the keyboard chooses. */
  at: Position | null;
  target: string | null;
  /** Why `target` cannot be; empty if it can. */
  refusal: string;
}

/** What a frame shows besides the scene. */
export interface View {
  zoom: number;
  pan: Position;
  /** Size in CSS pixels. */
  width: number;
  height: number;
  focused: string | null;
  hovered: string | null;
  isFocusVisible: boolean;
  isReadOnly: boolean;
  selectedEdge: EdgeEnds | null;
  found: ReadonlySet<string>;
  draft: Draft | null;
  ghost: Position | null;
  /** The box that is being drawn to select what is in it. */
  band: Bounds | null;
}

const NEAR = 0.5;
const MIDDLE = 0.24;
const { width: W, height: H, radius: R } = CARD;

/** Paint `scene` as `view` shows it; the context's unit is a CSS pixel when this is called and when it returns. */
export function paintFrame(brush: Brush, scene: Scene, view: View): void {
  const { context, palette } = brush;
  const { zoom, pan } = view;
  context.save();
  context.fillStyle = palette.background;
  context.fillRect(0, 0, view.width, view.height);
  paintGrid(brush, view);
  context.translate(pan.x, pan.y);
  context.scale(zoom, zoom);
  const shown = boundsInView(view);
  const cards = [...scene.cards.values()].filter(card => isIn(card, shown));
  scene.notes.forEach(note => paintNote(brush, note, zoom));
  paintWires(context, palette, scene, shown, zoom, {
    hot: hotNames(view, cards),
    selected: view.selectedEdge
  });
  paintCards(brush, cards, view);
  paintGhost(brush, view.ghost);
  paintDraft(brush, scene, view);
  paintBand(brush, view);
  context.restore();
}

/** The box of the model that is in view, with room for what stands out of a card. */
export function boundsInView({
  zoom,
  pan,
  width,
  height
}: Pick<View, 'zoom' | 'pan' | 'width' | 'height'>): Bounds {
  const room = 14;
  return {
    left: -pan.x / zoom - room,
    top: -pan.y / zoom - room,
    right: (width - pan.x) / zoom + room,
    bottom: (height - pan.y) / zoom + room
  };
}

function isIn(card: Card, view: Bounds): boolean {
  return (
    card.x + W / 2 >= view.left &&
    card.x - W / 2 <= view.right &&
    card.y + H / 2 >= view.top &&
    card.y - H / 2 <= view.bottom
  );
}

function hotNames(view: View, cards: readonly Card[]): ReadonlySet<string> {
  const selected = cards.filter(card => card.isSelected).map(card => card.name);
  const hot = new Set(selected.length <= 20 ? selected : []);
  [view.hovered, view.isFocusVisible ? view.focused : null].forEach(name => name !== null && hot.add(name));
  return hot;
}

/** Faint dots, so that an empty canvas shows that it is one and panning is seen. */
function paintGrid({ context, palette }: Brush, { zoom, pan, width, height }: View): void {
  const pitch = 24 * zoom;
  if (pitch < 14) {
    return;
  }
  context.fillStyle = palette.border;
  context.globalAlpha = 0.55;
  context.beginPath();
  for (let x = ((pan.x % pitch) + pitch) % pitch; x < width; x += pitch) {
    for (let y = ((pan.y % pitch) + pitch) % pitch; y < height; y += pitch) {
      context.rect(x, y, 1.2, 1.2);
    }
  }
  context.fill();
  context.globalAlpha = 1;
}

function paintCards(brush: Brush, cards: readonly Card[], view: View): void {
  const { context } = brush;
  const { zoom } = view;
  if (zoom < MIDDLE) {
    brush.blocks.paint(brush, cards);
  }
  for (const card of cards) {
    const isMarked = card.isSelected || [view.focused, view.draft?.target].includes(card.name);
    if (zoom < MIDDLE && !isMarked && !view.found.has(card.name)) {
      continue;
    }
    context.save();
    context.translate(card.x, card.y);
    if (view.found.has(card.name)) {
      halo(brush, zoom);
    }
    paintRings(brush, card, view);
    if (zoom >= MIDDLE) {
      brush.cards.paint(brush, card, zoom < NEAR);
    }
    context.restore();
  }
}

function halo({ context, palette }: Brush, zoom: number): void {
  const room = Math.max(7, 4 / zoom);
  context.fillStyle = palette.brand;
  context.globalAlpha = 0.35;
  box(context, -W / 2 - room, -H / 2 - room, W + 2 * room, H + 2 * room, R + room);
  context.fill();
  context.globalAlpha = 1;
}

function paintRings(brush: Brush, card: Card, view: View): void {
  const { context, palette } = brush;
  const hasFocus = view.isFocusVisible && view.focused === card.name;
  if (card.isSelected || hasFocus) {
    context.strokeStyle = palette.brand;
    context.lineWidth = Math.max(2, 1.6 / view.zoom);
    ring(context, context.lineWidth / 2 + 0.5);
  }
  if (hasFocus) {
    context.lineWidth = Math.max(2.5, 2 / view.zoom);
    ring(context, context.lineWidth * 2.4);
  }
  const { draft } = view;
  if (draft?.target === card.name) {
    context.strokeStyle = draft.refusal === '' ? palette.states.success.stroke : palette.severity.error;
    context.setLineDash(draft.refusal === '' ? [] : [6, 4]);
    context.lineWidth = Math.max(3, 2 / view.zoom);
    ring(context, 4);
    context.setLineDash([]);
  }
}

function ring(context: CanvasRenderingContext2D, room: number): void {
  box(context, -W / 2 - room, -H / 2 - room, W + 2 * room, H + 2 * room, R + room);
  context.stroke();
}

/** The handle at the outgoing side of `card`; `isActive` while the mouse is on it. */
export function paintHandle({ context, palette }: Brush, at: Position, zoom: number): void {
  const size = Math.max(7, 6 / zoom);
  context.fillStyle = palette.surface;
  context.strokeStyle = palette.brand;
  context.lineWidth = size / 3.5;
  context.beginPath();
  context.arc(at.x, at.y, size, 0, 2 * Math.PI);
  context.fill();
  context.stroke();
  const arm = size * 0.5;
  context.beginPath();
  context.moveTo(at.x - arm, at.y);
  context.lineTo(at.x + arm, at.y);
  context.moveTo(at.x, at.y - arm);
  context.lineTo(at.x, at.y + arm);
  context.stroke();
}

function paintDraft(brush: Brush, scene: Scene, view: View): void {
  const { context, palette } = brush;
  const shown = [view.hovered, view.isFocusVisible ? view.focused : null, view.draft?.from ?? null];
  for (const name of view.isReadOnly ? [] : new Set(shown)) {
    const card = name === null ? undefined : scene.cards.get(name);
    if (card !== undefined) {
      paintHandle(brush, outlet(card, scene.direction), view.zoom);
    }
  }
  const { draft } = view;
  const from = draft === null ? undefined : scene.cards.get(draft.from);
  const target = scene.cards.get(draft?.target ?? '');
  const end = target === undefined ? draft?.at : inlet(target, scene.direction);
  if (draft === null || from === undefined || end === undefined || end === null) {
    return;
  }
  const curve = curveBetween(outlet(from, scene.direction), end, scene.direction);
  context.strokeStyle = context.fillStyle = draft.refusal === '' ? palette.brand : palette.severity.error;
  context.lineWidth = Math.max(2, 1.6 / view.zoom);
  context.setLineDash(draft.refusal === '' ? [] : [7, 5]);
  context.beginPath();
  trace(context, curve);
  context.stroke();
  context.setLineDash([]);
  context.beginPath();
  arrow(context, curve, 4 + 2 * context.lineWidth);
  context.fill();
}

function paintGhost({ context, palette }: Brush, ghost: Position | null): void {
  if (ghost === null) {
    return;
  }
  context.globalAlpha = 0.25;
  context.fillStyle = palette.brand;
  box(context, ghost.x - W / 2, ghost.y - H / 2, W, H, R);
  context.fill();
  context.globalAlpha = 1;
  context.strokeStyle = palette.brand;
  context.lineWidth = 2;
  context.setLineDash([7, 5]);
  context.stroke();
  context.setLineDash([]);
}

function paintBand({ context, palette }: Brush, { band, zoom }: View): void {
  if (band === null) {
    return;
  }
  context.beginPath();
  context.rect(band.left, band.top, band.right - band.left, band.bottom - band.top);
  context.fillStyle = context.strokeStyle = palette.brand;
  context.globalAlpha = 0.12;
  context.fill();
  context.globalAlpha = 1;
  context.lineWidth = 1 / zoom;
  context.stroke();
}

function paintNote({ context, palette }: Brush, note: Note, zoom: number): void {
  context.save();
  context.translate(note.x - NOTE.width / 2, note.y - NOTE.height / 2);
  context.fillStyle = palette.note;
  context.strokeStyle = note.isSelected ? palette.brand : palette.border;
  context.lineWidth = note.isSelected ? Math.max(2, 1.6 / zoom) : 1;
  box(context, 0, 0, NOTE.width, NOTE.height, 3);
  context.fill();
  context.stroke();
  if (zoom >= MIDDLE) {
    context.font = `12px ${palette.font}`;
    context.fillStyle = palette.text;
    context.textAlign = 'left';
    context.textBaseline = 'middle';
    wrap(context, note.remark.text, NOTE.width - 18, 4).forEach((line, i) =>
      context.fillText(line, 9, 15 + i * 16)
    );
  }
  context.restore();
}

/** `text` in at most `most` lines of `width`; what does not fit is cut with an ellipsis. */
function wrap(context: CanvasRenderingContext2D, text: string, width: number, most: number): string[] {
  const lines: string[] = [];
  for (const paragraph of text.slice(0, 400).split('\n')) {
    let line = '';
    for (const word of paragraph.split(' ')) {
      const longer = line === '' ? word : `${line} ${word}`;
      if (line !== '' && context.measureText(longer).width > width) {
        lines.push(line);
        line = word;
      } else {
        line = longer;
      }
    }
    lines.push(line);
  }
  return lines.length <= most ? lines : [...lines.slice(0, most - 1), `${lines[most - 1]} …`];
}
