/**
 * A small picture of the whole graph with the part in view, for graphs larger than the view; a click or a drag moves
 * the view there. For the eye and the mouse only: the keyboard has its own ways, so it is hidden from screen readers.
 */
import type { Bounds, Scene } from './canvas-scene';
import { CARD } from './canvas-scene';
import type { Palette } from './canvas-theme';
import type { Position } from './graph';

const WIDTH = 176;
const HEIGHT = 112;
const ROOM = 6;

/** Where the minimap's picture is, in the model. */
interface Frame {
  scale: number;
  x: number;
  y: number;
}

/** The scale and shift that show `bounds` whole in the minimap. */
export function frameFor(bounds: Bounds): Frame {
  const [wide, high] = [bounds.right - bounds.left, bounds.bottom - bounds.top];
  const scale = Math.min((WIDTH - 2 * ROOM) / Math.max(1, wide), (HEIGHT - 2 * ROOM) / Math.max(1, high));
  return {
    scale,
    x: (WIDTH - wide * scale) / 2 - bounds.left * scale,
    y: (HEIGHT - high * scale) / 2 - bounds.top * scale
  };
}

/** Whether `view` does not show all of `bounds`. */
export function isLarger(bounds: Bounds, view: Bounds): boolean {
  return (
    bounds.left < view.left ||
    bounds.top < view.top ||
    bounds.right > view.right ||
    bounds.bottom > view.bottom
  );
}

/** The minimap of one canvas. */
export class Minimap {
  readonly element = document.createElement('div');
  private readonly picture = document.createElement('canvas');
  private readonly lens = document.createElement('div');
  private frame: Frame = { scale: 1, x: 0, y: 0 };
  private timer = 0;

  constructor(private readonly moveTo: (centre: Position) => void) {
    this.element.className = 'ft-Minimap';
    this.element.setAttribute('aria-hidden', 'true');
    this.element.hidden = true;
    this.lens.className = 'ft-Minimap-lens';
    this.element.append(this.picture, this.lens);
    this.element.addEventListener('pointerdown', this.onDown);
    this.element.addEventListener('pointermove', this.onMove);
  }

  /** Follow the view; the picture itself is painted anew a little later, and once for many calls. */
  update(scene: Scene, view: Bounds, palette: Palette): void {
    const bounds = scene.bounds();
    this.element.hidden = bounds === null || scene.cards.size < 6 || !isLarger(bounds, view);
    if (bounds === null || this.element.hidden) {
      return;
    }
    this.frame = frameFor(bounds);
    this.placeLens(view);
    if (this.timer === 0) {
      this.timer = window.setTimeout(() => {
        this.timer = 0;
        this.paint(scene, palette);
      }, 250);
    }
  }

  private placeLens(view: Bounds): void {
    const { scale, x, y } = this.frame;
    const left = Math.max(0, view.left * scale + x);
    const top = Math.max(0, view.top * scale + y);
    const right = Math.min(WIDTH, view.right * scale + x);
    const bottom = Math.min(HEIGHT, view.bottom * scale + y);
    this.lens.style.transform = `translate(${left}px, ${top}px)`;
    this.lens.style.width = `${Math.max(6, right - left)}px`;
    this.lens.style.height = `${Math.max(6, bottom - top)}px`;
  }

  private paint(scene: Scene, palette: Palette): void {
    const ratio = window.devicePixelRatio || 1;
    this.picture.width = WIDTH * ratio;
    this.picture.height = HEIGHT * ratio;
    const context = this.picture.getContext('2d');
    if (context === null) {
      return;
    }
    const { scale, x, y } = this.frame;
    context.scale(ratio, ratio);
    const wide = Math.max(1.5, CARD.width * scale);
    const high = Math.max(1.2, CARD.height * scale);
    for (const card of scene.cards.values()) {
      context.fillStyle = card.state === null ? palette.line : palette.states[card.state.state].fill;
      context.fillRect(card.x * scale + x - wide / 2, card.y * scale + y - high / 2, wide, high);
    }
  }

  private readonly onDown = (event: PointerEvent): void => {
    event.preventDefault();
    event.stopPropagation();
    this.element.setPointerCapture(event.pointerId);
    this.go(event);
  };

  private readonly onMove = (event: PointerEvent): void => {
    if (event.buttons === 1) {
      this.go(event);
    }
  };

  private go(event: PointerEvent): void {
    const area = this.element.getBoundingClientRect();
    const { scale, x, y } = this.frame;
    this.moveTo({ x: (event.clientX - area.left - x) / scale, y: (event.clientY - area.top - y) / scale });
  }

  /** Paint no more. */
  dispose(): void {
    window.clearTimeout(this.timer);
  }
}
