/**
 * Pictures of cards as they were painted last, by all that they show: while one pans, a card is copied instead of
 * painted. They are for one scale; at another all are made anew.
 */
import { paintPlainCard } from './canvas-blocks';
import { paintCard, secondLine } from './canvas-card';
import type { Brush } from './canvas-card';
import type { Card } from './canvas-scene';
import { CARD } from './canvas-scene';
import type { Palette } from './canvas-theme';

/** What stands out of a card: badges and outlines. */
const ROOM = 12;
/** More than a screen shows. */
const MOST = 800;

/** Pictures of cards. */
export class CardSprites {
  private scale = 0;
  private palette: Palette | null = null;
  private readonly pictures = new Map<string, HTMLCanvasElement>();

  /** Paint a card around the origin; `isPlain`: its name alone. What moves is painted each time. */
  paint(brush: Brush, card: Card, isPlain: boolean): void {
    const { context } = brush;
    const draw = isPlain ? paintPlainCard : paintCard;
    if (brush.tick > 0 && isMoving(card) && !isPlain) {
      draw(brush, card);
      return;
    }
    const { a: scale, e, f } = context.getTransform();
    this.renew(scale, brush.palette);
    const key = keyOf(card, isPlain, [brush.aside(card), brush.rules(card)]);
    const picture = this.pictures.get(key) ?? this.make(key, brush, card, scale, draw);
    context.save();
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.drawImage(picture, Math.round(e - picture.width / 2), Math.round(f - picture.height / 2));
    context.restore();
  }

  private renew(scale: number, palette: Palette): void {
    if (scale !== this.scale || palette !== this.palette || this.pictures.size > MOST) {
      this.scale = scale;
      this.palette = palette;
      this.pictures.clear();
    }
  }

  private make(
    key: string,
    brush: Brush,
    card: Card,
    scale: number,
    draw: (brush: Brush, card: Card) => void
  ): HTMLCanvasElement {
    const picture = document.createElement('canvas');
    picture.width = 2 * Math.ceil((CARD.width / 2 + ROOM) * scale);
    picture.height = 2 * Math.ceil((CARD.height / 2 + ROOM) * scale);
    const context = picture.getContext('2d');
    if (context !== null) {
      context.translate(picture.width / 2, picture.height / 2);
      context.scale(scale, scale);
      draw({ ...brush, context }, card);
      this.pictures.set(key, picture);
    }
    return picture;
  }
}

/** Whether a card looks different at each moment. */
export function isMoving(card: Card): boolean {
  return (
    card.state?.state === 'preparing' ||
    (card.state?.state === 'running' && card.state.progress === undefined)
  );
}

function keyOf(card: Card, isPlain: boolean, words: readonly string[]): string {
  const { task, state, marker } = card;
  const shown = [
    state?.state,
    state?.attempts,
    state?.progress,
    state?.isCause,
    state?.change,
    marker?.count,
    marker?.severity
  ];
  return JSON.stringify([isPlain, task.name, task.type, task.skip, secondLine(card), words, shown]);
}
