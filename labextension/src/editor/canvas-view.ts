/**
 * The view of one canvas: scale and shift, and what becomes of them when the size changes. Until somebody moves it by
 * hand (or to a card out of sight) the view shows all, and goes on doing so while panes beside it come and go.
 */
import type { Bounds } from './canvas-scene';
import type { Stage } from './canvas-stage';
import { panToShow, viewOf, zoomedAbout } from './canvas-viewport';
import type { Position } from './graph';

/** See the head of this file. */
export class CanvasView {
  /** Whether the view shows all, and follows the size. */
  isFitted = true;
  /** Whether all is still to be shown, for want of a size. */
  isFitDue = true;
  private isMoving = false;
  private lastSize = { width: 0, height: 0 };

  constructor(
    private readonly stage: () => Stage,
    private readonly bounds: () => Bounds | null
  ) {}

  /** The view was moved, by hand or by us. */
  moved(): void {
    if (!this.isMoving) {
      this.isFitted = false;
    }
  }

  /** Show the model at this scale and place. */
  set(zoom: number, pan: Position): void {
    this.isMoving = true;
    this.stage().setView(zoom, pan);
    this.isMoving = false;
  }

  /** Show all, never larger than 1:1. Waits until there is a size to fit into. */
  fit(): void {
    const bounds = this.bounds();
    const view = bounds === null ? null : viewOf(bounds, this.stage().size);
    this.isFitDue = view === null;
    this.isFitted = true;
    if (view !== null) {
      this.set(view.zoom, view.pan);
    }
  }

  /** Take the size as it is now; whether the view did not follow by itself. */
  resized(): boolean {
    this.stage().resize();
    const { width, height } = this.stage().size;
    const isOther = width !== this.lastSize.width || height !== this.lastSize.height;
    this.lastSize = { width, height };
    const follows = this.isFitDue || (this.isFitted && isOther);
    if (follows) {
      this.fit();
    }
    return !follows && isOther && width > 0;
  }

  /** See that a card is in view. */
  show(centre: Position): void {
    const { zoom, pan, size } = this.stage();
    const next = panToShow(centre, zoom, pan, size);
    if (next.x !== pan.x || next.y !== pan.y) {
      this.stage().setView(zoom, next);
    }
  }

  /** Zoom around the centre. */
  zoomBy(factor: number): void {
    const { zoom, pan, size } = this.stage();
    const view = zoomedAbout(zoom, pan, size, factor);
    this.stage().setView(view.zoom, view.pan);
  }

  /** Bring a point of the model to the middle. */
  centreOn(point: Position): void {
    const { zoom, size } = this.stage();
    this.stage().setView(zoom, { x: size.width / 2 - point.x * zoom, y: size.height / 2 - point.y * zoom });
  }
}
