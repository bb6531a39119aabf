/**
 * Cards from afar: plain blocks of colour with a shape, hundreds of which read as a heat map; and, between near and
 * far, cards with their name alone in large letters. A block is copied from a small picture of its state: however many
 * tasks there are, none is drawn. From very far, where a block has no room for a shape, it is a speck: a rectangle on
 * whole pixels, which is filled several times faster than a picture is copied.
 */
import { ICONS, STATES } from '../status';
import type { State } from '../status';
import { box } from './canvas-card';
import type { Brush } from './canvas-card';
import type { Card } from './canvas-scene';
import { CARD } from './canvas-scene';
import type { Palette } from './canvas-theme';
import type { Position } from './graph';

const { width: W, height: H, radius: R } = CARD;

/** A block lower than this, in pixels, has no room for the shape of its state. */
const SPECK = 5;

/** A card around the origin with its name in large letters. */
export function paintPlainCard({ context, palette, texts }: Brush, card: Card): void {
  const state = stateShown(card);
  const colours = state === null ? { fill: palette.line, stroke: palette.line } : palette.states[state];
  context.fillStyle = palette.surface;
  context.strokeStyle = colours.stroke;
  context.lineWidth = state === 'failure' ? 5 : 2;
  context.setLineDash(state === 'preparing' ? [10, 7] : state === 'skipped' ? [5, 7] : []);
  box(context, -W / 2, -H / 2, W, H, R);
  context.fill();
  context.stroke();
  context.setLineDash([]);
  const isShown = card.state !== null && state !== null;
  if (isShown && isSolid(state)) {
    context.fillStyle = colours.fill;
    context.fillRect(-W / 2 + 2, H / 2 - 11, W - 4, 9);
  }
  context.textBaseline = 'middle';
  context.font = `600 24px ${palette.font}`;
  context.fillStyle = palette.text;
  context.textAlign = 'left';
  context.fillText(
    texts.fit(context, context.font, card.name, W - (isShown ? 54 : 24), true),
    -W / 2 + 12,
    -3
  );
  if (isShown) {
    context.textAlign = 'center';
    context.fillStyle = colours.stroke;
    context.fillText(ICONS[state], W / 2 - 21, -3);
  }
  if (card.marker !== null && card.marker.count > 0) {
    dot(context, palette, card, 1);
  }
}

function isSolid(state: State): boolean {
  return state !== 'waiting' && state !== 'skipped' && state !== 'reused';
}

/** One picture per state, made anew when scale or theme change: a heat map is then one copy per task. */
export class BlockSprites {
  private made = '';
  private readonly sprites = new Map<State | null, HTMLCanvasElement>();

  /** Paint `cards` as blocks, in the model's coordinates. */
  paint({ context, palette }: Brush, cards: readonly Card[]): void {
    const { a: scale, e, f } = context.getTransform();
    context.save();
    context.setTransform(1, 0, 0, 1, 0, 0);
    if (scale * H < SPECK) {
      paintSpecks(context, palette, cards, { scale, e, f });
    } else {
      this.renew(palette, scale);
      this.copy(context, cards, { scale, e, f });
    }
    context.restore();
    for (const card of cards) {
      if (card.marker !== null && card.marker.count > 0) {
        dot(context, palette, card, Math.max(1, 0.3 / scale), card);
      }
    }
  }

  private copy(context: CanvasRenderingContext2D, cards: readonly Card[], { scale, e, f }: Placement): void {
    for (const card of cards) {
      const sprite = this.sprites.get(stateShown(card));
      if (sprite !== undefined) {
        const x = card.x * scale + e - sprite.width / 2;
        context.drawImage(sprite, Math.round(x), Math.round(card.y * scale + f - sprite.height / 2));
      }
    }
  }

  private renew(palette: Palette, scale: number): void {
    const key = `${scale}|${JSON.stringify(palette)}`;
    if (key !== this.made) {
      this.made = key;
      [null, ...STATES].forEach(state => this.sprites.set(state, sprite(palette, state, scale)));
    }
  }
}

/** From the model to pixels of the picture: `x * scale + e`, `y * scale + f`. */
interface Placement {
  scale: number;
  e: number;
  f: number;
}

/** Blocks by state, so that the colour changes seldom: a rim where there is room for one, and what is inside. */
function paintSpecks(
  context: CanvasRenderingContext2D,
  palette: Palette,
  cards: readonly Card[],
  { scale, e, f }: Placement
): void {
  const byState = new Map<State | null, Card[]>();
  for (const card of cards) {
    const state = stateShown(card);
    const same = byState.get(state);
    if (same) {
      same.push(card);
    } else {
      byState.set(state, [card]);
    }
  }
  const [wide, high] = [Math.max(2, Math.round(W * scale)), Math.max(2, Math.round(H * scale))];
  byState.forEach((same, state) => {
    const rim = state === 'failure' ? 1 : 0;
    const fill = (colour: string, inset: number) => {
      context.fillStyle = colour;
      for (const card of same) {
        const x = Math.round(card.x * scale + e - wide / 2) + inset;
        const y = Math.round(card.y * scale + f - high / 2) + inset;
        context.fillRect(x, y, wide - 2 * inset, high - 2 * inset);
      }
    };
    const colours = state === null ? { fill: palette.surface, stroke: palette.line } : palette.states[state];
    const isSolidOne = state !== null && isSolid(state);
    fill(isSolidOne && state !== 'failure' ? colours.fill : colours.stroke, -rim);
    if (!isSolidOne && high > 2) {
      fill(palette.surface, 1);
    }
  });
}

function stateShown(card: Card): State | null {
  return card.state?.state ?? (card.task.skip ? 'skipped' : null);
}

function sprite(palette: Palette, state: State | null, scale: number): HTMLCanvasElement {
  const picture = document.createElement('canvas');
  const rim = state === 'failure' ? 2 : 1;
  picture.width = Math.max(2, Math.round(W * scale)) + 2 * rim;
  picture.height = Math.max(2, Math.round(H * scale)) + 2 * rim;
  const context = picture.getContext('2d');
  if (context === null) {
    return picture;
  }
  const solid = state !== null && isSolid(state);
  const colours = state === null ? { fill: palette.surface, stroke: palette.line } : palette.states[state];
  context.fillStyle = solid ? colours.fill : palette.surface;
  context.strokeStyle = colours.stroke;
  context.lineWidth = state === 'failure' ? 2 : 1;
  context.setLineDash(state === 'skipped' ? [4, 3] : []);
  context.fillRect(rim, rim, picture.width - 2 * rim, picture.height - 2 * rim);
  if (!solid || state === 'failure') {
    const inset = state === 'failure' ? 1 : 1.5;
    context.strokeRect(inset, inset, picture.width - 2 * inset, picture.height - 2 * inset);
  }
  context.setLineDash([]);
  if (state !== null) {
    context.translate(picture.width / 2, picture.height / 2);
    context.scale(scale, scale);
    paintGlyph(context, state, solid ? palette.surface : colours.stroke);
  }
  return picture;
}

function paintGlyph(context: CanvasRenderingContext2D, state: State, colour: string): void {
  context.beginPath();
  GLYPHS[state](context, 0, 0);
  context.fillStyle = context.strokeStyle = colour;
  context.lineWidth = 8;
  if (state === 'running' || state === 'cancelled' || state === 'preparing') {
    context.fill();
  } else {
    context.stroke();
  }
}

type Glyph = (context: CanvasRenderingContext2D, x: number, y: number) => void;

function line(context: CanvasRenderingContext2D, ...points: readonly (readonly [number, number])[]): void {
  points.forEach(([x, y], i) => (i === 0 ? context.moveTo(x, y) : context.lineTo(x, y)));
}

const GLYPHS: Readonly<Record<State, Glyph>> = {
  waiting: (context, x, y) => {
    context.moveTo(x + 14, y);
    context.arc(x, y, 14, 0, 2 * Math.PI);
  },
  preparing: (context, x, y) => {
    context.moveTo(x, y);
    context.arc(x, y, 18, -Math.PI / 2, Math.PI / 2);
  },
  running: (context, x, y) => line(context, [x - 12, y - 18], [x + 20, y], [x - 12, y + 18]),
  success: (context, x, y) => line(context, [x - 16, y], [x - 4, y + 13], [x + 17, y - 14]),
  failure: (context, x, y) => {
    line(context, [x - 16, y - 16], [x + 16, y + 16]);
    line(context, [x + 16, y - 16], [x - 16, y + 16]);
  },
  cancelled: (context, x, y) => context.rect(x - 14, y - 14, 28, 28),
  skipped: (context, x, y) => {
    line(context, [x - 20, y - 14], [x - 4, y], [x - 20, y + 14]);
    line(context, [x + 2, y - 14], [x + 18, y], [x + 2, y + 14]);
  },
  reused: (context, x, y) => {
    context.moveTo(x + 14, y);
    context.arc(x, y, 14, 0, 1.5 * Math.PI);
    line(context, [x - 2, y - 22], [x + 8, y - 14], [x - 2, y - 6]);
  }
};

function dot(
  context: CanvasRenderingContext2D,
  palette: Palette,
  card: Card,
  scale: number,
  at: Position = { x: 0, y: 0 }
): void {
  context.beginPath();
  context.arc(at.x + W / 2 - 6, at.y - H / 2 + 4, 11 * scale, 0, 2 * Math.PI);
  context.fillStyle = palette.severity[card.marker?.severity ?? 'notice'];
  context.strokeStyle = palette.surface;
  context.lineWidth = 3 * scale;
  context.fill();
  context.stroke();
}
