/** Arithmetic of the view: what scale and shift show what. */
import type { Bounds } from './canvas-scene';
import { CARD } from './canvas-scene';
import type { Position } from './graph';

/** The farthest and the nearest that one can zoom. */
export const ZOOM = { least: 0.02, most: 2.5 } as const;

/** Room around what is shown whole, in CSS pixels; less than that is enough for a card that comes into view. */
const MARGIN = 24;
const LEAST_MARGIN = 16;

/** Width and height in CSS pixels. */
interface Size {
  width: number;
  height: number;
}

/** The view that shows `bounds` whole, never larger than 1:1; null where there is no room for anything. */
export function viewOf(bounds: Bounds, { width, height }: Size): { zoom: number; pan: Position } | null {
  if (width < 2 * MARGIN || height < 2 * MARGIN) {
    return null;
  }
  const [wide, high] = [bounds.right - bounds.left, bounds.bottom - bounds.top];
  const scale = Math.min(1, (width - 2 * MARGIN) / wide, (height - 2 * MARGIN) / high);
  const zoom = Math.max(ZOOM.least, scale);
  const x = width / 2 - ((bounds.left + bounds.right) / 2) * zoom;
  const y = height / 2 - ((bounds.top + bounds.bottom) / 2) * zoom;
  return { zoom, pan: { x, y } };
}

/** The shift nearest to `pan` that shows the card at `centre` whole. */
export function panToShow(centre: Position, zoom: number, pan: Position, size: Size): Position {
  const shift = (at: number, half: number, length: number) => {
    const [least, most] = [LEAST_MARGIN + half, length - LEAST_MARGIN - half];
    return length === 0 || least > most ? 0 : Math.max(least, Math.min(most, at)) - at;
  };
  return {
    x: pan.x + shift(centre.x * zoom + pan.x, (CARD.width / 2) * zoom, size.width),
    y: pan.y + shift(centre.y * zoom + pan.y, (CARD.height / 2) * zoom, size.height)
  };
}

/** The view at `factor` times the scale, the middle of the view staying where it is. */
export function zoomedAbout(
  zoom: number,
  pan: Position,
  size: Size,
  factor: number
): { zoom: number; pan: Position } {
  const next = Math.max(ZOOM.least, Math.min(ZOOM.most, zoom * factor));
  const at = (from: number, middle: number) => middle - ((middle - from) / zoom) * next;
  return { zoom: next, pan: { x: at(pan.x, size.width / 2), y: at(pan.y, size.height / 2) } };
}
